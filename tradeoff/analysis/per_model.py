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

MOST_SIZES = 4
MODEL = ["meta_arch", "extractor", "colour_name", "stride", "pale"]
LACKING = {TIME.name: "latency", "peak_memory_mb": "memory"}


def per_model(name: str, title: str, frame: pd.DataFrame, cost: str, together: Collection[str]) -> Drawing:
    """Draw a cost of each model at each image size, the cheapest on top.

    A model is a meta-architecture with an extractor, its own options, and a stride; of its rows at a size the one
    with the most proposals is drawn, a trusted one where there is one.

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
    sizes = sizes_of(ready)
    chosen = pd.concat([speaking(part) for _, part in groups(ready[ready["size"].isin(sizes)], together)])
    split = facets(name, chosen, together)
    parts, left_out = bars.fitting([(words, by_model(part, cost, sizes)) for words, part in split])
    panels = [
        Panel(words, axis.title(cost, part), wide["label"].tolist(), wide["bars"].tolist())
        for (words, wide), (_, part) in zip(parts, split, strict=True)
    ]
    caption = " ".join(
        [
            tally(frame, chosen, f"{LACKING.get(cost, cost)}, or not drawn", "hatched"),
            "Each model and image size by its row with the most proposals.",
            *([f"Models left out for want of room, the dearest: {left_out}."] if left_out else []),
            *asked(together),
        ]
    )
    named = [f"{size:g} px" if size else "size unknown" for size in sizes]
    series = [Series(word, colour) for word, colour in zip(named, ramp(len(sizes)), strict=True)]
    return Drawing(name, title, caption, bars.compose(panels, series, "Image size", caption))


def sizes_of(rows: pd.DataFrame) -> list[float]:
    """Return the image sizes that are drawn, ascending, evenly chosen where there are many; 0 is unknown."""
    told = sorted(set(rows["size"]))
    return (
        told
        if len(told) <= MOST_SIZES
        else [told[round(i * (len(told) - 1) / (MOST_SIZES - 1))] for i in range(MOST_SIZES)]
    )


def speaking(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each model and size: of the best standing, with the most proposals."""
    ranked = rows.assign(doubt=standing(rows), many=-values(rows, "proposals").astype("Float64").fillna(0))
    return ranked.sort_values(["doubt", "many", "run_id"]).drop_duplicates(subset=[*MODEL, "size"])


def by_model(rows: pd.DataFrame, cost: str, sizes: Collection[float]) -> pd.DataFrame:
    """Return one row per model, the cheapest last: its label and its bars, one for each size or None."""
    value, low, high = intervals(rows, cost)
    told = zip(value, low, high, rows["sound"], rows["pale"], strict=True)
    every = dict(zip(rows.index, (Bar(*one) for one in told), strict=True))
    found = []
    for _, model in rows.groupby(MODEL, sort=True):
        at = {size: every[place] for place, size in model["size"].items()}
        least = min(bar.value for bar in at.values())
        found.append(
            {"label": short(str(model["label"].iloc[0])), "bars": [at.get(size) for size in sizes], "least": least}
        )
    return pd.DataFrame(found).sort_values(["least", "label"], ascending=False)


def short(label: str) -> str:
    """Return a label without image size and number of proposals."""
    return re.sub(r" \d+ (px|prop\.)", "", label)


def ramp(count: int) -> list[str]:
    """Return colours from light to dark, whose order is seen in grey as well."""
    if count <= len(palette.SMALL_MEDIUM_LARGE):
        return list(palette.SMALL_MEDIUM_LARGE[-count:]) if count < 3 else list(palette.SMALL_MEDIUM_LARGE)
    return [to_hex(matplotlib.colormaps["Blues"](place)) for place in np.linspace(0.25, 1.0, count)]
