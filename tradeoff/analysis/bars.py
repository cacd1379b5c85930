"""Figures of level bars: groups below one another, in each group one bar per series; panels below each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Patch

from tradeoff.analysis import layout, palette
from tradeoff.analysis.axis import FULL_PT, fit, plain

BAR_IN, SPACE_IN = 0.115, 0.115  # height of a bar, and between groups
AXES_IN, BELOW_IN = 6.2, 0.65
MOST_GROUPS = 60  # of a figure; more are not read


@dataclass(frozen=True)
class Series:
    """The bars of one kind: their name in the legend, their colour, and their grey where they are published."""

    name: str
    colour: str
    grey: str = "0.88"


@dataclass(frozen=True)
class Bar:
    """One bar; low and high are the ends of its interval, equal to its value where there is none."""

    value: float
    low: float
    high: float
    sound: bool = True
    pale: bool = False


@dataclass(frozen=True)
class Panel:
    """Groups of bars with their labels, from below; a bar of None is not there, one of NaN is said to be missing."""

    title: str
    axis: str
    labels: Sequence[str]
    bars: Sequence[Sequence[Bar | None]]  # one for each series

    def all(self) -> list[Bar]:
        """Return the bars that are there."""
        return [bar for group in self.bars for bar in group if bar is not None]


def compose(panels: Sequence[Panel], series: Sequence[Series], heading: str, words: str) -> Figure:
    """Draw panels below one another with a legend above and the caption below; return the figure."""
    figure = layout.new_figure()
    axes = [figure.add_subplot() for _ in panels]
    for pair in zip(axes, panels, strict=True):
        draw_panel(*pair, series)
    handles = list(legend(panels, series))
    columns = len(handles) if len(handles) <= 4 else 2
    legends = [layout.add_legend(figure, heading, handles, columns)] if handles else []
    arrange(figure, axes, [height_in(panel, series) for panel in panels], legends, words)
    return figure


def legend(panels: Sequence[Panel], series: Sequence[Series]) -> Iterator[Patch]:
    """Yield the entries of a legend: the colours that are there, what is not trusted, the greys that are there."""
    every = [bar for panel in panels for bar in panel.all()]
    groups = [group for panel in panels for group in panel.bars]
    kinds = [{bar.pale for bar in column if bar is not None} for column in zip(*groups, strict=True)]
    ours = [one for one, pale in zip(series, kinds, strict=True) if False in pale and one.name]
    others = [one for one, pale in zip(series, kinds, strict=True) if True in pale]
    yield from (Patch(**inks(one.colour), label=palette.literal(one.name)) for one in ours)
    if not all(bar.sound for bar in every):
        yield Patch(**inks("0.45", sound=False), label="not trusted")
    for one in others:
        name = "published" if len(others) == 1 else f"{one.name}, published"
        yield Patch(**inks(one.grey, pale=True), label=palette.literal(name))


def height_in(panel: Panel, series: Sequence[Series]) -> float:
    """Return the height of a panel, inches."""
    return len(panel.labels) * (len(series) * BAR_IN + SPACE_IN) + SPACE_IN


def draw_panel(axes: Axes, panel: Panel, series: Sequence[Series]) -> None:
    """Draw the bars of a panel."""
    step = len(series) * BAR_IN + SPACE_IN
    for centre, group in enumerate(panel.bars):
        there = [(bar, one) for bar, one in zip(group, series, strict=True) if bar is not None]
        for index, (bar, one) in enumerate(there):
            colour = one.grey if bar.pale else one.colour
            draw_bar(axes, centre + ((len(there) - 1) / 2 - index) * BAR_IN / step, BAR_IN / step, bar, colour)
    axes.set_yticks(range(len(panel.labels)), [palette.literal(label) for label in panel.labels], fontsize=8)
    margin = (step + SPACE_IN) / 2 / step
    axes.set_ylim(-margin, len(panel.labels) - 1 + margin)
    axes.set_xlim(0, max(1.06 * float(np.nanmax([bar.high for bar in panel.all()])), 0.01))
    axes.set_xlabel(panel.axis, fontsize=FULL_PT)
    plain(axes, panel.title)
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.grid(visible=False, axis="y")


def inks(colour: str, sound: bool = True, pale: bool = False) -> dict[str, Any]:
    """Return how a bar is drawn: full; hatched on white when it is not trusted; dotted when published."""
    if pale:
        return {"facecolor": colour, "edgecolor": "0.45", "linewidth": 0.6, "hatch": "....." if sound else "///////"}
    if sound:
        return {"facecolor": colour, "edgecolor": "black", "linewidth": 0.5}
    return {"facecolor": "white", "edgecolor": colour, "linewidth": 0.9, "hatch": "///////"}


def draw_bar(axes: Axes, y: float, height: float, bar: Bar, colour: str) -> None:
    """Draw a bar with its interval, or say that there is none."""
    if pd.isna(bar.value):
        axes.text(0, y, " n/a", fontsize=5.5, va="center", color="0.35")
        return
    axes.barh(y, bar.value, height=height, **inks(colour, bar.sound, bar.pale))
    if bar.high > bar.low:
        axes.hlines(y, bar.low, bar.high, colors="black", linewidth=1.4, zorder=3, gid="whisker")
        axes.hlines(y, bar.low, bar.high, colors="white", linewidth=0.5, zorder=3.1)


def arrange(
    figure: Figure, axes: Sequence[Axes], heights: Sequence[float], legends: Sequence[Legend], words: str
) -> None:
    """Give the figure its size and put panels, legend and caption at their places."""
    left = max(layout.extent_in(label)[0] for panel in axes for label in panel.get_yticklabels()) + 0.25
    legend_width, legend_height = layout.stacked_in(legends) if legends else (0.0, 0.0)
    width = left + max(AXES_IN, legend_width) + 0.3
    lines = layout.wrapped(words, width)
    title = 0.4 if len(axes) > 1 else 0.12
    top = layout.MARGIN_IN + legend_height
    body = top + sum(height + title + BELOW_IN for height in heights)
    figure.set_size_inches(width, body + len(lines) * layout.LINE_IN + 2 * layout.MARGIN_IN)
    layout.stack(figure, legends, left, layout.MARGIN_IN)
    for panel, height in zip(axes, heights, strict=True):
        layout.put(figure, panel, left, top + title, width - left - 0.3, height)
        fit(panel)
        top += title + height + BELOW_IN
    layout.add_caption(figure, lines)


def fitting(parts: Sequence[tuple[str, pd.DataFrame]]) -> tuple[list[tuple[str, pd.DataFrame]], int]:
    """Cut each part to the rows at its end that a figure has room for; return the parts, and how many are cut."""
    rooms = shared([len(part) for _, part in parts], MOST_GROUPS)
    cut = [(title, part.tail(room)) for (title, part), room in zip(parts, rooms, strict=True)]
    return cut, sum(len(part) for _, part in parts) - sum(rooms)


def shared(needs: Sequence[int], room: int) -> list[int]:
    """Share out a room: each gets what it needs, or 1 at least and its part of what the smaller ones leave."""
    given = dict.fromkeys(range(len(needs)), 0)
    for others, place in enumerate(sorted(given, key=needs.__getitem__)):
        given[place] = min(needs[place], max((room - sum(given.values())) // (len(needs) - others), 1))
    return list(given.values())
