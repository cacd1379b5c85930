"""Bars of AP by the size of objects. Source: Huang et al. 2017, figure 4."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Patch

from tradeoff.analysis import layout, palette
from tradeoff.analysis.comparable import complete, groups, trusted
from tradeoff.core.errors import TableError

SIZES = {
    "ap_small": "small: area < 32² px",
    "ap_medium": "medium: 32² to 96² px",
    "ap_large": "large: area > 96² px",
}
CONFIGURATION = ["data", "meta_arch", "extractor", "extractor_name", "size"]
BAR_IN, GROUP_IN = 0.115, 0.46
AXES_IN, BELOW_IN = 6.2, 0.55


def by_size(frame: pd.DataFrame) -> Figure:
    """Draw AP of small, medium and large objects, one group of bars per configuration, the best AP on top.

    A configuration is a meta-architecture with an extractor, its own options, and an image size; of its rows the one
    with the highest AP is drawn, a trusted one where there is one. Each data set has a panel of its own. A bar that
    is missing, because there are no such objects, is told in words; rows that are not trusted are hatched.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.

    Raises:
        TableError: when no finished row has an AP by size.
    """
    rows = complete(frame, "ap").dropna(subset=list(SIZES), how="all")
    if rows.empty:
        raise TableError(
            f"by_size: none of {len(frame)} rows is finished and has an AP by size (train=none gives none)"
        )
    best = best_rows(rows)
    panels = list(groups(best, ("data",)))
    figure = layout.new_figure()
    axes = [figure.add_subplot() for _ in panels]
    for pair in zip(axes, panels, strict=True):
        draw_panel(*pair)
    handles = [
        Patch(**look(colour, True), label=SIZES[name])
        for name, colour in zip(SIZES, palette.SMALL_MEDIUM_LARGE, strict=True)
    ]
    handles += [] if best["sound"].all() else [Patch(**look("0.45", False), label="not trusted")]
    legend = layout.add_legend(figure, "Objects", handles, columns=len(handles))
    arrange(figure, axes, legend, caption(frame, rows, best))
    return figure


def best_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the best row of each configuration, the best AP last, for bars are drawn from below."""
    named = rows.assign(
        extractor_name=[palette.extractor_name(row) for _, row in rows.iterrows()], sound=trusted(rows)
    )
    ranked = named.sort_values(["sound", "ap", "run_id"], ascending=[True, True, False])
    return ranked.drop_duplicates(subset=CONFIGURATION, keep="last").sort_values(["ap", "run_id"])


def draw_panel(axes: Axes, panel: tuple[str, pd.DataFrame]) -> None:
    """Draw the bars of one data set."""
    title, rows = panel
    for index, (name, colour) in enumerate(zip(SIZES, palette.SMALL_MEDIUM_LARGE, strict=True)):
        offset = (1 - index) * BAR_IN / GROUP_IN  # small above medium above large
        for centre, (value, sound) in enumerate(zip(rows[name], rows["sound"], strict=True)):
            draw_bar(axes, centre + offset, value, look(colour, sound))
    axes.set_yticks(
        range(len(rows)), [palette.literal(label) for label in rows["label"].fillna("no label")], fontsize=8
    )
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, max(1.06 * float(np.nanmax(rows[list(SIZES)].to_numpy(float))), 0.01))
    axes.set_xlabel("AP (COCO, IoU 0.50:0.95)", fontsize=10)
    axes.set_title(palette.literal(title), fontsize=10, loc="left")
    axes.tick_params(axis="x", labelsize=9)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.9", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def look(colour: str, sound: bool) -> dict[str, Any]:
    """Return how a bar of a colour is drawn: full, or hatched on white when its row is not trusted."""
    if sound:
        return {"facecolor": colour, "edgecolor": "black", "linewidth": 0.5}
    return {"facecolor": "white", "edgecolor": colour, "linewidth": 0.9, "hatch": "///////"}


def draw_bar(axes: Axes, y: float, value: float, how: dict[str, Any]) -> None:
    """Draw a bar, or say that there is none."""
    if pd.isna(value):
        axes.text(0, y, " n/a", fontsize=5.5, va="center", color="0.35")
        return
    axes.barh(y, value, height=BAR_IN / GROUP_IN, **how)


def arrange(figure: Figure, axes: list[Axes], legend: Legend, words: str) -> None:
    """Give the figure its size and put panels, legend and caption at their places."""
    left = max(layout.extent_in(label)[0] for panel in axes for label in panel.get_yticklabels()) + 0.25
    legend_width, legend_height = layout.extent_in(legend)
    width = left + max(AXES_IN, legend_width) + 0.3
    heights = [GROUP_IN * (panel.get_ylim()[1] - panel.get_ylim()[0]) for panel in axes]
    lines = layout.wrapped(words, width)
    title = 0.4 if len(axes) > 1 else 0.12
    top = layout.MARGIN_IN + legend_height
    body = top + sum(height + title + BELOW_IN for height in heights)
    figure.set_size_inches(width, body + len(lines) * layout.LINE_IN + 2 * layout.MARGIN_IN)
    layout.stack(figure, [legend], left, layout.MARGIN_IN)
    for panel, height in zip(axes, heights, strict=True):
        layout.put(figure, panel, left, top + title, width - left - 0.3, height)
        top += title + height + BELOW_IN
    layout.add_caption(figure, lines)


def caption(frame: pd.DataFrame, rows: pd.DataFrame, best: pd.DataFrame) -> str:
    """Word what is drawn."""
    hatched = int((~best["sound"]).sum())
    failed = int((frame["status"] == "failed").fillna(False).sum())
    data = ", ".join(sorted(rows["data"].dropna().unique())) or "unknown"
    words = [
        f"On data {data}. Configurations of meta-architecture, extractor and image size: {len(best)}, each by its",
        f"row with the highest AP. Rows with a score: {len(rows)}; not trusted (hatched): {hatched};",
        f"failed: {failed}.",
    ]
    words += ["n/a: no objects of that size."] if best[list(SIZES)].isna().any(axis=None) else []
    return " ".join(words)
