"""One value of somebody's table as a value of ours, by the rule of its column (`tradeoff.analysis.mapping`)."""

from decimal import Decimal, InvalidOperation
from typing import Any

from tradeoff.analysis.rules import FIELD, Rule, When
from tradeoff.core.cells import parsed
from tradeoff.core.columns import Column


def met(when: When, told: dict[str, str]) -> bool:
    """Tell whether a row meets a condition."""
    return all(told[name] in values for name, values in when.items())


def value(column: Column, rule: Rule, told: dict[str, str], decimal: str = ".") -> Any:
    """Return the value of one of our columns in one row; None where theirs says nothing.

    `decimal` is what their numbers have before their decimals.

    Raises:
        ValueError: when it makes no sense.
    """
    if not met(rule.when, told) or not any(told[name] for name in rule.read - set(rule.when)):
        return None
    text = worded(rule, FIELD.sub(lambda hit: told[hit[1]], rule.text).strip())
    if text == "":
        return None
    text = pointed(text, decimal) if column.kind in (int, float) else text
    number = scaled(text, rule) if rule.factor or rule.over else text
    return in_range(column, parsed(number, column), text)


def pointed(text: str, decimal: str) -> str:
    """Return a number with a point before its decimals."""
    if "," in text and decimal != ",":
        raise ValueError(
            f'got {text!r}, expected a number; where theirs have commas, give decimal: "," to the mapping'
        )
    return text.replace(",", ".")


def worded(rule: Rule, text: str) -> str:
    """Return what pattern and words make of a text."""
    fallback = {"keep": text, "empty": ""}.get(rule.others)
    if rule.pattern:
        hit = rule.pattern.search(text)
        if not hit:
            if fallback is None:
                raise ValueError(f"got {text!r}, in which the pattern {rule.pattern.pattern!r} is not")
            return fallback
        text = hit[1] or ""
    if rule.words is not None and text not in rule.words:
        if not rule.others:
            raise ValueError(f"got {text!r}, expected one of words: {', '.join(rule.words)}")
        return text if rule.others == "keep" else ""
    return rule.words[text] if rule.words is not None else text


def scaled(text: str, rule: Rule) -> str:
    """Return a number times the factor of its rule, or what the rule divides by it, exact in decimals."""
    try:
        number = Decimal(text)
        result = rule.over / number if rule.over else number * (rule.factor or 1)
    except (InvalidOperation, ZeroDivisionError):
        raise ValueError(f"got {text!r}, expected a number") from None
    return format(result, "f")


def in_range(column: Column, found: Any, text: str) -> Any:
    """Return a value that its column can have.

    Raises:
        ValueError: for an accuracy outside of 0..1, and for a size, a count or a cost that is not above 0.
    """
    if found is None or column.kind not in (int, float):
        return found
    if is_share(column) and not 0 <= found <= 1:
        raise ValueError(f"got {text!r}, expected 0..1; give factor: 0.01 where theirs is in percent")
    if found < 0 or (found == 0 and (column.better == "lower" or column.unit in ("px", "images"))):
        raise ValueError(f"got {text!r}, expected a number above 0; what is not known is left empty")
    return found


def is_share(column: Column) -> bool:
    """Tell whether the values of a column are accuracies, 0..1."""
    return column.better == "higher" and column.unit == ""
