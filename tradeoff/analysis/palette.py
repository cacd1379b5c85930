"""Colours, markers and names of plots: told apart by the colour-blind; in grey by markers, letters and hatches."""

import re
from collections.abc import Iterable
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.colors import to_hex
from matplotlib.path import Path
from matplotlib.transforms import Affine2D

#: Source: Okabe and Ito 2008, "Color universal design"; without yellow, which is lost on white
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
BAR = Path([(-1, -0.45), (1, -0.45), (1, 0.45), (-1, 0.45), (-1, -0.45)], closed=True)
BOW = Path([(-1, -0.8), (0, -0.3), (1, -0.8), (1, 0.8), (0, 0.3), (-1, 0.8), (-1, -0.8)], closed=True)
UPRIGHT = Affine2D().rotate_deg(90)
#: none reads as another; the last ones are for tables of very many meta-architectures
MARKERS: tuple[str | tuple[int, int, int] | Path, ...] = (
    *("o", "s", "D", "^", "v", "P", "X", "p", "<", ">", "*", "d"),
    *((4, 1, 0), (4, 1, 45), (5, 0, 180), (6, 1, 0), (5, 1, 180)),
    *(BAR, BAR.transformed(UPRIGHT), BOW, BOW.transformed(UPRIGHT)),
)
#: light to dark, so that the order is seen in grey
SMALL_MEDIUM_LARGE = ("#BFDDF0", "#4A98C9", "#123F66")
GREYS = ("0.95", "0.75", "0.52")  # likewise, of published numbers
MANY = 60  # rows of a figure
MULTIPLIER_BELOW = 4.0  # a width below it multiplies the channels, one from it on is their number


def colours(names: Iterable[str]) -> dict[str, str]:
    """Give each name a colour; more than seven take theirs from viridis, dark to light."""
    distinct = ordered(names)
    if len(distinct) <= len(OKABE_ITO):
        return dict(zip(distinct, OKABE_ITO, strict=False))
    ramp = matplotlib.colormaps["viridis"].resampled(len(distinct) + 1)  # the lightest is lost on white
    return {name: to_hex(ramp(index)) for index, name in enumerate(distinct)}


def markers(names: Iterable[str]) -> dict[str, Any]:
    """Give each name a marker; with more than 21 they repeat."""
    return {name: MARKERS[index % len(MARKERS)] for index, name in enumerate(ordered(names))}


def ordered(names: Iterable[str]) -> list[str]:
    """Return each name once, numbers within them by their value: depth=2 before depth=10."""
    return sorted(set(names), key=lambda name: re.sub(r"\d+", lambda digits: digits[0].zfill(12), name))


def areas(sizes: Iterable[float]) -> dict[float, float]:
    """Give each image size the area of its marker, points², growing linearly from the smallest to the largest.

    Where there are many rows all are smaller. A size of 0 is unknown and as small as the smallest.
    """
    every = list(sizes)
    told = sorted({size for size in every if size > 0})
    span = max(told[-1] - told[0], 1) if told else 1
    scale = 1.0 if len(every) <= MANY else 0.65
    return {size: scale * (60 + 90 * (size - told[0] if size > 0 else 0) / span) for size in sorted(set(every))}


def extractor_name(row: pd.Series) -> str:
    """Name an extractor with the options of its own that were chosen, such as "mobilenet ×0.5"; not its weights."""
    words = "" if pd.isna(row["overrides"]) else str(row["overrides"])
    own = [word.removeprefix("extractor.") for word in words.split() if word.startswith("extractor.")]
    own = [option for option in own if option.partition("=")[0] not in ("weights", "pretrained")]
    return " ".join([str(row["extractor"]), *(short(option) for option in own)])


def short(option: str) -> str:
    """Shorten the multiplier of all channel counts to "×0.5"; leave any other option as it is."""
    name, _, value = option.partition("=")
    try:
        return f"×{value}" if name == "width" and float(value) < MULTIPLIER_BELOW else option
    except ValueError:
        return option


def literal(text: object) -> str:
    """Return text that matplotlib prints as it is; a dollar would begin a formula."""
    return str(text).replace("$", r"\$")
