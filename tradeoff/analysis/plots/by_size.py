"""Bars of AP by the size of objects. Source: Huang et al. 2017, figure 4."""

from collections.abc import Collection

import pandas as pd

from tradeoff.analysis import bars, look, palette
from tradeoff.analysis.axis import TITLES
from tradeoff.analysis.bars import Bar, Panel, Series
from tradeoff.analysis.comparable import OF_ACCURACY, complete, groups, numbers, standing, values
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.core.errors import TableError

SIZES = {
    "ap_small": "small: area < 32² px",
    "ap_medium": "medium: 32² to 96² px",
    "ap_large": "large: area > 96² px",
}
SERIES = [Series(name, colour) for name, colour in zip(SIZES.values(), palette.SMALL_MEDIUM_LARGE, strict=True)]
CONFIGURATION = ["meta_arch", "extractor", "colour_name", "size"]


def by_size(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw AP of small, medium and large objects, one group of bars per configuration, the best AP on top.

    A configuration is a meta-architecture with an extractor, its own options, and an image size; of its rows the one
    with the highest AP is drawn, a trusted one where there is one. Each data set, precision and protocol has a panel
    of its own. A bar that is missing, because there are no such objects, is told in words; rows that are not trusted
    are hatched, published ones dotted.

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
    parts = [(title, best_rows(part)) for title, part in groups(look.prepared(rows), together, OF_ACCURACY)]
    parts, left_out = bars.fitting("by_size", parts)
    best = pd.concat([part for _, part in parts])
    caption = " ".join(
        [
            tally(frame, rows, "AP by size", "hatched"),
            f"Configurations of meta-architecture, extractor and image size: {len(best) + left_out}, each by its row with",
            f"the highest AP; of these not trusted: {int((~best['sound']).sum())}.",
            *([f"Drawn are the best; left out: {left_out}."] if left_out else []),
            *(["n/a: no objects of that size."] if best[list(SIZES)].isna().any(axis=None) else []),
            *asked(together),
        ]
    )
    panels = [
        Panel(title, TITLES["ap"], part["label"].tolist(), [row_bars(row) for _, row in part.iterrows()])
        for title, part in parts
    ]
    return Drawing("by_size", "AP by the size of objects", caption, bars.compose(panels, SERIES, "Objects", caption))


def best_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the best row of each configuration, the best AP last, for bars are drawn from below."""
    ranked = rows.assign(doubt=-standing(rows)).sort_values(["doubt", "ap", "run_id"], ascending=[True, True, False])
    return ranked.drop_duplicates(subset=CONFIGURATION, keep="last").sort_values(["ap", "run_id"])


def row_bars(row: pd.Series) -> list[Bar]:
    """Return the bars of a row, NaN where it has no such objects."""
    told = numbers(pd.DataFrame([row[list(SIZES)]]).T.rename(columns=lambda _: "ap"), "ap")
    return [Bar(value, value, value, bool(row["sound"]), bool(row["pale"])) for value in told]
