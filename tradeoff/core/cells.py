"""The cells of a CSV table: a value as text, and back."""

import math
from typing import Any

from tradeoff.core.columns import Column

#: a spreadsheet takes text that begins so for a formula (OWASP, "CSV Injection")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
QUOTED = (*FORMULA, "'")
ACCEPTED = {int: "a whole number", float: "a finite number", bool: "true or false"}


def written(value: Any) -> str:
    """Return the text of a cell: empty for None, true or false, six significant digits of a float.

    Text that a spreadsheet would take for a formula is written behind an apostrophe, and so is text that begins with
    an apostrophe, so that `parsed` gives back exactly what was written.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(value, ".6g")
    if isinstance(value, str) and value.startswith(QUOTED):
        return "'" + value
    return str(value)


def parsed(text: str, column: Column) -> Any:
    """Return the value of a cell; None when it is empty.

    Raises:
        ValueError: with what was expected, when the text is no value of the column's kind.
    """
    if text == "":
        return None
    if column.kind is str:
        return text[1:] if text.startswith("'") and text[1:].startswith(QUOTED) else text
    try:
        return truth(text) if column.kind is bool else number(text, column.kind)
    except (ValueError, OverflowError):
        raise ValueError(f"got {text!r}, expected {ACCEPTED[column.kind]} or an empty cell") from None


def within(value: Any, column: Column) -> Any:
    """Return a value that its column can have.

    Raises:
        ValueError: with what was expected, when a share is not of 0..1, or a cost is below 0.
    """
    if column.kind is float and column.better == "higher" and not column.unit and value is not None:
        if not 0 <= value <= 1:
            hint = f"; for {value:g} % write {value / 100:g}" if 1 < value <= 100 else ""
            raise ValueError(f"got {value:g}, expected a number of 0..1{hint}")
    elif column.better == "lower" and column.unit and value is not None and value < 0:
        raise ValueError(f"got {value:g} {column.unit}, expected a number of at least 0")
    return value


def truth(text: str) -> bool:
    """Read true or false; spreadsheets write them in capitals."""
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def number(text: str, kind: type) -> int | float:
    """Read a number; 300.0 is a whole number, for spreadsheets write it so."""
    value = float(text.replace("_", "no digit"))
    if not math.isfinite(value):
        raise ValueError(text)
    if kind is float:
        return value
    if not value.is_integer() or abs(value) >= 2**63:
        raise ValueError(text)
    return int(text) if text.lstrip("+-").isdigit() else int(value)
