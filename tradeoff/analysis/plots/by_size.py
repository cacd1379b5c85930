"""Bars of AP by the size of objects. Source: Huang et al. 2017, figure 4."""

from collections.abc import Collection

import pandas as pd

from tradeoff.analysis import bars, effect, look, palette
from tradeoff.analysis.axis import TITLES
from tradeoff.analysis.bars import Bar, Panel, Series
from tradeoff.analysis.comparable import OF_ACCURACY, complete, facets, values
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.membership import intervals
from tradeoff.core.errors import TableError

SIZES = {
    "ap_small": "small: area < 32² px",
    "ap_medium": "medium: 32² to 96² px",
    "ap_large": "large: area > 96² px",
}
SERIES = [Series(*told) for told in zip(SIZES.values(), palette.SMALL_MEDIUM_LARGE, palette.GREYS, strict=True)]


def by_size(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw AP of small, medium and large objects, one group of bars per configuration, the best AP on top.

    A configuration is what `effect.best_rows` takes for one; of its rows the one with the highest AP is drawn, a
    trusted one where there is one, and each published row by itself. Each data set, precision and protocol has a
    panel of its own. A bar that is missing, because there are no such objects, is told in words; rows that are not
    trusted are hatched, published ones dotted.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no finished row has an AP by size.
    """
    rows = complete(frame, "ap")
    rows = rows[pd.concat([values(rows, name).notna() for name in SIZES], axis=1).any(axis=1)]
    if rows.empty:
        raise TableError(
            f"by_size: none of {len(frame)} rows is finished and has an AP by size (train=none gives none)"
        )
    every = facets("by_size", look.prepared(rows), together, OF_ACCURACY)
    chosen = [(title, effect.best_rows(part)) for title, part in every]
    parts, left_out = bars.fitting(chosen)
    best = pd.concat([part for _, part in parts])
    like = len(rows) - sum(len(part) for _, part in chosen)
    caption = " ".join(
        [
            tally(frame, best, f"AP by size{' or room' if left_out else ''}", "hatched", like),
            *effect.spoken_for(best),
            *([f"Of these left out for want of room, the worst: {left_out}."] if left_out else []),
            *(["n/a: no objects of that size."] if best[list(SIZES)].isna().any(axis=None) else []),
            *asked(together),
        ]
    )
    panels = [Panel(title, TITLES["ap"], part["label"].tolist(), bars_of(part)) for title, part in parts]
    return Drawing("by_size", "AP by the size of objects", caption, bars.compose(panels, SERIES, "Objects", caption))


def bars_of(rows: pd.DataFrame) -> list[list[Bar]]:
    """Return the bars of each row with their intervals, NaN where it has no such objects."""
    told = [
        [Bar(*one) for one in zip(*intervals(rows, name), rows["sound"], rows["pale"], strict=True)] for name in SIZES
    ]
    return [list(group) for group in zip(*told, strict=True)]
