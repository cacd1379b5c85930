"""Axes: titles with units, limits with room for labels, ticks at round numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from tradeoff.analysis import layout
from tradeoff.analysis.comparable import TIME, numbers, values
from tradeoff.analysis.palette import literal

#: steps of a decade that are tried for ticks, coarse to fine
TICK_STEPS = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))
FULL_PT, BROKEN_PT = 10.0, 9.0  # size of a title, and of one in two lines
LEAST_RATIO, LEAST_HEIGHT = 2.0, 0.04  # of an axis: right over left where it is logarithmic, top less bottom of an AP
TITLES = {
    "ap": "AP (COCO, IoU 0.50:0.95)",
    "ap50": "AP50 (COCO, IoU 0.50)",
    "ap75": "AP75 (COCO, IoU 0.75)",
    "ap_small": "AP of small objects (area < 32² px)",
    "ap_medium": "AP of medium objects (32² to 96² px)",
    "ap_large": "AP of large objects (area > 96² px)",
    "gmacs": "Multiply-adds per image, 10⁹ (GMACs)",
    "peak_memory_mb": "Peak memory of inference, MB (10⁶ bytes)",
    "top1_pct": "Top-1 accuracy of the extractor on ImageNet, %",
    "proposals": "Proposals per image, number",
    "probability": "Probability of being on the frontier",
}


@dataclass(frozen=True)
class Axis:
    """What an axis shows: a column, on a logarithmic scale or not."""

    name: str
    log: bool = False


def title(name: str, rows: pd.DataFrame) -> str:
    """Word the title of an axis, with the unit."""
    return literal(time_title(rows) if name == TIME.name else TITLES[name])


def time_title(rows: pd.DataFrame) -> str:
    """Word the title of the axis of time: which statistic, of how many images, on which device."""
    is_median = values(rows, "latency_ms_p50").notna()
    kind = "median" if is_median.all() else "median or mean" if is_median.any() else "mean"
    devices = sorted(set(values(rows, "device_name").dropna().astype(str))) or ["unknown device"]
    device = devices[0] if len(devices) == 1 else "several devices"
    return f"Latency, {kind}, {time_unit(numbers(rows, 'batch_size'))} ({device})"


def time_unit(batches: pd.Series) -> str:
    """Word the unit of time with the sizes of the batches, NaN where not known."""
    known = [f"{batch:g}" for batch in sorted(set(batches.dropna()))]
    if batches.isna().any():
        return f"ms per call, batch {' or '.join([*known, 'unknown'])}"
    return "ms per image, batch 1" if known == ["1"] else f"ms per batch of {' or '.join(known)} images"


def set_x(axes: Axes, axis: Axis, rows: pd.DataFrame) -> None:
    """Set scale, limits, ticks and title of the level axis."""
    data = numbers(rows, axis.name).to_numpy()
    if axis.log:
        axes.set_xscale("log")
        axes.set_xlim(*log_limits(data.min(), data.max(), 1.5))  # the labels of the leftmost stand at their left
        even(axes.xaxis, ticks(*axes.get_xlim()))
    else:
        axes.set_xlim(*limits(axis.name, data.min(), data.max(), 0.08))
        inside(axes.xaxis, *axes.get_xlim(), axis.name)
    axes.set_xlabel(title(axis.name, rows), fontsize=FULL_PT)


def set_y(axes: Axes, axis: Axis, rows: pd.DataFrame) -> None:
    """Set scale, limits, ticks and title of the upright axis."""
    data = numbers(rows, axis.name).to_numpy()
    if axis.log:
        axes.set_yscale("log")
        axes.set_ylim(*log_limits(data.min(), data.max(), 1.0))
        even(axes.yaxis, ticks(*axes.get_ylim()))
    else:
        axes.set_ylim(*limits(axis.name, data.min(), data.max(), 0.2))
        inside(axes.yaxis, *axes.get_ylim(), axis.name)
    axes.set_ylabel(title(axis.name, rows), fontsize=FULL_PT)


def plain(axes: Axes, heading: str) -> None:
    """Give axes their title, a pale grid and no frame."""
    axes.set_title(literal(heading), fontsize=FULL_PT, loc="left")
    axes.tick_params(labelsize=9)
    axes.grid(color="0.92", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def fit(axes: Axes) -> None:
    """Make the titles of axes, which have their place, end with them: broken before a bracket, then smaller."""
    width, height = layout.extent_in(axes)
    for title, room, side in ((axes.xaxis.label, width, 0), (axes.yaxis.label, height, 1)):
        if layout.extent_in(title)[side] > room:
            title.set_text(title.get_text().replace(" (", "\n(", 1))
            title.set_fontsize(BROKEN_PT)
        shrink(title, room, side)
    shrink(axes._left_title, width, 0)  # type: ignore[attr-defined]  # the only way to what set_title has made


def shrink(text: Text, room: float, side: int) -> None:
    """Make a text smaller that is longer than its room, inches; side 0 is its width, 1 its height."""
    length = layout.extent_in(text)[side]
    if length > room:
        text.set_fontsize(0.99 * float(text.get_fontsize()) * room / length)


def log_limits(low: float, high: float, left: float) -> tuple[float, float]:
    """Return limits around two positive values, with a margin that is `left` times as wide below as above."""
    room = max((high / low) ** 0.06, 1.12, (LEAST_RATIO * low / high) ** 0.5)
    return low / room**left, high * room


def limits(name: str, low: float, high: float, above: float) -> tuple[float, float]:
    """Return limits around two values, a part of their span to spare above; an AP has a least span, from 0 on."""
    least = LEAST_HEIGHT if name.startswith("ap") else max(0.04 * abs(high), 1e-6)
    spare = max(least - (high - low), 0) / 2
    height = high - low + 2 * spare
    bottom = low - spare - 0.08 * height
    return max(bottom, -0.03 * height) if low >= 0 else bottom, high + spare + above * height


def even(axis: object, places: Sequence[float]) -> None:
    """Put ticks at the places only, in plain numbers."""
    axis.set_major_locator(FixedLocator(places))  # type: ignore[attr-defined]
    axis.set_minor_locator(NullLocator())  # type: ignore[attr-defined]
    axis.set_major_formatter(FuncFormatter(lambda value, _: format(value, ".10g")))  # type: ignore[attr-defined]


def inside(axis: object, bottom: float, top: float, name: str) -> None:
    """Keep those ticks that are within the limits, and possible for an AP."""
    most = 1 if name.startswith("ap") else math.inf
    places = MaxNLocator(9, steps=[1, 2, 5, 10]).tick_values(bottom, top)
    axis.set_ticks([v for v in places if max(bottom, 0) - 1e-12 <= v <= min(top, most) + 1e-12])  # type: ignore[attr-defined]


def ticks(low: float, high: float) -> list[float]:
    """Return four to nine round numbers between two positive ones, evenly spaced where these are near each other."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in TICK_STEPS:
        found = [step * 10.0**decade for decade in decades for step in steps]
        within = [float(format(value, ".12g")) for value in found if low <= value <= high]
        if len(within) >= 4:
            return within[:: math.ceil(len(within) / 9)]
    spaced = np.asarray(MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(low, high))
    return [float(format(value, ".12g")) for value in spaced if low <= value <= high]
