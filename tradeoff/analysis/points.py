"""Figures of rows as points: one panel for each view of each set of rows that can be compared."""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from numpy.typing import NDArray

from tradeoff.analysis import layout, look
from tradeoff.analysis.axis import Axis, fit, plain, set_x, set_y
from tradeoff.analysis.comparable import complete, facets, numbers
from tradeoff.analysis.labels import place
from tradeoff.core.errors import TableError

PANEL_IN, SMALLER_IN = (7.4, 5.0), (5.9, 4.2)  # of one panel, and of each of several
LEFT_IN, BELOW_IN = 0.85, 0.65
MOST_LABELS = 16  # of a panel; with more, lines lead across lines
MAY, MUST = 1, 2  # have a label

Boxes = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """What a panel shows: two columns against each other."""

    x: Axis
    y: Axis

    @property
    def names(self) -> tuple[str, str]:
        """The columns."""
        return self.x.name, self.y.name


@dataclass(frozen=True)
class Panel:
    """Rows that can be compared, in one view."""

    title: str
    rows: pd.DataFrame
    view: View


#: draws what lies under the points of a panel; returns it as boxes (B, 4) px that labels avoid
Under = Callable[[Axes, Panel], Boxes]


def usable(name: str, frame: pd.DataFrame, views: Sequence[View], positive: Iterable[str] = ()) -> pd.DataFrame:
    """Return the prepared rows that have a value in every column of one view at least.

    Raises:
        TableError: when there is none; says what is missing.
    """
    whole = [complete(frame, *view.names).index for view in views]
    rows = frame.loc[frame.index.isin(np.concatenate(whole))]
    for axis in {axis for view in views for axis in (view.x, view.y) if axis.log}:
        rows = rows[~(numbers(rows, axis.name) <= 0)]
    if rows.empty:
        wanted = " or ".join(" and ".join(view.names) for view in views)
        raise TableError(f"{name}: none of {len(frame)} rows is finished and has {wanted} (train=none gives no AP)")
    return look.prepared(rows)


def panels(
    name: str, rows: pd.DataFrame, views: Sequence[View], together: Collection[str], by: Collection[str]
) -> list[Panel]:
    """Return the panels of rows: those that cannot be compared never share one.

    Raises:
        TableError: when there would be too many; lists in what the rows differ.
    """
    parts = facets(name, rows, together, by)
    whole = [Panel(title, complete(part, *view.names), view) for title, part in parts for view in views]
    return [panel for panel in whole if len(panel.rows)]


def compose(
    rows: pd.DataFrame,
    shown: Sequence[Panel],
    words: Callable[[int], str],
    under: Under,
    lines: Sequence[Artist] = (),
) -> tuple[Figure, str]:
    """Draw panels with their legends and caption; return the figure and the caption.

    Args:
        rows: prepared; `named`, if there, tells which get their label (`labelled`).
        shown: panels of them.
        words: the caption, when so many labels found no place.
        under: draws what lies under the points.
        lines: further entries of the legend.
    """
    figure = layout.new_figure()
    chosen = look.of(rows)
    axes = [figure.add_subplot() for _ in shown]
    legends = look.legends(figure, rows, chosen, lines)
    arrange(figure, axes, legends, words(0))
    missing = sum(draw_panel(*pair, chosen, under) for pair in zip(axes, shown, strict=True))
    layout.add_caption(figure, layout.wrapped(words(missing), figure.get_size_inches()[0]))
    return figure, words(missing)


def draw_panel(axes: Axes, panel: Panel, chosen: look.Look, under: Under) -> int:
    """Draw one panel; return how many labels found no place."""
    set_x(axes, panel.view.x, panel.rows)
    set_y(axes, panel.view.y, panel.rows)
    plain(axes, panel.title)
    fit(axes)
    rows = panel.rows.sort_values(["pale", "size", "run_id"], ascending=[False, False, True])
    lines = under(axes, panel)
    x, y = panel.view.names
    for _, row in rows.iterrows():
        look.draw_row(axes, row, chosen, float(row[x]), float(row[y]), best=bool(row.get("best", False)))
    radius = np.sqrt(rows["size"].map(chosen.areas).to_numpy(float)) * 0.5 + 1.2  # of a marker with its edge, points
    markers = boxes(pixels(axes, rows[[x, y]]), radius * axes.figure.dpi / 72)
    named = labelled(rows).sort_values([x, y]).drop_duplicates(subset=[x, y, "label"])
    some = chosen_of(named)
    missing = place(axes, pixels(axes, some[[x, y]]), some["label"].tolist(), markers, lines)
    return missing + len(named) - len(some)


def labelled(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that shall have their label: `named` is 2 for those that must, 1 for those that may."""
    return rows[rows["named"] > 0] if "named" in rows else rows.iloc[:0].assign(named=0)


def chosen_of(named: pd.DataFrame) -> pd.DataFrame:
    """Return as many rows as a panel has room to label: those that must have one, and of the others some, evenly."""
    must, may = named[named["named"] == MUST], named[named["named"] < MUST]
    room = max(MOST_LABELS - len(must), 0)
    if len(may) <= room:
        return named
    return pd.concat([must, may.iloc[np.linspace(0, len(may) - 1, room).round().astype(int)]])


def pixels(axes: Axes, points: pd.DataFrame) -> Boxes:
    """Return where points (N, 2) are drawn, px."""
    return np.asarray(axes.transData.transform(points.to_numpy(float))).reshape(-1, 2)


def boxes(centres: Boxes, radius: Boxes) -> Boxes:
    """Return squares (N, 4) around centres (N, 2)."""
    return np.hstack([centres - radius[:, None], centres + radius[:, None]])


def arrange(figure: Figure, axes: Sequence[Axes], legends: Sequence[Legend], words: str, right: float = 0.0) -> None:
    """Give the figure its size, with a spare line for the caption, and put panels and legends at their places.

    `right` is the room that a second axis takes beside each panel, inches.
    """
    columns, above, size = (1, 0.15, PANEL_IN) if len(axes) == 1 else (2, 0.4, SMALLER_IN)
    cell_width, cell_height = LEFT_IN + size[0] + right, above + size[1] + BELOW_IN
    legend_width, legend_height = layout.stacked_in(legends)
    width = columns * cell_width + 0.25 + legend_width + layout.MARGIN_IN
    lines = layout.wrapped(words, width)
    body = max(math.ceil(len(axes) / columns) * cell_height, above + legend_height)
    figure.set_size_inches(width, body + (len(lines) + 1) * layout.LINE_IN + layout.MARGIN_IN)
    for index, panel in enumerate(axes):
        row, column = divmod(index, columns)
        layout.put(figure, panel, LEFT_IN + column * cell_width, above + row * cell_height, *size)
    layout.stack(figure, legends, columns * cell_width + 0.25, above)
