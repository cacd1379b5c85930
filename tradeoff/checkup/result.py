"""What a check says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["right", "warning", "wrong"]


@dataclass(frozen=True)
class Result:
    """One line of the report.

    state: "wrong" where a number of this machine cannot be trusted, "warning" where something is missing or unusual.
    found, expected: in words with units. advice: how to mend it; empty where nothing is to be done.
    numbers: what was found, for programs; the unit is in the name.
    """

    name: str
    state: State
    found: str
    expected: str = ""
    advice: str = ""
    numbers: Mapping[str, float | None] = field(default_factory=dict)


def judged(name: str, good: bool, found: str, expected: str, advice: str, **numbers: float) -> Result:
    """Return a result that is right or wrong; advice is for the wrong one."""
    return Result(name, "right" if good else "wrong", found, expected, "" if good else advice, numbers)
