"""Memory against time. Source: Huang et al. 2017, figure 10."""

from collections.abc import Collection

import pandas as pd

from tradeoff.analysis import correlation, points, under
from tradeoff.analysis.axis import Axis
from tradeoff.analysis.comparable import COMPARABLE, TIME, timed
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.points import View

VIEW = View(Axis(TIME.name, log=True), Axis("peak_memory_mb", log=True))


def memory_time(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw the peak memory of inference against time, both on a logarithmic scale, with Kendall's rank correlation.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no finished row has both, or too many sets cannot be compared.
    """
    rows = points.usable("memory_time", timed(frame), [VIEW])
    shown = points.panels("memory_time", rows, [VIEW], together, COMPARABLE)
    ranks = correlation.worded(shown, correlation.kendall, "Kendall's τ (1: the slower, the more memory)")
    caption = " ".join([tally(frame, rows, "memory or latency"), ranks, *asked(together)])
    figure, caption = points.compose(rows, shown, lambda _: caption, under.nothing)
    return Drawing("memory_time", "Memory against time", caption, figure)
