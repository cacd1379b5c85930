"""Figures beside their bars: a table in results/measured, each row with its bar and circumstances, and an exit code.

A row is a mapping from columns to whatever was measured. Imports no torch.
"""

import csv
import json
import operator
import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tradeoff.core.machine import code_version, detect, installed, threads

MEASURED = Path(__file__).parents[1] / "results" / "measured"
HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "within": lambda value, bar: abs(value) <= bar,
}

Row = dict[str, Any]


def judged(row: Row, **bars: tuple[str, float]) -> Row:
    """Return a row with its bars, such as `s=("<=", 1)` of its column s, and whether all are met.

    Without a bar, `is_met` is None.
    """
    words = "; ".join(f"{name} {sign} {bar:g}" for name, (sign, bar) in bars.items())
    is_met = all(HOLDS[sign](row[name], bar) for name, (sign, bar) in bars.items()) if bars else None
    return {**row, "bar": words, "is_met": is_met}


def ended(table: Path, rows: Sequence[Row]) -> int:
    """Print rows that were judged, and as the last line JSON; return the exit code: 1 where a bar is missed."""
    for row in rows:
        print(row)
    missed = [next(iter(row.values())) for row in rows if row["is_met"] is False]
    print(json.dumps({"table": table.name, "rows": len(rows), "missed": missed}))
    return 1 if missed else 0


def write(table: Path, rows: Sequence[Row], *, device: str = "cpu", by: Sequence[str] = ()) -> None:
    """Write rows with hardware, versions and date.

    With `by`, they take the place of those rows alone that are the same in these columns; the others stay, unless the
    table has other columns than these, for then it is of another version and begins anew.
    """
    common = circumstances(device)
    lines = [row | common for row in rows]
    columns, new = list(lines[0]), {identity(line, by) for line in lines}
    kept = [line for line in read(table, columns) if by and identity(line, by) not in new]
    table.parent.mkdir(parents=True, exist_ok=True)
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*kept, *lines])


def read(table: Path, columns: Sequence[str]) -> list[Row]:
    """Return the rows of a table, none where it is not there or has other columns."""
    if not table.is_file():
        return []
    with table.open(newline="") as file:
        reader = csv.DictReader(file)
        return list(reader) if reader.fieldnames == columns else []


def identity(row: Row, by: Sequence[str]) -> tuple[str, ...]:
    """Return what a row is told by, as text."""
    return tuple(str(row[name]) for name in by)


def circumstances(device: str) -> Row:
    """Return what figures belong to."""
    return {
        "device_name": detect(device).device_name,
        "threads": threads(),
        "python_version": platform.python_version(),
        "torch_version": installed("torch"),
        "torchvision_version": installed("torchvision"),
        "code_version": code_version(),
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }
