"""AP for one's own objects: the table's AP by size, weighed by how many of them are small, medium and large.

    AP = Σ share(s) · AP(s),   s of small (area below 32² px), medium (below 96² px) and large

It assumes that, within a size, one's own objects are as hard to find as those of the table's data set, and that AP
can be averaged over objects, which it can only nearly: AP ranks the detections of all sizes together. Sizes are
pixels of pictures as large as the data set's; scale boxes of larger pictures first. A row that lacks the AP of a size
that one has objects of gets none; a size without objects does not matter.

Source: the three sizes of COCO's evaluation. Differs: the area is width × height, where COCO takes an outline's.
"""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pandas as pd

from tradeoff.analysis.comparable import complete, numbers
from tradeoff.core.errors import TableError
from tradeoff.core.tables import table_text

SIZES = ("small", "medium", "large")
EDGES_PX2 = (32.0**2, 96.0**2)
#: what a file of boxes may have, the first that is there counts
FORMS = (("area",), ("width", "height"), ("x1", "y1", "x2", "y2"))


def reweighted(frame: pd.DataFrame, shares: dict[str, float]) -> pd.DataFrame:
    """Return rows whose `ap` is that for one's own objects; the table's own is then in `ap_table`.

    The interval of `ap` is emptied: it is not known for the weighted one.

    Raises:
        TableError: when no row has the AP of every size that there are objects of.
    """
    parts = {f"ap_{size}": share * numbers(frame, f"ap_{size}") for size, share in shares.items() if share}
    if complete(frame, *parts).empty:
        lacking = [name for name in parts if complete(frame, name).empty] or list(parts)
        raise TableError(
            f"no row is finished and has {' and '.join(lacking)}; --sizes weighs them: take a table that has them"
        )
    told = {"ap": pd.DataFrame(parts).sum(axis=1, skipna=False), "ap_table": frame["ap"]}
    return frame.assign(**told, **{name: math.nan for name in ("ap_low", "ap_high") if name in frame})


def read(path: Path) -> dict[str, float]:
    """Return the share of boxes of each size, summing to 1.

    Args:
        path: a CSV with the columns area (px²), or width and height (px), or x1, y1, x2, y2 (px); others are ignored.

    Raises:
        TableError: with file, line and column, when it is missing, empty, or a box makes no sense.
    """
    lines = csv.DictReader(io.StringIO(table_text(path), newline=""), strict=True)
    header = [name.strip() for name in lines.fieldnames or []]
    lines.fieldnames = header
    form = next((form for form in FORMS if set(form) <= set(header)), None)
    if form is None:
        raise TableError(
            f"{path}, line 1: got {', '.join(header)[:60] or 'nothing'}; expected the columns width,height, or area, "
            "or x1,y1,x2,y2 of one's own boxes, in px"
        )
    try:
        areas = [area(f"{path}, line {lines.line_num}", form, row) for row in lines]
    except csv.Error as error:
        raise TableError(f"{path}, line {lines.line_num}: {error}") from error
    if not areas:
        raise TableError(f"{path}: has no box")
    return shares(areas)


def shares(areas_px2: list[float]) -> dict[str, float]:
    """Return the share of areas of each size."""
    places = np.searchsorted(EDGES_PX2, areas_px2, side="right")
    counts = np.bincount(places, minlength=len(SIZES)) / len(areas_px2)
    return dict(zip(SIZES, counts.tolist(), strict=True))


def area(where: str, form: tuple[str, ...], row: dict[str, str]) -> float:
    """Return the area of one box, px²."""
    numbers_ = [side(where, name, row[name]) for name in form]
    if form == FORMS[0]:
        found = numbers_[0]
    elif form == FORMS[1]:
        found = numbers_[0] * numbers_[1] if min(numbers_) > 0 else 0.0
    else:
        x1, y1, x2, y2 = numbers_
        found = (x2 - x1) * (y2 - y1) if x2 > x1 and y2 > y1 else 0.0
    if not found > 0:
        raise TableError(f"{where}: got {', '.join(f'{n}={row[n]}' for n in form)}; expected a box with an area")
    return found


def side(where: str, name: str, text: str | None) -> float:
    """Return one number of a box."""
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise TableError(f"{where}, column {name!r}: got {text or 'nothing'!r}, expected a number of px")
    return value
