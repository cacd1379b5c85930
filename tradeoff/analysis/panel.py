"""One panel of the scatter: rows that can be compared, their frontier and its labels."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from tradeoff.analysis import palette
from tradeoff.analysis.labels import place

X, Y = "latency_ms_p50", "ap"
LEAST_SPAN, LEAST_HEIGHT = 2.0, 0.04  # of an axis: right over left in latency, top less bottom in AP
#: steps of a decade that are tried for ticks, coarse to fine
TICK_STEPS = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))


@dataclass(frozen=True)
class Look:
    """How the rows of a figure are told apart; the same in all its panels."""

    markers: dict[str, str]
    colours: dict[str, str]
    areas: dict[float, float]


def draw_panel(axes: Axes, panel: tuple[str, pd.DataFrame], look: Look) -> int:
    """Draw rows that can be compared; return how many labels found no place."""
    title, rows = panel
    frame_axes(axes, title, rows)
    rows = rows.sort_values(["size", "run_id"], ascending=[False, True])
    for _, row in rows.iterrows():
        draw_row(axes, row, look)
    best = rows[rows["best"]].sort_values([X, Y])
    steps = draw_frontier(axes, best)
    radius = np.sqrt(rows["size"].map(look.areas).to_numpy(float)) * 0.5 + 1.2  # of a marker with its edge, points
    markers = boxes(pixels(axes, rows), radius * axes.figure.dpi / 72)
    names = best.drop_duplicates(subset=[X, Y, "label"])
    return place(axes, pixels(axes, names), names["label"].fillna("no label").tolist(), markers, steps)


def frame_axes(axes: Axes, title: str, rows: pd.DataFrame) -> None:
    """Set limits with room for labels, ticks in plain numbers, titles with units."""
    low, high = rows[X].min(), rows[X].max()
    room = max((high / low) ** 0.06, 1.12, (LEAST_SPAN * low / high) ** 0.5)
    left, right = low / room**1.5, high * room  # the labels of the fastest models stand at their left
    axes.set_xscale("log")
    axes.set_xlim(left, right)
    axes.xaxis.set_major_locator(FixedLocator(ticks(left, right)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: format(value, ".10g")))
    axes.set_ylim(*y_limits(rows[Y].min(), rows[Y].max()))
    bottom, top = axes.get_ylim()
    axes.set_yticks([value for value in axes.get_yticks() if max(bottom, 0) <= value <= min(top, 1)])
    axes.set_xlabel(x_title(rows), fontsize=10)
    axes.set_ylabel("AP (COCO, IoU 0.50:0.95)", fontsize=10)
    axes.set_title(palette.literal(title), fontsize=10, loc="left")
    axes.tick_params(labelsize=9)
    axes.grid(color="0.92", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def y_limits(low: float, high: float) -> tuple[float, float]:
    """Return limits around two values of AP, with room for labels above them."""
    spare = max(LEAST_HEIGHT - (high - low), 0) / 2
    height = high - low + 2 * spare
    return max(low - spare - 0.08 * height, -0.03 * height), high + spare + 0.2 * height


def ticks(low: float, high: float) -> list[float]:
    """Return four to nine round numbers between two positive ones, evenly spaced where these are near each other."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in TICK_STEPS:
        found = [step * 10.0**decade for decade in decades for step in steps]
        inside = [float(format(value, ".12g")) for value in found if low <= value <= high]
        if len(inside) >= 4:
            return inside[:: math.ceil(len(inside) / 9)]
    even = MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(low, high)
    return [float(format(value, ".12g")) for value in even if low <= value <= high]


def x_title(rows: pd.DataFrame) -> str:
    """Word the title of the latency axis."""
    first = rows.iloc[0]
    batch = 1 if pd.isna(first["batch_size"]) else first["batch_size"]
    unit = "ms per image, batch 1" if batch == 1 else f"ms per batch of {batch} images"
    device = "unknown device" if pd.isna(first["device_name"]) else first["device_name"]
    return palette.literal(f"Latency, median, {unit} ({device})")


def draw_row(axes: Axes, row: pd.Series, look: Look) -> None:
    """Draw the marker of a row."""
    colour = look.colours[row["colour_name"]]
    face, edge = (colour, "white") if row["sound"] else ("white", colour)
    axes.plot(
        row[X],
        row[Y],
        linestyle="none",
        marker=look.markers[row["meta_arch"]],
        markersize=math.sqrt(look.areas[row["size"]]),
        markerfacecolor=face,
        markeredgecolor="black" if row["best"] and row["sound"] else edge,
        markeredgewidth=1.0 if row["best"] or not row["sound"] else 0.6,
        zorder=4 if row["best"] else 3,
        gid=f"row-{row.name}",
    )


def draw_frontier(axes: Axes, best: pd.DataFrame) -> NDArray[np.float64]:
    """Draw the frontier in steps from the fastest model to the right edge; return its segments as boxes, px."""
    corners = [*zip(best[X], best[Y], strict=True), (axes.get_xlim()[1], best[Y].max())]
    path = [corners[0]]
    for x, y in corners[1:]:
        path += [(x, path[-1][1]), (x, y)]
    axes.plot(*zip(*path, strict=True), "--", color="0.35", linewidth=1.1, zorder=2.5, gid="frontier")
    knots = axes.transData.transform(path)
    return np.hstack([np.minimum(knots[:-1], knots[1:]), np.maximum(knots[:-1], knots[1:])])


def pixels(axes: Axes, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return where rows are drawn, (N, 2) px."""
    return np.asarray(axes.transData.transform(rows[[X, Y]].to_numpy(float)))


def boxes(centres: NDArray[np.float64], radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return squares (N, 4) around centres (N, 2)."""
    return np.hstack([centres - radius[:, None], centres + radius[:, None]])
