"""Figures of a cost per model: bars, one group for each model, one bar for each image size."""

import re
from collections.abc import Collection

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.colors import to_hex

from tradeoff.analysis import axis, bars, look, palette
from tradeoff.analysis.bars import Bar, Panel, Series
from tradeoff.analysis.comparable import COMPARABLE, TIME, complete, groups, standing, timed, values
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.membership import intervals
from tradeoff.core.errors import TableError

MOST_SIZES = 4
MODEL = ["meta_arch", "extractor", "colour_name", "stride"]
LACKING = {TIME.name: "latency", "peak_memory_mb": "memory"}


def per_model(name: str, title: str, frame: pd.DataFrame, cost: str, together: Collection[str]) -> Drawing:
    """Draw a cost of each model at each image size, the cheapest on top.

    A model is a meta-architecture with an extractor, its own options, and a stride; of its rows at a size the one with
    the most proposals is drawn, a trusted one where there is one.

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
    sizes = look.some(ready["size"])[-MOST_SIZES:] or [0.0]
    kept = ready[ready["size"].isin(sizes)]
    models = [(words, by_model(part, cost, sizes), part) for words, part in groups(kept, together, COMPARABLE)]
    parts, left_out = bars.fitting(name, [(words, wide) for words, wide, _ in models])
    panels = [
        Panel(words, axis.title(cost, part), wide["label"].tolist(), wide["bars"].tolist())
        for (words, wide), (*_, part) in zip(parts, models, strict=True)
    ]
    caption = " ".join(
        [
            tally(frame, rows, LACKING.get(cost, cost), "hatched"),
            "Each model by its row with the most proposals.",
            *([f"Models left out for want of room, the dearest: {left_out}."] if left_out else []),
            *asked(together),
        ]
    )
    series = [Series(f"{size:g} px" if size else "", colour) for size, colour in zip(sizes, ramp(len(sizes)), strict=True)]
    return Drawing(name, title, caption, bars.compose(panels, series, "Image size", caption))


def by_model(rows: pd.DataFrame, cost: str, sizes: Collection[float]) -> pd.DataFrame:
    """Return one row per model, the cheapest last: its label and its bars, one for each size, None where it has none."""
    ranked = rows.assign(doubt=standing(rows), many=-values(rows, "proposals").astype("Float64").fillna(0))
    ranked = ranked.sort_values(["doubt", "many", "run_id"]).drop_duplicates(subset=[*MODEL, "size"])
    value, low, high = intervals(ranked, cost)
    ranked = ranked.assign(
        bar=[Bar(*told) for told in zip(value, low, high, ranked["sound"], ranked["pale"], strict=True)], cost_=value
    )
    found = []
    for _, model in ranked.groupby(MODEL, sort=True):
        at = dict(zip(model["size"], model["bar"], strict=True))
        label = short(str(model["label"].iloc[0]))
        found.append({"label": label, "bars": [at.get(size) for size in sizes], "least": float(model["cost_"].min())})
    return pd.DataFrame(found).sort_values(["least", "label"], ascending=False)


def short(label: str) -> str:
    """Return a label without image size and number of proposals."""
    return re.sub(r" \d+ (px|prop\.)", "", label)


def ramp(count: int) -> list[str]:
    """Return colours from light to dark, whose order is seen in grey as well."""
    if count <= len(palette.SMALL_MEDIUM_LARGE):
        return list(palette.SMALL_MEDIUM_LARGE[-count:]) if count < 3 else list(palette.SMALL_MEDIUM_LARGE)
    return [to_hex(matplotlib.colormaps["Blues"](place)) for place in np.linspace(0.25, 1.0, count)]
