"""Rows: one JSON file each, the source that the CSV table is made of.

A row holds every column of the registry; what could not be had is None.
"""

import json
import math
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tradeoff.core.columns import BY_NAME, COLUMNS, NAMES, Column
from tradeoff.core.errors import StoreError, TableError
from tradeoff.core.files import read_json, write_atomic
from tradeoff.core.store import locked
from tradeoff.core.tables import read_csv, to_csv

__all__ = ["COLUMNS", "Column", "checked", "load", "merge", "read_csv", "save"]

STATUSES = ("ok", "failed", "skipped")
ORDER = ("meta_arch", "extractor", "overrides", "size", "stride", "proposals", "batch_size", "precision", "run_id")


def checked(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with every column in the order of the registry, None where nothing is known.

    Empty text is None; a whole number in a column of floats becomes a float.

    Raises:
        TableError: with every fault: an unknown column, a value of another kind, a number that is not finite.
    """
    faults = [unknown(name) for name in row if name not in BY_NAME]
    faults += [fault for name in row if name in BY_NAME and (fault := wrong(BY_NAME[name], row[name]))]
    if faults:
        raise TableError("\n".join(faults))
    return {column.name: normal(column, row.get(column.name)) for column in COLUMNS}


def unknown(name: str) -> str:
    """Word the fault of a column that is not in the registry."""
    near = get_close_matches(str(name), NAMES, n=1)
    return f"column {name!r}: no such column" + (f"; did you mean {near[0]!r}?" if near else "")


def wrong(column: Column, value: Any) -> str | None:
    """Word the fault of a value, if it has one."""
    accepted = (int, float) if column.kind is float else column.kind
    odd_bool = isinstance(value, bool) and column.kind is not bool
    if value is not None and (odd_bool or not isinstance(value, accepted)):
        return (
            f"column {column.name!r}: got {value!r} ({type(value).__name__}), expected {column.kind.__name__} or None"
        )
    if isinstance(value, float) and not math.isfinite(value):
        return f"column {column.name!r}: got {value!r}, expected a finite number; what is not known is None"
    if column.name == "status" and value not in (None, *STATUSES):
        return f"column 'status': got {value!r}, expected {', '.join(STATUSES)}"
    return None


def normal(column: Column, value: Any) -> Any:
    """Return the one way in which a value is kept."""
    if value == "" or value is None:
        return None
    return float(value) if column.kind is float else value


def save(folder: Path, row: Mapping[str, Any]) -> None:
    """Write a row to `<folder>/<run_id>.json`, whole or not at all; the folder is made.

    Raises:
        TableError: when the row is refused by `checked` or its run_id cannot be the name of a file.
        StoreError: when the file cannot be written.
    """
    full = checked(row)
    run_id = full["run_id"]
    if not re.fullmatch(r"[A-Za-z0-9_-]+", run_id or ""):
        raise TableError(f"column 'run_id': got {run_id!r}, expected letters, digits, _ and -")
    make_folder(folder)
    write_atomic(folder / f"{run_id}.json", json.dumps(full, indent=1, allow_nan=False) + "\n")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be made ({error.strerror}); choose another results_dir") from error


def load(folder: Path) -> list[dict[str, Any]]:
    """Return all rows of a folder in the order of the table; none when there is no folder.

    Raises:
        StoreError: naming the file, when one is broken.
    """
    rows = [load_row(path) for path in sorted(folder.glob("*.json")) if not path.name.startswith(".")]
    return sorted(rows, key=position)


def load_row(path: Path) -> dict[str, Any]:
    """Return one row."""
    content = read_json(path)
    try:
        if not isinstance(content, dict):
            raise TableError(f"got {type(content).__name__}, expected an object")
        return checked(content)
    except TableError as error:
        raise StoreError(f"{path}: is no row of this version ({error}); delete it to compute it anew") from error


def position(row: Mapping[str, Any]) -> tuple[tuple[bool, Any], ...]:
    """Return what a table is sorted by; empty cells come last."""
    return tuple((row[name] is None, "" if row[name] is None else row[name]) for name in ORDER)


def merge(folder: Path, csv_path: Path) -> None:
    """Write the table of all rows of a folder.

    A row is saved before it is merged and merges follow one another under a lock, so the last one sees every row. The
    lock is the hidden file `.<name of the table>.lock` beside the table.

    Raises:
        StoreError: when a row is broken or the table cannot be written.
    """
    make_folder(csv_path.parent)
    lock = csv_path.with_name(f".{csv_path.name}.lock")
    try:
        with locked(lock):
            text = to_csv(load(folder))
            if not csv_path.is_file() or csv_path.read_bytes() != text.encode():
                write_atomic(csv_path, text)
    except OSError as error:
        raise StoreError(f"{lock}: cannot be locked ({error.strerror}); choose another results_dir") from error
