"""How far one column tells another."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tradeoff.analysis.comparable import candidates
from tradeoff.analysis.points import Panel

Array = NDArray[np.float64]
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


def worded(panels: Sequence[Panel], measure: Callable[[Array, Array], float], words: str) -> str:
    """Word a correlation of each panel with enough points; rows of the best standing alone count in it."""
    found = []
    for panel in panels:
        rows = candidates(panel.rows)
        x, y = (rows[name].to_numpy(float) for name in panel.view.names)
        value = measure(x, y) if len(x) >= LEAST else float("nan")
        few = f"of the {len(x)} rows to be trusted most" if len(x) < len(panel.rows) else ""
        told = ", ".join(part for part in (panel.title, panel.view.y.name, few) if part)
        found += [] if np.isnan(value) else [f"{value:.3f} ({told})" if len(panels) > 1 or few else f"{value:.3f}"]
    return f"{words}: {'; '.join(found)}." if found else f"Too few rows for {words}."
