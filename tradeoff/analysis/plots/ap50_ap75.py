"""Overall AP against AP at IoU 0.50 and 0.75. Source: Huang et al. 2017, figure 11."""

from collections.abc import Collection

import pandas as pd

from tradeoff.analysis import correlation, points, under
from tradeoff.analysis.axis import Axis
from tradeoff.analysis.comparable import OF_ACCURACY
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.points import View

VIEWS = [View(Axis("ap"), Axis("ap50")), View(Axis("ap"), Axis("ap75"))]


def ap50_ap75(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw AP50 and AP75 against AP, a panel each, with how much of them a straight line explains.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no finished row has AP and one of the two, or too many sets cannot be compared.
    """
    rows = points.usable("ap50_ap75", frame, VIEWS)
    shown = points.panels("ap50_ap75", rows, VIEWS, together, OF_ACCURACY)
    fits = correlation.worded(shown, correlation.r_squared, "R² of a straight line")
    caption = " ".join([tally(frame, rows, "AP, or AP50 and AP75"), fits, *asked(together)])
    figure, caption = points.compose(rows, shown, lambda _: caption, under.nothing)
    return Drawing("ap50_ap75", "Overall AP against AP50 and AP75", caption, figure)
