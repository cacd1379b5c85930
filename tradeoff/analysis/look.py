"""How rows are told apart: marker, colour and letter, size, filling; the letters so that a print in grey tells."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from tradeoff.analysis import layout, palette
from tradeoff.analysis.comparable import published, trusted, values

MOST_SIZES = 5
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"
LIFT = {"^": -0.3, "v": 0.3}  # of a letter within a triangle, in its height
PALE = {"face": "0.84", "edge": "0.5", "letter": "0.3"}  # of published numbers


@dataclass(frozen=True)
class Look:
    """How the rows of a figure are told apart; the same in all its panels."""

    markers: dict[str, Any]
    colours: dict[str, str]
    letters: dict[str, Path]
    areas: dict[float, float]


def prepared(rows: pd.DataFrame) -> pd.DataFrame:
    """Add what a look hangs on: names without gaps, `colour_name`, `size` as a number, `sound` and `pale`."""
    told = rows.assign(
        **{name: values(rows, name) for name in ("meta_arch", "extractor", "overrides", "label", "size")}
    )
    told = told.fillna({"meta_arch": "unknown", "extractor": "unknown", "label": "no label"})
    return told.assign(
        colour_name=[palette.extractor_name(row) for _, row in told.iterrows()],
        size=told["size"].fillna(0).astype(float),
        sound=trusted(rows),
        pale=published(rows),
    )


def of(rows: pd.DataFrame) -> Look:
    """Choose the look of prepared rows."""
    names = palette.ordered(rows["colour_name"])
    return Look(
        palette.markers(rows["meta_arch"]),
        palette.colours(names),
        dict(zip(names, glyphs(len(names)), strict=False)),
        palette.areas(rows["size"]),
    )


def glyphs(count: int) -> list[Path]:
    """Return the outlines of so many letters, centred; as many as there are."""
    font = FontProperties(family="DejaVu Sans", weight="bold")
    paths = [TextPath((0, 0), letter, size=10, prop=font) for letter in LETTERS[:count]]
    return [Path(p.vertices - p.get_extents().get_points().mean(axis=0), p.codes) for p in paths]


def draw_row(axes: Axes, row: pd.Series, look: Look, x: float, y: float, best: bool = False) -> None:
    """Draw the marker of a prepared row with the letter of its extractor."""
    face, edge, letter = inks(row, look)
    width = 1.0 if best or not row["sound"] else 0.6
    edge = "black" if best and row["sound"] else edge
    size, order = math.sqrt(look.areas[row["size"]]), 4 if best else 3
    marker = look.markers[row["meta_arch"]]
    axes.add_line(mark(x, y, marker, size, Ink(face, edge, width, order), gid=f"row-{row.name}"))
    if row["colour_name"] in look.letters:
        glyph = MarkerStyle(
            look.letters[row["colour_name"]], transform=Affine2D().translate(0, LIFT.get(marker, 0.0))
        )
        axes.add_line(mark(x, y, glyph, 0.52 * size, Ink(letter, order=order + 0.1)))


def inks(row: pd.Series, look: Look) -> tuple[str, str, str]:
    """Return the colours of face, edge and letter of a row."""
    if row["pale"]:
        return (PALE["face"] if row["sound"] else "white"), PALE["edge"], PALE["letter"]
    colour = look.colours[row["colour_name"]]
    return (colour, "white", on(colour)) if row["sound"] else ("white", colour, colour)


def on(colour: str) -> str:
    """Return the ink that is read on a colour."""
    red, green, blue = to_rgb(colour)
    return "white" if 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5 else "black"


@dataclass(frozen=True)
class Ink:
    """How a marker is painted: face and edge, the width of the edge in points, and what lies over what."""

    face: str
    edge: str = "none"
    width: float = 0.0
    order: float = 5.0


def mark(x: float, y: float, marker: Any, size: float, ink: Ink, gid: str | None = None) -> Line2D:
    """Return one marker; size in points."""
    line = Line2D([x], [y], linestyle="none", marker=marker, markersize=size, zorder=ink.order, gid=gid)
    line.set_markerfacecolor(ink.face)
    line.set_markeredgecolor(ink.edge)
    line.set_markeredgewidth(ink.width)
    return line


def legends(figure: Figure, rows: pd.DataFrame, look: Look, lines: Sequence[Artist] = ()) -> list[Legend]:
    """Add the legends of marker, colour, size and lines for prepared rows; extractors only published are grey."""
    ours = set(rows.loc[~rows["pale"], "colour_name"])
    parts: dict[str, list[Any]] = {
        "Meta-architecture": [entry(name, marker=marker) for name, marker in look.markers.items()],
        "Extractor": [lettered(name, look, pale=name not in ours) for name in look.colours],
        "Image size": [entry(f"{size:g} px", area=look.areas[size]) for size in sizes_of(look)],
        "Lines and rows": [*lines, *kinds(rows)],
    }
    return [
        layout.add_legend(figure, heading, handles, math.ceil(len(handles) / 16))
        for heading, handles in parts.items()
        if handles
    ]


def kinds(rows: pd.DataFrame) -> list[Line2D]:
    """Return the entries of a legend for rows that are not trusted, or published."""
    found = [] if rows["sound"].all() else [entry("not trusted", face="white")]
    return [*found, *([entry("published", colour=PALE["edge"], face=PALE["face"])] if rows["pale"].any() else [])]


def sizes_of(look: Look) -> list[float]:
    """Return the sizes that a legend tells; none where all markers are of one size though the images are not."""
    same = len(look.areas) > 1 and len(set(look.areas.values())) == 1
    return [] if same else some(look.areas)


def some(sizes: Iterable[float]) -> list[float]:
    """Return the sizes that a legend tells, evenly chosen where there are many; 0 is unknown."""
    told = sorted({size for size in sizes if size > 0})
    if len(told) <= MOST_SIZES:
        return told
    return [told[round(i * (len(told) - 1) / (MOST_SIZES - 1))] for i in range(MOST_SIZES)]


def lettered(name: str, look: Look, pale: bool) -> tuple[Line2D, ...]:
    """Return the entry of an extractor for a legend: its colour, or grey, with its letter on it."""
    colour = PALE["face"] if pale else look.colours[name]
    base = entry(name, marker="s", colour=PALE["edge"] if pale else colour, area=80.0, face=colour)
    if name not in look.letters:
        return (base,)
    return base, mark(0, 0, look.letters[name], 5.0, Ink(PALE["letter"] if pale else on(colour)))


def entry(name: str, marker: str = "o", colour: str = "0.45", area: float = 56.0, face: str | None = None) -> Line2D:
    """Return a marker with its name for a legend."""
    line = mark(0, 0, marker, math.sqrt(area), Ink(face or colour, colour, 1.0))
    line.set_label(palette.literal(name))
    return line
