"""Runs that are named by the beginning of their run_id."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tradeoff.core.errors import ConfigError
from tradeoff.core.rows import load_row

SHOWN = 6  # runs in a message


def find(prefix: str, results_dir: Path, table: str | None = None) -> dict[str, Any]:
    """Return the row of the one run whose run_id begins with a prefix.

    Args:
        prefix: hexadecimal digits.
        results_dir: where tables are; a run that is in several of them is one.
        table: the only one to look into; None is all.

    Raises:
        ConfigError: when there is no such run, or there are several.
        StoreError: when a row cannot be read.
    """
    where = f"{results_dir} (results_dir)" if table is None else f"table {table} of {results_dir}"
    if not re.fullmatch(r"[0-9a-f]+", prefix):
        raise ConfigError(f"{prefix!r}: expected the beginning of a run_id, digits and a to f")
    places = f"rows/{table or '*'}"
    rows = {path.stem: path for path in sorted(results_dir.glob(f"{places}/{prefix}*.json"))}
    if not rows:
        others = {path.stem: path for path in sorted(results_dir.glob(f"{places}/[!.]*.json"))}
        there = (
            f"there are {named(map(load_row, others.values()), len(others))}" if others else "there is none at all"
        )
        raise ConfigError(f"{prefix!r}: no run in {where} begins so; {there}")
    if len(rows) > 1:
        several = named(map(load_row, rows.values()), len(rows))
        raise ConfigError(f"{prefix!r}: stands for several runs: {several}; give more of the run_id")
    return load_row(next(iter(rows.values())))


def named(rows: Iterable[dict[str, Any]], count: int) -> str:
    """Word some runs of `count`, the first few by name."""
    names = [f"{row['run_id']} ({row['label']})" for row, _ in zip(rows, range(SHOWN), strict=False)]
    return ", ".join(names) + (f" and {count - SHOWN} more" if count > SHOWN else "")
