"""The table as a data frame, and as text for a terminal."""

import io
import textwrap
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradeoff.analysis.comparable import conditions, groups, trusted
from tradeoff.analysis.frontier import on_frontier
from tradeoff.core.columns import BY_NAME, Column
from tradeoff.core.errors import TableError
from tradeoff.core.rows import read_csv

DTYPES = {str: "string", int: "Int64", float: "float64", bool: "boolean"}
WIDTH = 120
#: column, header, format, factor
SHOWN = (
    ("ap", "AP", ".3f", 1.0),
    ("ap50", "AP50", ".3f", 1.0),
    ("ap_small", "small", ".3f", 1.0),
    ("ap_medium", "medium", ".3f", 1.0),
    ("ap_large", "large", ".3f", 1.0),
    ("latency_ms_p50", "p50 ms", ".4g", 1.0),
    ("gmacs", "GMACs", ".3g", 1.0),
    ("peak_memory_mb", "mem MB", ".4g", 1.0),
    ("params", "params M", ".3g", 1e-6),
)


def read(path: Path) -> pd.DataFrame:
    """Read a table into a frame, one typed column per column of the registry, text for all others.

    Raises:
        TableError: with file, line or row, and column, when the table is missing, empty or damaged, no row has a
            status, or an accuracy or a cost cannot be one.
    """
    rows = read_csv(path)
    if all(row["status"] is None for row in rows):
        raise TableError(
            f"{path}: column 'status' is missing, or empty in every row; expected ok, failed or skipped. "
            "A table of others is brought in by: python -m tradeoff.table import"
        )
    kinds = {name: BY_NAME.get(name, Column(name, str)).kind for name in rows[0]}
    columns = {name: pd.Series([row[name] for row in rows], dtype=DTYPES[kind]) for name, kind in kinds.items()}
    return pd.DataFrame(columns)


def text(frame: pd.DataFrame) -> str:
    """Return the rows as text of at most 120 columns: what can be compared together, the best AP first.

    A star marks the frontier of AP against the median latency. Rows that failed or were skipped stand below with
    their reason.
    """
    done = (frame["status"] == "ok").fillna(False)
    parts = [section(group) for _, group in groups(frame[done])] if done.any() else ["no row is finished"]
    rest = frame[~done]
    parts += ["\n".join(told(row) for _, row in rest.iterrows())] if len(rest) else []
    return "\n\n".join(parts)


def section(frame: pd.DataFrame) -> str:
    """Return the finished rows that can be compared, under a line that says on what they were had."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("")
    table.add_column("label", overflow="fold")
    for _, header, _, _ in SHOWN:
        table.add_column(header, justify="right", no_wrap=True)
    table.add_column("status")
    marked = frame.assign(star=on_frontier(frame), sound=trusted(frame))
    for _, row in marked.sort_values(["ap", "latency_ms_p50"], ascending=[False, True]).iterrows():
        star, status = "*" if row["star"] else "", "ok" if row["sound"] else "untrusted"
        table.add_row(star, Text(str(row["label"])), *(cell(row, *shown) for shown in SHOWN), status)
    return f"{folded(conditions(frame))}\n{rendered(table)}\n* on the frontier of AP against the median latency"


def cell(row: pd.Series, name: str, header: str, style: str, factor: float) -> str:
    """Return a number as it is shown; - where there is none."""
    return "-" if pd.isna(row[name]) else format(row[name] * factor, style)


def rendered(table: Table) -> str:
    """Return a table as plain text."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(line.rstrip() for line in captured.get().rstrip("\n").split("\n"))


def told(row: pd.Series) -> str:
    """Return a row that is not finished, with its reason."""
    reason = "no reason given" if pd.isna(row["reason"]) else " ".join(str(row["reason"]).split())
    return folded(f"{row['status']}  {row['label']}: {reason}")


def folded(line: str) -> str:
    """Fold a line to the width of the table."""
    return textwrap.fill(line, WIDTH, subsequent_indent="  ")
