"""The effect of the stride of the feature map. Source: Huang et al. 2017, section 4.1.4."""

from collections.abc import Collection

import pandas as pd

from tradeoff.analysis.axis import Axis
from tradeoff.analysis.comparable import TIME
from tradeoff.analysis.drawing import Drawing
from tradeoff.analysis.joined import joined
from tradeoff.analysis.points import View

VIEWS = [View(Axis(TIME.name, log=True), Axis("ap"))]


def stride(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw what a denser feature map buys, in AP and time, by arrows from stride 16 to 8.

    Joined are rows that differ in nothing but the stride.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no model was finished at two strides, or too many sets cannot be compared.
    """
    return joined("stride", "Effect of the stride", frame, "stride", VIEWS, together, downwards=True)
