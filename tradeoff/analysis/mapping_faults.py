"""What is wrong with a mapping file, each fault with its key."""

import re
from collections.abc import Iterator
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from tradeoff.analysis.rules import MORE, Rule, column_of
from tradeoff.core.cells import parsed
from tradeoff.core.columns import BY_NAME

BLOCKS = ("columns", "constants", "kept", "left_out")
LISTS = ("empty", "rows_left_out")
SIGNS = {"separator": (",", ";", "\t"), "decimal": (".", ",")}
KEYS = ("title", *SIGNS, *BLOCKS, *LISTS)
RULE_KEYS = ("from", *(field.name for field in fields(Rule)))


def found(content: dict[str, Any]) -> Iterator[str]:
    """Yield the faults of a mapping, each with its key."""
    yield from (f"{key}: no such key; there are {', '.join(KEYS)}" for key in content if key not in KEYS)
    yield from (
        f"{key}: got {content[key]!r}, expected {' or '.join(map(repr, signs))}"
        for key, signs in SIGNS.items()
        if key in content and content[key] not in signs
    )
    blocks = {key: content.get(key) or {} for key in BLOCKS}
    odd = [f"{key}: expected names with values" for key, block in blocks.items() if not isinstance(block, dict)]
    odd += [f"{key}: expected a list" for key in LISTS if not isinstance(content.get(key) or [], list)]
    yield from odd or block_faults(**blocks)
    if not odd:
        yield from (fault for entry in content.get("rows_left_out") or [] for fault in entry_faults(entry))


def block_faults(
    columns: dict[str, Any], constants: dict[str, Any], kept: dict[str, Any], left_out: dict[str, Any]
) -> Iterator[str]:
    """Yield the faults of what becomes of columns."""
    for name, spec in columns.items():
        yield from (f"columns.{name}: {fault}" for fault in (*unknown(name), *rule_faults(name, spec)))
    for name, value in constants.items():
        yield from (f"constants.{name}: {fault}" for fault in (*unknown(name), *constant_faults(name, value)))
    yield from (f"constants.{name}: is in columns as well; remove one" for name in constants if name in columns)
    ours = [name for name in kept if name in BY_NAME or name in MORE]
    yield from (
        f"kept.{name}: is a column of ours; put it into columns, or keep it under another name" for name in ours
    )
    if not columns:
        yield "columns: is missing; it says which column of ours is which of theirs"
    elif not {"model", "label"} & set(columns):
        yield "columns.model: is missing; say which column names the models"
    if "source" not in {*columns, *constants}:
        yield "source: is missing; say in columns or constants where the numbers are from"


def entry_faults(entry: Any) -> Iterator[str]:
    """Yield the fault of rows that are left out."""
    if not isinstance(entry, dict) or set(entry) != {"when", "why"} or not isinstance(entry["when"], dict):
        yield f"rows_left_out: got {entry!r}; expected when: {{column: [values]}} and why"


def unknown(name: str) -> Iterator[str]:
    """Yield the fault of a column that we do not have."""
    if name not in BY_NAME and name not in MORE:
        near = get_close_matches(name, [*BY_NAME, *MORE], n=1)
        yield (f"no such column; did you mean {near[0]!r}?" if near else "no such column") + (
            "; a column that has no place in ours goes into kept"
        )


def constant_faults(name: str, value: Any) -> Iterator[str]:
    """Yield why a value cannot stand in every row of a column."""
    try:
        parsed(str(value), column_of(name))
    except ValueError as error:
        yield str(error)


def rule_faults(name: str, spec: Any) -> Iterator[str]:
    """Yield the faults of the rule of one column."""
    if isinstance(spec, str):
        return
    if not isinstance(spec, dict) or len({"from", "text"} & set(spec)) != 1:
        yield f"got {spec!r}; expected a column of theirs, or from or text, with {', '.join(RULE_KEYS[2:])}"
        return
    yield from (f"{key}: no such key; there are {', '.join(RULE_KEYS)}" for key in spec if key not in RULE_KEYS)
    numeric = column_of(name).kind in (int, float)
    for key, value in spec.items():
        if key in ("from", "text") and not isinstance(value, str):
            yield f"{key}: got {value!r}; expected text"
        if key in ("factor", "over") and not (numeric and above_0(value)):
            yield f"{key}: got {value!r}; expected a number above 0, for a column of numbers"
        if key in ("words", "when") and not isinstance(value, dict):
            yield f"{key}: expected names with values"
    yield from option_faults(spec)


def above_0(value: Any) -> bool:
    """Tell whether a value is a finite number above 0."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf")


def option_faults(spec: dict[str, Any]) -> Iterator[str]:
    """Yield the faults of how a value is changed."""
    if {"factor", "over"} <= set(spec):
        yield "factor, over: expected one of the two"
    if spec.get("others", "keep") not in ("keep", "empty"):
        yield f"others: got {spec['others']!r}; expected keep or empty"
    if "pattern" in spec:
        yield from pattern_faults(spec["pattern"])


def pattern_faults(pattern: Any) -> Iterator[str]:
    """Yield the faults of a regular expression."""
    try:
        if not re.compile(pattern).groups:
            yield "pattern: expected a group in brackets, which is what is taken"
    except (re.error, TypeError) as error:
        yield f"pattern: is no regular expression ({error})"
