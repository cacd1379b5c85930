"""A finished figure with its words."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from tradeoff.analysis.comparable import conditions, published, trusted, values

TOLD = 4  # sources in a caption


@dataclass(frozen=True)
class Drawing:
    """A figure of a table.

    name: of the function that drew it, and of its files. title: a heading. caption: what is drawn and what is not;
    it is written along the lower edge of the figure as well. figure: with a canvas of its own.
    """

    name: str
    title: str
    caption: str
    figure: Figure


#: takes a table as `tradeoff.analysis.table.read` gives it, and the columns in which rows of one axis may differ
Plot = Callable[[pd.DataFrame, Collection[str]], Drawing]


def tally(frame: pd.DataFrame, rows: pd.DataFrame, lacking: str, hollow: str = "hollow", like: int = 0) -> str:
    """Word on what the drawn rows were had, how many of a table are drawn, and why the others are not.

    Args:
        frame: the table.
        rows: what is drawn of it.
        lacking: what a finished row lacks that is not drawn, such as "AP or time".
        hollow: how a row that is not trusted is drawn.
        like: how many rows are not drawn because another speaks for them.
    """
    status = frame["status"].value_counts()
    failed, skipped, finished = (int(status.get(name, 0)) for name in ("failed", "skipped", "ok"))
    words = [
        f"On {conditions(rows)}. Rows: {len(frame)}; drawn: {len(rows)}; of these not trusted ({hollow}):",
        f"{int((~trusted(rows)).sum())}; failed: {failed}; skipped: {skipped};",
        *([f"spoken for by another row: {like};"] if like else []),
        f"without {lacking}: {finished - len(rows) - like}.",
    ]
    return " ".join([*words, *cited(rows), *versions(rows)])


def cited(rows: pd.DataFrame) -> list[str]:
    """Word where published numbers come from, nothing where there are none."""
    sources = sorted(set(values(rows, "source").dropna().astype(str)))
    more = f" and {len(sources) - TOLD} more sources" if len(sources) > TOLD else ""
    told = f"{'; '.join(sources[:TOLD])}{more}"
    return [f"Grey: {int(published(rows).sum())} published numbers, from {told}."] if sources else []


def versions(rows: pd.DataFrame) -> list[str]:
    """Warn where rows were had with several versions of torch."""
    found = sorted(set(values(rows, "torch_version").dropna().astype(str)))
    return [f"Measured with torch {', '.join(found)}."] if len(found) > 1 else []


def asked(together: Collection[str]) -> list[str]:
    """Say that rows share an axis although they differ, nothing where they do not."""
    return (
        [f"Drawn together as asked, though they may differ: rows of any {', '.join(together)}."] if together else []
    )
