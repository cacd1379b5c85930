"""The time of each model. Source: Huang et al. 2017, figure 7."""

from collections.abc import Collection

import pandas as pd

from tradeoff.analysis.comparable import TIME
from tradeoff.analysis.drawing import Drawing
from tradeoff.analysis.per_model import per_model


def time_per_model(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw the time of each model, one bar per image size, the fastest on top.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no finished row has a time, or too many sets cannot be compared.
    """
    return per_model("time_per_model", "Time of each model", frame, TIME.name, together)
