"""Multiply-adds against time. Source: Huang et al. 2017, figure 8."""

from collections.abc import Collection

import pandas as pd

from tradeoff.analysis import correlation, points, under
from tradeoff.analysis.axis import Axis
from tradeoff.analysis.comparable import COMPARABLE, TIME, timed
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.points import View

VIEW = View(Axis("gmacs", log=True), Axis(TIME.name, log=True))


def flops_time(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw time against multiply-adds, both on a logarithmic scale, with Kendall's rank correlation.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no finished row has both, or too many sets cannot be compared.
    """
    rows = points.usable("flops_time", timed(frame), [VIEW])
    shown = points.panels("flops_time", rows, [VIEW], together, COMPARABLE)
    ranks = correlation.worded(
        shown, correlation.kendall, "Kendall's τ (1: multiply-adds rank the models as time does)"
    )
    partial = int((rows["flops_partial"].fillna(False)).sum()) if "flops_partial" in rows else 0
    some = [f"Operators without a formula are left out of the multiply-adds of {partial} rows."] if partial else []
    caption = " ".join([tally(frame, rows, "multiply-adds or latency"), ranks, *some, *asked(together)])
    figure, caption = points.compose(rows, shown, lambda _: caption, under.nothing)
    return Drawing("flops_time", "Multiply-adds against time", caption, figure)
