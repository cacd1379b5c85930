"""The effect of the number of proposals on accuracy and time. Source: Huang et al. 2017, figure 6."""

from collections.abc import Collection
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from tradeoff.analysis import axis, layout, look, points
from tradeoff.analysis.axis import Axis
from tradeoff.analysis.comparable import TIME, facets, groups, numbers, timed
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.effect import chains, changes
from tradeoff.analysis.look import Look
from tradeoff.analysis.points import Panel, View
from tradeoff.core.errors import TableError

VIEW = View(Axis("proposals", log=True), Axis("ap"))
MOST_PANELS = 12
AREA, AREA_OF_TIME = 85.0, 20.0  # of a marker, points²
SPARE = 0.35  # of the span of either, below AP and above time, so that their lines part
RIGHT_IN = 0.8  # of a panel, for its second axis
WORDS = (
    "Solid with lettered markers, left axis: AP. Dashed with small ones, right axis: latency. Joined are rows that "
    "differ in nothing but the proposals."
)
PUBLISHED = "Published rows do so as far as the table tells."


def proposals(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw AP, solid, and time, dashed, against the number of proposals, a panel for each meta-architecture and size.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no model was finished with two numbers of proposals, or too many sets cannot be compared.
    """
    rows = points.usable("proposals", timed(frame), [VIEW, View(Axis("proposals", log=True), Axis(TIME.name))])
    parts = [chain for _, group in groups(rows, together) for chain in chains(group, "proposals")]
    if not parts:
        raise TableError(f"proposals: no two of {len(rows)} finished rows differ in their number of proposals alone")
    kept = rows.loc[[index for chain in parts for index in chain.index]]
    every = split(facets("proposals", kept, together))
    shown = every[:MOST_PANELS]
    least, most = kept["proposals"].min(), kept["proposals"].max()
    told = changes(parts, "proposals", (float(most), float(least)), {"ap": "AP", TIME.name: "time"})
    cut = [f"Panels left out for want of room: {len(every) - len(shown)}."] if len(every) > len(shown) else []
    effect = [f"From {most} to {least} proposals: {told}."] if told else []
    seen = pd.concat([panel.rows for panel in shown])
    words = [WORDS, *([PUBLISHED] if seen["pale"].any() else [])]
    caption = " ".join(
        [tally(frame, seen, "a partner of another number, or left out"), *words, *effect, *cut, *asked(together)]
    )
    figure = layout.new_figure()
    chosen = look.of(seen)
    chosen = replace(chosen, areas=dict.fromkeys(chosen.areas, AREA))  # the panels tell the sizes
    axes = [figure.add_subplot() for _ in shown]
    lines = [Line2D([], [], color="0.35", linestyle="-", marker="o", markersize=AREA**0.5, label="AP")]
    lines += [Line2D([], [], color="0.35", linestyle="--", marker="o", markersize=AREA_OF_TIME**0.5, label="latency")]
    points.arrange(figure, axes, look.legends(figure, seen, chosen, lines), caption, RIGHT_IN)
    for pair in zip(axes, shown, strict=True):
        draw_panel(*pair, chosen)
    layout.add_caption(figure, layout.wrapped(caption, figure.get_size_inches()[0]))
    return Drawing("proposals", "Effect of the number of proposals", caption, figure)


def split(parts: list[tuple[str, pd.DataFrame]]) -> list[Panel]:
    """Split rows by meta-architecture, image size and stride, and tell these in their titles."""
    found = []
    for title, rows in parts:
        known = rows.assign(stride_=numbers(rows, "stride").fillna(0))
        for key, part in known.groupby(["meta_arch", "size", "stride_"]):
            name, size, stride = (str(word).removesuffix(".0") for word in key)
            words = [title, name, f"{size} px", *([] if stride == "0" else [f"stride {stride}"])]
            found.append(Panel(", ".join(word for word in words if word), part, VIEW))
    return found


def draw_panel(axes: Axes, panel: Panel, chosen: Look) -> None:
    """Draw the lines of AP and of time of one panel."""
    with_ap, with_time = panel.rows.dropna(subset="ap"), panel.rows.dropna(subset=TIME.name)
    right = axes.twinx()
    axis.set_x(axes, panel.view.x, panel.rows)
    axis.plain(axes, panel.title)
    axes.set_xticks(sorted({float(count) for count in panel.rows["proposals"]}))
    if len(with_ap):
        axis.set_y(axes, panel.view.y, with_ap)
        bottom, top = axes.get_ylim()
        axes.set_ylim(bottom - SPARE * (top - bottom), top)
        draw_lines(axes, with_ap, "ap", "-", chosen)
    if len(with_time):
        axis.set_y(right, Axis(TIME.name), with_time)
        bottom, top = right.get_ylim()
        right.set_ylim(bottom, top + SPARE * (top - bottom))
        small = replace(chosen, areas=dict.fromkeys(chosen.areas, AREA_OF_TIME), letters={})
        draw_lines(right, with_time, TIME.name, "--", small)
    right.tick_params(labelsize=9)
    right.spines[["top", "left"]].set_visible(False)
    right.spines["right"].set_visible(True)
    for side in (axes, right):
        axis.fit(side)


def draw_lines(axes: Axes, rows: pd.DataFrame, name: str, style: str, chosen: Look) -> None:
    """Draw one line per model with the markers of its rows."""
    for chain in chains(rows, "proposals", [name]):
        colour = chosen.colours[chain["colour_name"].iloc[0]]
        x, y = (chain[column].astype(float) for column in ("proposals", name))
        axes.plot(x, y, style, color=colour, linewidth=1.2, zorder=2, gid=f"{name}-{chain['run_id'].iloc[0]}")
        for _, row in chain.iterrows():
            look.draw_row(axes, row, chosen, float(row["proposals"]), float(row[name]))
