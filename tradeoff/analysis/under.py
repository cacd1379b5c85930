"""What lies under the points of a panel: the frontier with its band, whiskers, arrows; told as boxes for labels."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tradeoff.analysis.comparable import candidates
from tradeoff.analysis.membership import band, intervals, told
from tradeoff.analysis.points import Panel, pixels

Boxes = NDArray[np.float64]
BAND_COLOUR = "#9DB4C8"
STEPS = 400  # of the band along its axis


def nothing(axes: Axes, panel: Panel) -> Boxes:
    """Draw nothing."""
    return np.zeros((0, 4))


def frontier(axes: Axes, panel: Panel) -> Boxes:
    """Draw the frontier of the rows marked `best` in steps, its band and the intervals of the rows."""
    x, y = panel.view.names
    contest = candidates(panel.rows)
    if told(contest, (x, y)).any():
        draw_band(axes, contest, (x, y))
        whiskers(axes, panel.rows, (x, y))
    return steps(axes, panel.rows[panel.rows["best"]].sort_values([x, y])[[x, y]].to_numpy(float))


def steps(axes: Axes, best: NDArray[np.float64]) -> Boxes:
    """Draw a dashed line in steps from the cheapest of the points (N, 2) to the right edge."""
    corners = [*best.tolist(), [axes.get_xlim()[1], best[:, 1].max()]]
    path = [corners[0]]
    for x, y in corners[1:]:
        path += [[x, path[-1][1]], [x, y]]
    axes.plot(*zip(*path, strict=True), "--", color="0.35", linewidth=1.1, zorder=2.5, gid="frontier")
    knots = axes.transData.transform(path)
    return np.hstack([np.minimum(knots[:-1], knots[1:]), np.maximum(knots[:-1], knots[1:])])


def draw_band(axes: Axes, rows: pd.DataFrame, names: tuple[str, str]) -> None:
    """Draw within what the frontier lies with 95 %; it begins where there surely is a row."""
    left, right = axes.get_xlim()
    bottom, _ = axes.get_ylim()
    at = np.geomspace(left, right, STEPS)
    low, high = band(rows, at, names)
    some = np.isfinite(high)
    low = np.maximum(low, bottom)  # where it is not sure that any row is so cheap
    axes.fill_between(
        at[some],
        low[some],
        high[some],
        step="post",
        color=BAND_COLOUR,
        alpha=0.45,
        linewidth=0,
        zorder=1.5,
        gid="band",
    )


def whiskers(axes: Axes, rows: pd.DataFrame, names: tuple[str, str]) -> None:
    """Draw the 95 % intervals of rows in both directions."""
    (x, left, right), (y, bottom, top) = (intervals(rows, name) for name in names)
    look = {"colors": "0.6", "linewidth": 0.7, "zorder": 2.2}
    axes.hlines(y, left, right, gid="whiskers-x", **look)  # type: ignore[arg-type]
    axes.vlines(x, bottom, top, gid="whiskers-y", **look)  # type: ignore[arg-type]


def arrows(axes: Axes, chains: Sequence[pd.DataFrame], names: tuple[str, str]) -> Boxes:
    """Draw an arrow from each row of a chain to the next."""
    for chain in chains:
        points = chain[list(names)].to_numpy(float)
        for start, end in pairwise(points):
            axes.annotate(
                "",
                xy=tuple(end),
                xytext=tuple(start),
                arrowprops={"arrowstyle": "->", "color": "0.45", "linewidth": 0.8, "shrinkA": 5, "shrinkB": 5},
                zorder=2,
                gid="arrow",
            )
    knots = [pixels(axes, chain[list(names)]) for chain in chains]
    return np.vstack([np.zeros((0, 4)), *(strings(k) for k in knots)])


def lines(axes: Axes, panel: Panel) -> Boxes:
    """Draw a line through the best rows of each meta-architecture, known size and stride, in the style of `line`."""
    x, y = panel.view.names
    for (name, style, *_), part in panel.rows[panel.rows["size"] > 0].groupby(
        ["meta_arch", "line", "size", "stride", "pale"], sort=True
    ):
        ordered = part.sort_values([x, y]).drop_duplicates(subset=x, keep="last")
        axes.plot(ordered[x], ordered[y], str(style), color="0.6", linewidth=0.8, zorder=1.8, gid=f"line-{name}")
    return nothing(axes, panel)


def strings(knots: Boxes) -> Boxes:
    """Return the segments between knots (N, 2) as strings of boxes."""
    parts = [np.linspace(a, b, 9) for a, b in pairwise(knots)]
    ends = [np.hstack([np.minimum(p[:-1], p[1:]), np.maximum(p[:-1], p[1:])]) for p in parts]
    return np.vstack([np.zeros((0, 4)), *ends])
