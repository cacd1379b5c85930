"""Figures of a cost per model: bars, one group for each model, one bar for each image size."""

import re
from collections.abc import Collection

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from tradeoff.analysis import axis, bars, look, palette
from tradeoff.analysis.bars import Bar, Panel, Series
from tradeoff.analysis.comparable import TIME, complete, facets, groups, standing, timed, values
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.membership import intervals
from tradeoff.core.errors import TableError

MOST_SIZES = 4  # with more, each has a bar of its own
ALONE = [Series("", "#4A98C9")]
MODEL = ["meta_arch", "extractor", "colour_name", "stride", "own"]
LACKING = {TIME.name: "latency", "peak_memory_mb": "memory"}


def per_model(name: str, title: str, frame: pd.DataFrame, cost: str, together: Collection[str]) -> Drawing:
    """Draw a cost of each model at each image size, the cheapest on top.

    A model is a meta-architecture with an extractor, its own options, and a stride; of its rows at a size the one
    with the most proposals is drawn, a trusted one where there is one. A published row is a model of its own, for
    nobody tells in what it differs from others. Of more than four image sizes each row is.

    Args:
        name: of the figure.
        title: its heading.
        frame: rows of a table.
        cost: a column, lower is better.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no finished row has the cost, or too many sets cannot be compared.
    """
    rows = complete(timed(frame), cost)
    if rows.empty:
        raise TableError(f"{name}: none of {len(frame)} rows is finished and has {cost}")
    ready = look.prepared(rows).assign(stride=values(rows, "stride").astype("Int64").fillna(0))
    ready = ready.assign(own=ready["run_id"].where(ready["pale"], ""))
    chosen = pd.concat([speaking(part) for _, part in groups(ready, together)])
    series, chosen = in_series(chosen)
    split = facets(name, chosen, together)
    parts, left_out = bars.fitting([(words, by_model(part, cost, len(series))) for words, part in split])
    panels = [
        Panel(words, axis.title(cost, part), wide["label"].tolist(), wide["bars"].tolist())
        for (words, wide), (_, part) in zip(parts, split, strict=True)
    ]
    shown = chosen.loc[[index for _, wide in parts for indices in wide["rows"] for index in indices]]
    caption = " ".join(
        [
            tally(
                frame, shown, f"{LACKING[cost]}{' or room' if left_out else ''}", "hatched", len(ready) - len(chosen)
            ),
            *(["Each model and image size by its row with the most proposals."] if not shown["pale"].all() else []),
            *(["Each published row by itself."] if shown["pale"].any() else []),
            *([f"Models left out for want of room, the dearest: {left_out}."] if left_out else []),
            *asked(together),
        ]
    )
    heading = "Rows" if series == ALONE else "Image size"
    return Drawing(name, title, caption, bars.compose(panels, series, heading, caption))


def in_series(rows: pd.DataFrame) -> tuple[list[Series], pd.DataFrame]:
    """Return the series of bars, the measured image sizes ascending, and the rows with the place of theirs, `series`.

    With more sizes than are told apart there is one series, and each row is a model of its own.
    """
    sizes = sorted(set(rows.loc[~rows["pale"], "size"]))
    if not 0 < len(sizes) <= MOST_SIZES:
        return ALONE, rows.assign(series=0, own=rows["run_id"])
    words = [f"{size:g} px" if size else "size unknown" for size in sizes]
    series = [Series(word, colour) for word, colour in zip(words, ramp(len(sizes)), strict=True)]
    places = rows["size"].map({size: place for place, size in enumerate(sizes)})
    return series, rows.assign(series=places.where(~rows["pale"], 0).astype(int))


def speaking(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each model and size: of the best standing, with the most proposals."""
    ranked = rows.assign(doubt=standing(rows), many=-values(rows, "proposals").astype("Float64").fillna(0))
    return ranked.sort_values(["doubt", "many", "run_id"]).drop_duplicates(subset=[*MODEL, "size"])


def by_model(rows: pd.DataFrame, cost: str, count: int) -> pd.DataFrame:
    """Return one row per model, the cheapest last: its label, its bars, one for each series or None, and its rows."""
    value, low, high = intervals(rows, cost)
    told = zip(value, low, high, rows["sound"], rows["pale"], strict=True)
    every = dict(zip(rows.index, (Bar(*one) for one in told), strict=True))
    found = []
    for _, model in rows.groupby(MODEL, sort=True):
        at = {series: every[index] for index, series in model["series"].items()}
        least = min(bar.value for bar in at.values())
        bars_ = [at.get(series) for series in range(count)]
        found.append({"label": named(model.iloc[0]), "bars": bars_, "least": least, "rows": list(model.index)})
    return pd.DataFrame(found).sort_values(["least", "label"], ascending=False)


def named(row: pd.Series) -> str:
    """Name a model: without size and number of proposals, which its bars tell; with its size where it is alone."""
    label = str(row["label"])
    if not row["own"]:
        return re.sub(r" \d+ (px|prop\.)", "", label)
    size = f"{row['size']:g}"
    return label if size == "0" or size in re.findall(r"\d+", label) else f"{label} {size} px"


def ramp(count: int) -> list[str]:
    """Return colours from light to dark, whose order is seen in grey as well."""
    if count <= len(palette.SMALL_MEDIUM_LARGE):
        return list(palette.SMALL_MEDIUM_LARGE[-count:]) if count < 3 else list(palette.SMALL_MEDIUM_LARGE)
    return [to_hex(matplotlib.colormaps["Blues"](place)) for place in np.linspace(0.25, 1.0, count)]
