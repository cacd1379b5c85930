"""The effect of the image size. Source: Huang et al. 2017, figure 5."""

from collections.abc import Collection

import pandas as pd

from tradeoff.analysis.axis import Axis
from tradeoff.analysis.comparable import TIME
from tradeoff.analysis.drawing import Drawing
from tradeoff.analysis.joined import joined
from tradeoff.analysis.points import View

VIEWS = [View(Axis(TIME.name, log=True), Axis("ap")), View(Axis("ap_large"), Axis("ap_small"))]


def image_size(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw what a larger image buys, in AP and time and in small and large objects, by arrows from size to size.

    Joined are rows that differ in nothing but the image size.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no model was finished at two sizes, or too many sets cannot be compared.
    """
    return joined("image_size", "Effect of the image size", frame, "size", VIEWS, together)
