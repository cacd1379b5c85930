"""The frontier of a trade-off: what no other point beats in every objective at once."""

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tradeoff.analysis.comparable import TIME, candidates, complete, groups, known, numbers, timed
from tradeoff.core.errors import TableError

OBJECTIVES = (TIME.name, "ap")


def nondominated(points: ArrayLike) -> NDArray[np.bool_]:
    """Tell which points are not dominated, in O(n log n) for two and three objectives.

    A point is dominated when another is no worse in any objective, and better in one. Equal points do not dominate
    each other: all are on the frontier, or none. A point with a NaN is never on it and dominates none.

    Args:
        points: (N, K) numbers, K at least 1, lower is better.

    Returns:
        (N,) bool.

    Raises:
        ValueError: when it is not a matrix.
    """
    matrix = np.asarray(points, dtype=float)
    if matrix.ndim != 2 or not matrix.shape[1]:
        raise ValueError(f"points: got shape {matrix.shape}, expected (N, K)")
    usable = ~np.isnan(matrix).any(axis=1)
    mask = np.zeros(len(matrix), dtype=bool)
    if usable.any():
        import moocore  # here, for a command that asks for no frontier need not wait for it

        mask[usable] = moocore.is_nondominated(finite(matrix[usable]), keep_weakly=True)
    return mask


def finite(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points (N, K), in the same order in every objective, without infinities, which moocore cannot have."""
    if np.isfinite(matrix).all():
        return matrix
    return np.column_stack([np.unique(column, return_inverse=True)[1] for column in matrix.T]).astype(float)


def frontier(cost: ArrayLike, gain: ArrayLike) -> NDArray[np.bool_]:
    """Tell which points are not dominated in two objectives.

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
    return nondominated(np.column_stack([costs, -gains]))


def signs(objectives: Sequence[str]) -> NDArray[np.float64]:
    """Return 1 for each objective of which less is better and -1 for the others, (K,).

    Raises:
        TableError: when there is no such column, or neither way is better in it.
    """
    directions = {name: known(name).better for name in objectives}
    faults = [name for name, better in directions.items() if better is None]
    if faults or not objectives:
        raise TableError(f"objectives: got {', '.join(faults) or 'none'}; expected columns with a better direction")
    return np.array([1.0 if better == "lower" else -1.0 for better in directions.values()])


def losses(frame: pd.DataFrame, objectives: Sequence[str]) -> NDArray[np.float64]:
    """Return the objectives of rows so that lower is better in each, (N, K)."""
    ways = signs(objectives)
    return np.column_stack([numbers(frame, name) for name in objectives]) * ways


def on_frontier(
    frame: pd.DataFrame, objectives: Sequence[str] = OBJECTIVES, together: Collection[str] = ()
) -> pd.Series:
    """Tell which rows are on the frontier of the rows that they can be compared with, (N,) bool.

    A row that failed a rule of trust is not on it while a trusted one is there, nor a published number while a
    measured one is.

    Args:
        frame: rows of a table.
        objectives: columns; which way is better says the registry.
        together: columns in which rows may differ after all (`comparable.groups`).
    """
    marks = pd.Series(False, index=frame.index)
    for _, group in groups(complete(timed(frame), *objectives), together):
        best = candidates(group)
        marks[best.index] = nondominated(losses(best, objectives))
    return marks
