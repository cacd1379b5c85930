"""The markers of the figures as outlines that a browser draws."""

from functools import cache
from typing import Any

import numpy as np
from matplotlib.markers import MarkerStyle


@cache
def outline(marker: Any) -> str:
    """Return a marker as an SVG path from -1 to 1, with y downwards, as Vega takes a shape."""
    style = MarkerStyle(marker)
    path = style.get_path().transformed(style.get_transform())
    parts = [np.asarray(part, dtype=float).tolist() for part in path.interpolated(1).to_polygons(closed_only=False)]
    return "".join(f"M{'L'.join(f'{number(2 * x)},{number(-2 * y)}' for x, y in part)}Z" for part in parts)


def number(value: float) -> str:
    """Return a coordinate in few letters."""
    return f"{round(value, 2) + 0.0:g}"
