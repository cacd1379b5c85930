"""The scatter of accuracy against time with its frontier. Source: Huang et al. 2017, figure 2."""

from collections.abc import Collection

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from tradeoff.analysis import points, under
from tradeoff.analysis.axis import Axis
from tradeoff.analysis.comparable import COMPARABLE, TIME, timed, values
from tradeoff.analysis.critical import COLUMN, SWEET_SPOT, critical_points
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.frontier import on_frontier
from tradeoff.analysis.membership import contests, told
from tradeoff.analysis.points import View

VIEW = View(Axis(TIME.name, log=True), Axis("ap"))
FEW = 12  # published numbers, so that each can be labelled
WORDS = "Dashed: the frontier, in steps: the highest AP at or below a latency. Labelled: the models on it"
ELBOW = "The sweet spot is the elbow."
ELSEWHERE = "Where the table names none, the sweet spot is the elbow."
BAND = "Band and thin lines: 95 % intervals of the frontier and of each model."


def scatter(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw AP against the median latency, one panel for each set of rows that can be compared.

    Marker: meta-architecture. Colour and letter: extractor with its own options. Area: image size. Hollow: not
    trusted. Grey: published. The dashed line goes in steps along the frontier, whose models are labelled.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no finished row has both an AP and a latency, or too many sets cannot be compared.
    """
    rows = points.usable("scatter", timed(frame), [VIEW])
    critical = critical_points(rows, together)[COLUMN]
    best = on_frontier(rows, together=together)
    roles = critical.reindex(rows.index).map(lambda role: "" if pd.isna(role) else f": {role}")
    may = best | (rows["pale"] & (rows["pale"].sum() <= FEW))
    named = may.astype(int).mask(rows.index.isin(critical.index), points.MUST)
    rows = rows.assign(best=best, named=named, label=rows["label"].astype(str) + roles)
    unsure = any(told(contest).any() for contest in contests(rows, VIEW.names, together))

    labels = explained(rows, critical)

    def words(missing: int) -> str:
        parts = [tally(frame, rows, "AP or latency"), *labels, *([BAND] if unsure else []), *asked(together)]
        return " ".join([*parts, *([f"Labels left out for want of room: {missing}."] if missing else [])])

    lines: list[Artist] = [Line2D([], [], linestyle="--", color="0.35", linewidth=1.1, label="frontier")]
    lines += [Patch(facecolor=under.BAND_COLOUR, alpha=0.45, label="its 95 % band")] if unsure else []
    shown = points.panels("scatter", rows, [VIEW], together, COMPARABLE)
    figure, caption = points.compose(rows, shown, words, under.frontier, lines)
    return Drawing("scatter", "Accuracy against time", caption, figure)


def explained(rows: pd.DataFrame, critical: pd.Series) -> list[str]:
    """Word which models are labelled, and who says which are critical."""
    by_table = values(rows, COLUMN).notna()
    found = critical[~by_table[critical.index]]
    elbow = [ELSEWHERE if by_table.any() else ELBOW] if (found == SWEET_SPOT).any() else []
    return [f"{WORDS}{', and the critical points that the table names' if by_table.any() else ''}.", *elbow]
