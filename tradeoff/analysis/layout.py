"""Figures laid out in inches: panels at the left, legends at the right, a caption below; nothing is clipped."""

from collections.abc import Iterator, Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.textpath import text_to_path

from tradeoff.analysis.palette import literal

DPI = 150
MARGIN_IN = 0.15
CAPTION_PT = 8.0
LINE_IN = 0.16  # height of a line of the caption
CAPTION = FontProperties(size=CAPTION_PT)


def new_figure() -> Figure:
    """Return an empty figure with an Agg canvas of its own; it is known to no global state."""
    figure = Figure(dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def extent_in(artist: Artist) -> tuple[float, float]:
    """Return the (width, height) of what an artist draws, inches."""
    box = artist.get_window_extent()
    return box.width / DPI, box.height / DPI


def put(figure: Figure, axes: Axes, left: float, top: float, width: float, height: float) -> None:
    """Put axes at a place of the figure; all in inches, `top` from the upper edge."""
    full_width, full_height = figure.get_size_inches()
    axes.set_position((left / full_width, 1 - (top + height) / full_height, width / full_width, height / full_height))


def add_legend(figure: Figure, title: str, handles: Sequence[Any], columns: int = 1) -> Legend:
    """Add a legend, of which tuples are drawn over each other; `arrange` or `stack` puts it at its place."""
    return figure.legend(
        handles=list(handles),
        labels=[(handle[0] if isinstance(handle, tuple) else handle).get_label() for handle in handles],
        title=title,
        ncols=columns,
        loc="upper left",
        frameon=False,
        borderaxespad=0,
        borderpad=0,
        fontsize=8.5,
        title_fontproperties={"size": 8.5, "weight": "bold"},
        alignment="left",
        labelspacing=0.45,
    )


def stack(figure: Figure, legends: Sequence[Legend], left: float, top: float) -> None:
    """Put legends below one another; `left` and `top`, from the upper edge, in inches."""
    width, height = figure.get_size_inches()
    for legend in legends:
        legend.set_bbox_to_anchor((left / width, 1 - top / height), transform=figure.transFigure)
        top += extent_in(legend)[1] + 0.22


def stacked_in(legends: Sequence[Legend]) -> tuple[float, float]:
    """Return the (width, height) that legends take below one another, inches."""
    sizes = [extent_in(legend) for legend in legends]
    return max(width for width, _ in sizes), sum(height + 0.22 for _, height in sizes)


def wrapped(caption: str, width_in: float) -> list[str]:
    """Break a caption into lines that fit a width."""
    room = 0.98 * (width_in - 2 * MARGIN_IN)  # letters on pixels are a little wider than their outlines
    lines = [""]
    for piece in (piece for word in caption.split() for piece in pieces(word, room)):
        longer = f"{lines[-1]} {piece}".lstrip()
        lines = [*lines[:-1], longer] if written_in(longer) <= room else [*lines, piece]
    return lines


def pieces(word: str, room: float) -> Iterator[str]:
    """Yield a word of a caption in pieces that a line has room for, inches."""
    while len(word) > 1 and written_in(word) > room:
        count = max(int(len(word) * room / written_in(word)) - 1, 1)
        yield word[:count]
        word = word[count:]
    yield word


def written_in(text: str) -> float:
    """Return the width of a line of a caption, inches."""
    width, _, _ = text_to_path.get_text_width_height_descent(text, CAPTION, ismath=False)
    return float(width) / 72


def add_caption(figure: Figure, lines: Sequence[str]) -> None:
    """Write a caption along the lower edge."""
    width, height = figure.get_size_inches()
    figure.text(
        MARGIN_IN / width,
        MARGIN_IN / height,
        literal("\n".join(lines)),
        fontproperties=CAPTION,
        color="0.25",
        ha="left",
        va="bottom",
        linespacing=1.25,
        gid="caption",
    )


def caption_in(figure: Figure) -> float:
    """Return the height of the strip that the caption of a figure takes at the lower edge, inches."""
    texts = [text for text in figure.texts if text.get_gid() == "caption"]
    return max((float(text.get_window_extent().y1) / figure.dpi for text in texts), default=0.0)
