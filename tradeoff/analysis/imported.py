"""Somebody's CSV as rows of ours, by a mapping (`tradeoff.analysis.mapping`)."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tradeoff.analysis.conversion import met, value
from tradeoff.analysis.mapping import Mapping
from tradeoff.analysis.mapping_faults import SIGNS
from tradeoff.analysis.rules import column_of
from tradeoff.core.cells import parsed, written
from tradeoff.core.columns import BY_NAME, NAMES
from tradeoff.core.errors import ConfigError, TableError
from tradeoff.core.rows import STATUSES
from tradeoff.core.tables import quoted, table_text

MOST_FAULTS = 20


@dataclass(frozen=True)
class Imported:
    """What came of a file: rows of ours, how many were left out for which reason, columns that nothing maps."""

    rows: list[dict[str, Any]]
    dropped: Counter[str]
    unmapped: dict[str, str]

    def text(self) -> str:
        """Return the table: columns of ours that have a value, in our order, then the others."""
        filled = {name for row in self.rows for name, value in row.items() if value is not None}
        others = [name for name in self.rows[0] if name not in BY_NAME]
        header = [name for name in (*NAMES, *others) if name in filled]
        lines = [header, *([quoted(written(row.get(name))) for name in header] for row in self.rows)]
        return "".join(",".join(line) + "\n" for line in lines)


def imported(path: Path, mapping: Mapping) -> Imported:
    """Read a CSV by a mapping.

    Raises:
        TableError: when it is missing or damaged, or with file, line and key of every value that makes no sense.
        ConfigError: when the mapping names columns that the file does not have.
    """
    header, lines = cells(path, mapping.separator)
    check_columns(path, header, mapping)
    rows, faults, dropped = [], [], Counter[str]()
    seen: set[str] = set()
    for number, line in lines:
        told = {name: "" if value.strip() in mapping.empty else value.strip() for name, value in line.items()}
        why = next((why for when, why in mapping.rows_left_out if met(when, told)), None)
        if why is not None:
            dropped[why] += 1
            continue
        row, wrong = mapped(told, mapping)
        wrong += unfit(row, seen)
        rows.append(row)
        faults += [f"{path}, line {number}, {fault}" for fault in wrong]
    if faults:
        more = [f"... and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise TableError("\n".join([*faults[:MOST_FAULTS], *more]))
    if not rows:
        raise TableError(f"{path}: no row is left; {mapping.path} leaves out {sum(dropped.values())}")
    unmapped = [name for name in header if name not in mapping.read]
    examples = {name: next((line[name] for _, line in lines if line[name]), "") for name in unmapped}
    return Imported(list(named(path.stem, rows)), dropped, examples)


def cells(path: Path, separator: str | None = None) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Return the header of a CSV, and each line with its number; without a separator it is told from the header.

    Raises:
        TableError: with file and line.
    """
    text = table_text(path)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator or separator_of(text))
    try:
        header = next(reader, [])
        lines = [(reader.line_num, line) for line in reader if line]
    except csv.Error as error:
        raise TableError(f"{path}, line {reader.line_num}: {error}; mend the line") from error
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice or not lines:
        raise TableError(f"{path}, line 1: column {twice[0]!r} is there twice" if twice else f"{path}: has no rows")
    for number, line in lines:
        if len(line) != len(header):
            raise TableError(f"{path}, line {number}: got {len(line)} cells, expected {len(header)}; mend the line")
    return header, [(number, dict(zip(header, line, strict=True))) for number, line in lines]


def separator_of(text: str) -> str:
    """Return what separates the cells of a table: a comma, unless its first line has none but another."""
    first = next(iter(text.splitlines()), "")
    return max(SIGNS["separator"], key=lambda sign: (sign in first, sign == ",", first.count(sign)))


def check_columns(path: Path, header: list[str], mapping: Mapping) -> None:
    """Refuse a mapping that reads columns which the file does not have."""
    faults = []
    for name in sorted(mapping.read - set(header)):
        near = get_close_matches(name, header, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(header)}"
        faults.append(f"{mapping.path}: {path} has no column {name!r}; {hint}")
    if faults:
        raise ConfigError(faults)


def mapped(told: dict[str, str], mapping: Mapping) -> tuple[dict[str, Any], list[str]]:
    """Return the row of a line, and the faults of its values."""
    row: dict[str, Any] = {}
    faults = []
    for name, rule in mapping.rules.items():
        try:
            row[name] = value(column_of(name), rule, told, mapping.decimal)
        except ValueError as error:
            faults.append(f"columns.{name} ({', '.join(sorted(rule.read))}): {error}")
    row |= {name: parsed(str(constant), column_of(name)) for name, constant in mapping.constants.items()}
    row |= {name: told[theirs] or None for name, theirs in mapping.kept.items()}
    return row, faults


def unfit(row: dict[str, Any], seen: set[str]) -> list[str]:
    """Return the faults of a row's status and name; the name joins those that were seen."""
    status, run_id = row.get("status"), row.get("run_id")
    faults = [] if status in (None, *STATUSES) else [f"status: got {status!r}, expected {', '.join(STATUSES)}"]
    faults += [f"run_id: {run_id!r} is there twice; each row needs its own, or none"] if run_id in seen else []
    seen |= {run_id} if run_id else set()
    return faults


def named(stem: str, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield rows with run_id, label, model and status; equal names are numbered."""
    seen: Counter[str] = Counter()
    for row in rows:
        label = row.get("label") or row.get("model") or "unnamed"
        slug = re.sub(r"[^A-Za-z0-9]+", "_", f"{stem}-{label}").strip("_")
        seen[slug] += 1
        run_id = slug if seen[slug] == 1 else f"{slug}_{seen[slug]}"
        yield {"run_id": run_id, "status": "ok", "model": label, **row, "label": label}
