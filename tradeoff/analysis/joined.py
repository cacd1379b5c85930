"""Figures of the effect of one axis: rows that differ in it alone, joined by arrows."""

from collections.abc import Collection, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tradeoff.analysis import points, under
from tradeoff.analysis.comparable import COMPARABLE, TIME, groups, timed
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.effect import chains, changes, fewer
from tradeoff.analysis.points import Boxes, Panel, View
from tradeoff.core.errors import TableError

MOST_CHAINS = 40  # of a figure
MOST_STEPS = 4  # in the caption
TOLD = {"ap": "AP", "ap_small": "AP of small objects", "ap_large": "AP of large objects", TIME.name: "time"}


def joined(
    name: str,
    title: str,
    frame: pd.DataFrame,
    axis: str,
    views: Sequence[View],
    together: Collection[str],
    downwards: bool = False,
) -> Drawing:
    """Draw rows that differ in an axis alone, in each view, with arrows along it.

    Args:
        name: of the figure.
        title: its heading.
        frame: rows of a table.
        axis: size or stride.
        views: one panel each for each set of rows that can be compared.
        together: columns of COMPARABLE in which rows of one panel may differ after all.
        downwards: whether arrows go to the smaller value.

    Raises:
        TableError: when no two rows differ in the axis alone.
    """
    rows = points.usable(name, timed(frame), views)
    parts = [chain for _, group in groups(rows, together) for chain in chains(group, axis)]
    some = fewer(parts, MOST_CHAINS)
    kept = rows.loc[rows.index.isin([index for chain in some for index in chain.index])]
    if kept.empty:
        raise TableError(f"{name}: no two of {len(rows)} finished rows differ in their {axis} alone")

    def draw(axes: Axes, panel: Panel) -> Boxes:
        found = chains(panel.rows, axis, panel.view.names)
        return under.arrows(axes, [chain[::-1] if downwards else chain for chain in found], panel.view.names)

    shown = points.panels(name, kept, views, together, COMPARABLE)
    steps = ends(parts, axis, downwards)
    told = [f"From {axis} {a:g} to {b:g} px: {changes(parts, axis, (a, b), TOLD)}." for a, b in steps[:MOST_STEPS]]
    told += [f"Further steps: {len(steps) - MOST_STEPS}."] if len(steps) > MOST_STEPS else []
    words = f"Arrows join rows that differ in their {axis} alone"
    words += ", published ones as far as the table tells." if kept["pale"].any() else "."
    words += " Of each model only the largest number of proposals is drawn." if len(some) < len(parts) else ""
    caption = " ".join(
        [tally(frame, kept, f"a partner of another {axis}, or left out"), words, *told, *asked(together)]
    )
    line = Line2D(
        [],
        [],
        color="0.45",
        linewidth=0.8,
        marker=">",
        markersize=4,
        label=f"{'smaller' if downwards else 'larger'} {axis}",
    )
    figure, caption = points.compose(kept, shown, lambda _: caption, draw, [line])
    return Drawing(name, title, caption, figure)


def ends(parts: Sequence[pd.DataFrame], axis: str, downwards: bool) -> list[tuple[float, float]]:
    """Return the steps along an axis that are taken, each from and to."""
    pairs = {pair for chain in parts for pair in zip(chain[axis][:-1], chain[axis][1:], strict=True)}
    steps = [(float(a), float(b)) for a, b in sorted(pairs)]
    return [(b, a) for a, b in steps] if downwards else steps
