"""What moved between two tables, in words for a terminal and as plain values."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pandas as pd
from rich.table import Table

from tradeoff.analysis import table
from tradeoff.analysis.comparable import TIME
from tradeoff.analysis.moved import Moves, summary
from tradeoff.analysis.verdict import BETTER, OPEN, VERDICTS, WORSE

WITHIN_RUN = """the interval of a time is within one run, and two runs of one program differ by more: before a time is
called moved, time both by turns, python -m tradeoff.compare A B --remeasure"""


def text(found: Moves, most: int = 10) -> str:
    """Return what moved: counts by column, the largest moves, what could not be told and why, rows of one table only.

    Args:
        found: what moved.
        most: rows that are listed of each kind.
    """
    parts = [f"{found.matched} rows ask for the same in both tables", *differing(found), counted(found)]
    parts += [listed(f"{len(moved(found))} moves beyond noise; the largest changes", largest(found, most))]
    parts += list(untold(found))
    parts += [table.folded(WITHIN_RUN)] if (moved(found)["column"] == TIME.name).any() else []
    for where, names in (("ONE", found.only_one), ("OTHER", found.only_other)):
        parts += [listed(f"{len(names)} finished rows in {where} only", cut(names, most))] if names else []
    if found.ambiguous:
        parts += [listed("not compared, for several rows of a table ask for the same", cut(found.ambiguous, most))]
    return "\n".join(parts)


def differing(found: Moves) -> list[str]:
    """Say on what the rows differ besides."""
    return [table.folded(f"they differ in {line}") for line in found.differing]


def counted(found: Moves) -> str:
    """Return the verdicts of each column, counted."""
    grid = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for header in ("OTHER is", "rows", *VERDICTS, "median change"):
        grid.add_column(header, justify="left" if header == "OTHER is" else "right", no_wrap=True)
    for row in summary(found):
        change = "-" if pd.isna(row["change_pct"]) else f"{row['change_pct']:+.2f} %"
        grid.add_row(row["column"], str(row["rows"]), *(str(row[verdict]) for verdict in VERDICTS), change)
    return table.rendered(grid)


def moved(found: Moves) -> pd.DataFrame:
    """Return the lines that moved beyond noise."""
    return found.rows[found.rows["verdict"].isin((BETTER, WORSE))]


def largest(found: Moves, most: int) -> list[str]:
    """Word the largest changes that are not known to be noise, in parts of their value."""
    lines = found.rows[found.rows["verdict"].isin((BETTER, WORSE, OPEN))]
    lines = lines[lines["change"] != 0]
    order = lines["change_pct"].abs().fillna(float("inf")).sort_values(ascending=False, kind="stable").index[:most]
    return [change(row) for row in lines.loc[order].to_dict("records")]


def change(row: dict[Any, Any]) -> str:
    """Word one change."""
    values = f"{row['one']:.4g} -> {row['other']:.4g} ({row['change']:+.3g})"
    return f"{row['label']}: {row['column']} {values}, {row['verdict']}"


def untold(found: Moves) -> Iterator[str]:
    """Yield why it cannot be told of how many numbers whether they moved."""
    lines = found.rows[found.rows["verdict"] == OPEN]
    for (column, reason), count in Counter(zip(lines["column"], lines["reason"], strict=True)).items():
        yield f"cannot tell for {column} of {count} rows: {reason}"


def listed(title: str, lines: list[str]) -> str:
    """Return lines under a title."""
    return "\n".join([f"{title}:" if lines else f"{title}: none", *(table.folded(f"  {line}") for line in lines)])


def cut(names: list[str], most: int) -> list[str]:
    """Return the first names, and how many more there are."""
    return [*names[:most], *([f"... and {len(names) - most} more"] if len(names) > most else [])]


def plain(found: Moves) -> dict[str, Any]:
    """Return what moved as values that JSON can hold."""
    counts = {row["column"]: {verdict: row[verdict] for verdict in VERDICTS} for row in summary(found)}
    rows = [{k: None if pd.isna(v) else v for k, v in row.items()} for row in moved(found).to_dict("records")]
    return {
        "matched": found.matched,
        "only_one": found.only_one,
        "only_other": found.only_other,
        "ambiguous": found.ambiguous,
        "differing": found.differing,
        "columns": counts,
        "moved": [{k: v for k, v in row.items() if k != "reason"} for row in rows],
    }
