"""The frontier of a trade-off: what no other point beats in both cost and gain."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tradeoff.analysis.comparable import complete, groups, trusted


def frontier(cost: ArrayLike, gain: ArrayLike) -> NDArray[np.bool_]:
    """Tell which points are not dominated, in O(n log n).

    A point is dominated when another costs no more and gains no less, and is better in one of the two. Equal points
    do not dominate each other: both are on the frontier, or neither. A point with a NaN is never on it and dominates
    none.

    Args:
        cost: (N,) numbers, lower is better.
        gain: (N,) numbers, higher is better.

    Returns:
        (N,) bool.

    Raises:
        ValueError: when the two are not of one length.
    """
    costs, gains = np.asarray(cost, dtype=float), np.asarray(gain, dtype=float)
    if costs.ndim != 1 or costs.shape != gains.shape:
        raise ValueError(f"cost and gain: got shapes {costs.shape} and {gains.shape}, expected (N,) and (N,)")
    usable = np.flatnonzero(~(np.isnan(costs) | np.isnan(gains)))
    order = usable[np.lexsort((-gains[usable], costs[usable]))]
    mask = np.zeros(costs.shape, dtype=bool)
    mask[order] = undominated(costs[order], gains[order])
    return mask


def undominated(costs: NDArray[np.float64], gains: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Do the work of `frontier` for points sorted by cost, the best gain of equal costs first."""
    if not len(costs):
        return np.zeros(0, dtype=bool)
    first = np.searchsorted(costs, costs, side="left")  # of the points with this cost
    best_of_cheaper = np.maximum.accumulate(gains)[first - 1]
    top_of_equals = gains == gains[first]
    return top_of_equals & ((first == 0) | (gains > best_of_cheaper))


def on_frontier(frame: pd.DataFrame, cost: str = "latency_ms_p50", gain: str = "ap") -> pd.Series:
    """Tell which rows are on the frontier of the rows that they can be compared with, (N,) bool.

    A row that failed a rule of trust is not on it while a trusted one is there.
    """
    marks = pd.Series(False, index=frame.index)
    for _, group in groups(complete(frame, cost, gain)):
        candidates = group[trusted(group)] if trusted(group).any() else group
        marks[candidates.index] = frontier(candidates[cost], candidates[gain])
    return marks
