"""Runs that are named by the beginning of their run_id."""

import re
from pathlib import Path
from typing import Any

from tradeoff.core.errors import ConfigError, StoreError
from tradeoff.core.rows import load_row

SHOWN = 6  # runs in a message


def find(prefix: str, results_dir: Path, table: str | None = None) -> dict[str, Any]:
    """Return the row of the one run whose run_id begins with a prefix.

    Args:
        prefix: hexadecimal digits.
        results_dir: where tables are; a run that is in several of them is one, and the row that is ok counts.
        table: the only one to look into; None is all.

    Raises:
        ConfigError: when there is no such run, or there are several; when table or folder cannot be.
        StoreError: when a row cannot be read.
    """
    where = f"{results_dir} (results_dir)" if table is None else f"table {table} of {results_dir}"
    if not re.fullmatch(r"[0-9a-f]+", prefix):
        raise ConfigError(f"{prefix!r}: expected the beginning of a run_id, digits and a to f")
    if table is not None and not re.fullmatch(r"[\w-]+", table):
        raise ConfigError(f"table={table!r}: expected a name of letters, digits, - and _")
    if not results_dir.is_dir():
        raise ConfigError(f"results_dir={results_dir}: no such folder")
    found = in_tables(f"{prefix}*.json", results_dir, table)
    if not found:
        others = in_tables("[!.]*.json", results_dir, table)
        raise ConfigError(
            f"{prefix!r}: no run in {where} begins so; there {f'are {named(others)}' if others else 'is none at all'}"
        )
    if len(found) > 1:
        raise ConfigError(f"{prefix!r}: stands for several runs: {named(found)}; give more of the run_id")
    ((name, paths),) = found.items()
    return best(name, paths)


def in_tables(pattern: str, results_dir: Path, table: str | None) -> dict[str, list[Path]]:
    """Return the rows of each run, by run_id, in the order of the tables."""
    told: dict[str, list[Path]] = {}
    for path in sorted(results_dir.glob(f"rows/{table or '*'}/{pattern}")):
        told.setdefault(path.stem, []).append(path)
    return told


def best(name: str, paths: list[Path]) -> dict[str, Any]:
    """Return the row of a run that may be in several tables: the first that is ok, else the first.

    Raises:
        StoreError: when a row cannot be read, or is not of that run.
    """
    rows = list(map(load_row, paths))
    for path, row in zip(paths, rows, strict=True):
        if row["run_id"] != name:
            raise StoreError(f"{path}: is no row of {name}, its run_id is {row['run_id']}; delete it")
    return next((row for row in rows if row["status"] == "ok"), rows[0])


def named(found: dict[str, list[Path]]) -> str:
    """Word some runs, the first few by name."""
    rows = [best(name, paths) for name, paths in list(found.items())[:SHOWN]]
    names = [f"{row['run_id']} ({row['label']})" for row in rows]
    return ", ".join(names) + (f" and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
