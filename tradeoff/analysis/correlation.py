"""How far one column tells another."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradeoff.analysis.comparable import candidates
from tradeoff.analysis.points import Panel

Array = NDArray[np.float64]
Measure = Callable[[Array, Array], float]
LEAST = 3  # points of which it is worth telling


def kendall(x: Array, y: Array) -> float:
    """Return Kendall's rank correlation of (N,) and (N,), ties allowed, -1..1; NaN where all are tied.

    Source: Kendall 1945, "The treatment of ties in ranking problems" (tau-b).
    """
    left, right = (np.sign(values[:, None] - values[None, :]) for values in (x, y))
    scale = np.sqrt(np.square(left).sum() * np.square(right).sum())
    return float((left * right).sum() / scale) if scale else float("nan")


def r_squared(x: Array, y: Array) -> float:
    """Return the part of the variance of y (N,) that a straight line over x (N,) explains, 0..1."""
    x, y = x - x.mean(), y - y.mean()
    scale = float(x @ x) * float(y @ y)
    return float(x @ y) ** 2 / scale if scale > 0 else float("nan")


def mean(parts: Sequence[pd.DataFrame], measure: Measure, names: Sequence[str]) -> tuple[float, int]:
    """Return the mean correlation of two columns over parts with enough points, NaN of none, and of how many."""
    pairs = [[part[name].to_numpy(float) for name in names] for part in parts if len(part) >= LEAST]
    found = [value for x, y in pairs if not np.isnan(value := measure(x, y))]
    return (float(np.mean(found)) if found else float("nan")), len(found)


def worded(panels: Sequence[Panel], measure: Measure, words: str, within: Sequence[str] = ()) -> str:
    """Word a correlation of each panel with enough points; rows of the best standing alone count in it.

    With columns in `within` it is the mean of those among rows that agree in them.
    """
    found = []
    for panel in panels:
        rows = candidates(panel.rows)
        parts = [part for _, part in rows.groupby(list(within))] if within else [rows]
        value, count = mean(parts, measure, panel.view.names)
        few = f"of the {len(rows)} rows to be trusted most" if len(rows) < len(panel.rows) else ""
        several = f"mean of {count}" if count > 1 else ""
        told = ", ".join(part for part in (panel.title, panel.view.y.name, several, few) if part)
        found += (
            []
            if np.isnan(value)
            else [f"{value:.3f} ({told})" if len(panels) > 1 or few or several else f"{value:.3f}"]
        )
    return f"{words}: {'; '.join(found)}." if found else f"Too few rows for {words}."
