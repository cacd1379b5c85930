"""The memory of each model. Source: Huang et al. 2017, figure 9."""

from collections.abc import Collection

import pandas as pd

from tradeoff.analysis.drawing import Drawing
from tradeoff.analysis.per_model import per_model


def memory_per_model(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw the peak memory of inference of each model, one bar per image size, the smallest on top.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no finished row has a memory, or too many sets cannot be compared.

    Differs: the study has the sum of all allocations, this the peak.
    """
    return per_model("memory_per_model", "Memory of each model", frame, "peak_memory_mb", together)
