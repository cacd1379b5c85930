"""The rule of one column of a mapping: where its values come from, and what is done to them."""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from tradeoff.core.columns import BY_NAME, Column

#: text columns of published tables, besides those of the registry
MORE = ("model", "source", "protocol", "critical_point")
FIELD = re.compile(r"\{([^{}]+)\}")
When = dict[str, list[str]]


@dataclass(frozen=True)
class Rule:
    """Where the values of one column come from, and what is done to them; see the module."""

    text: str
    pattern: re.Pattern[str] | None = None
    words: dict[str, str] | None = None
    others: str = ""
    factor: Decimal | None = None
    over: Decimal | None = None
    when: When = field(default_factory=dict)

    @property
    def read(self) -> set[str]:
        """The columns of theirs that it reads."""
        return {*fields_of(self.text), *self.when}


def column_of(name: str) -> Column:
    """Return what is known of one of our columns; MORE are text."""
    return BY_NAME.get(name, Column(name, str))


def fields_of(text: str) -> list[str]:
    """Return the columns that a text names in braces."""
    return FIELD.findall(text)
