"""The scatter of accuracy against latency with its frontier. Source: Huang et al. 2017, figure 2."""

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from tradeoff.analysis import layout, palette
from tradeoff.analysis.comparable import complete, conditions, groups, trusted
from tradeoff.analysis.frontier import on_frontier
from tradeoff.analysis.panel import Look, X, Y, draw_panel
from tradeoff.core.errors import TableError

PANEL_IN = (7.4, 5.0)
LEFT_IN, BELOW_IN = 0.75, 0.55
MOST_SIZES = 5


def scatter(frame: pd.DataFrame) -> Figure:
    """Draw AP against the median latency, one panel for each set of rows that can be compared.

    Marker: meta-architecture. Colour: extractor with its own options. Area: image size. Hollow: not trusted. The
    dashed line goes in steps along the frontier, whose models are labelled. Rows that differ in data, device,
    precision or batch size never share a panel.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.

    Raises:
        TableError: when no finished row has both an AP and a latency.
    """
    rows = complete(frame, X, Y)
    rows = rows[rows[X] > 0]
    if rows.empty:
        raise TableError(
            f"scatter: none of {len(frame)} rows is finished and has both {Y} and {X} (train=none gives no {Y})"
        )
    rows = rows.fillna({"meta_arch": "unknown", "extractor": "unknown"}).assign(
        colour_name=[palette.extractor_name(row) for _, row in rows.iterrows()],
        size=rows["size"].fillna(0).astype(float),
        sound=trusted(rows),
        best=on_frontier(rows),
    )
    look = Look(palette.markers(rows["meta_arch"]), palette.colours(rows["colour_name"]), palette.areas(rows["size"]))
    panels = list(groups(rows))
    figure = layout.new_figure()
    axes = [figure.add_subplot() for _ in panels]
    legends = list_legends(figure, rows, look)
    arrange(figure, axes, legends, caption(frame, rows, 0))
    missing = sum(draw_panel(*pair, look) for pair in zip(axes, panels, strict=True))
    layout.add_caption(figure, layout.wrapped(caption(frame, rows, missing), figure.get_size_inches()[0]))
    return figure


def arrange(figure: Figure, axes: Sequence[Axes], legends: Sequence[Legend], words: str) -> None:
    """Give the figure its size, with a spare line for the caption, and put panels and legends at their places."""
    columns, above = (1, 0.15) if len(axes) == 1 else (2, 0.4)
    cell_width, cell_height = LEFT_IN + PANEL_IN[0], above + PANEL_IN[1] + BELOW_IN
    legend_width, legend_height = layout.stacked_in(legends)
    width = columns * cell_width + 0.25 + legend_width + layout.MARGIN_IN
    lines = layout.wrapped(words, width)
    body = max(math.ceil(len(axes) / columns) * cell_height, above + legend_height)
    figure.set_size_inches(width, body + (len(lines) + 1) * layout.LINE_IN + layout.MARGIN_IN)
    for index, panel in enumerate(axes):
        row, column = divmod(index, columns)
        layout.put(figure, panel, LEFT_IN + column * cell_width, above + row * cell_height, *PANEL_IN)
    layout.stack(figure, legends, columns * cell_width + 0.25, above)


def list_legends(figure: Figure, rows: pd.DataFrame, look: Look) -> list[Legend]:
    """Add the legends of marker, colour, size and line."""
    sizes = [size for size in look.areas if size > 0]
    if len(sizes) > MOST_SIZES:
        sizes = [sizes[round(i * (len(sizes) - 1) / (MOST_SIZES - 1))] for i in range(MOST_SIZES)]
    meta_archs = [entry(name, marker=marker) for name, marker in look.markers.items()]
    extractors = [entry(name, marker="s", colour=colour) for name, colour in look.colours.items()]
    areas = [entry(f"{size:g} px", area=look.areas[size]) for size in sizes]
    kinds = [Line2D([], [], linestyle="--", color="0.35", linewidth=1.1, label="frontier")]
    kinds += [] if rows["sound"].all() else [entry("not trusted", face="none")]
    parts = {"Meta-architecture": meta_archs, "Extractor": extractors, "Image size": areas, "Lines and rows": kinds}
    return [
        layout.add_legend(figure, title, handles, math.ceil(len(handles) / 16))
        for title, handles in parts.items()
        if handles
    ]


def entry(name: str, marker: str = "o", colour: str = "0.45", area: float = 56.0, face: str | None = None) -> Line2D:
    """Return a marker with its name for a legend."""
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=math.sqrt(area),
        markerfacecolor=face or colour,
        markeredgecolor=colour,
        label=palette.literal(name),
    )


def caption(frame: pd.DataFrame, rows: pd.DataFrame, missing: int) -> str:
    """Word on what the rows were had, how many there are and what the signs mean."""
    status = frame["status"].value_counts()
    failed, skipped, finished = (int(status.get(name, 0)) for name in ("failed", "skipped", "ok"))
    words = [
        f"On {conditions(rows)}. Rows: {len(frame)}; drawn: {len(rows)}; of these not trusted (hollow):",
        f"{int((~rows['sound']).sum())}; failed: {failed}; skipped: {skipped};",
        f"without AP or latency: {finished - len(rows)}.",
        "Dashed: the frontier, in steps: the highest AP at or below a latency. Labelled: the models on it.",
    ]
    words += [f"Labels left out for want of room: {missing}."] if missing else []
    return " ".join(words)
