"""How probably each model is on the frontier of accuracy against time, and what nearly ties with it."""

from collections.abc import Collection

import pandas as pd

from tradeoff.analysis import axis, bars, look
from tradeoff.analysis.bars import Bar, Panel, Series
from tradeoff.analysis.comparable import TIME, complete, facets, timed
from tradeoff.analysis.drawing import Drawing, asked, tally
from tradeoff.analysis.membership import DRAWS, SEED, contests, near_ties, probabilities, told
from tradeoff.core.errors import TableError

LEAST = 0.01  # rows with less are not drawn
SERIES = [Series("", "#4A98C9")]
TOLD = 4  # near ties in the caption


def frontier_probability(frame: pd.DataFrame, together: Collection[str] = ()) -> Drawing:
    """Draw the probability of being on the frontier, of the models for which it is 1 % at least.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        together: columns of COMPARABLE in which rows of one panel may differ after all.

    Raises:
        TableError: when no row that contends has an interval of its AP or time, or too many sets cannot be compared.
    """
    rows = complete(timed(frame), TIME.name, "ap")
    if not any(told(contest).any() for contest in contests(rows, (TIME.name, "ap"), together)):
        raise TableError(
            f"frontier_probability: none of {len(frame)} rows is finished with AP, latency and an interval of them"
        )
    rows = look.prepared(rows).assign(probability=probabilities(rows, together=together))
    likely = rows[rows["probability"] >= LEAST].sort_values(["probability", "ap", "run_id"])
    parts, left_out = bars.fitting(facets("frontier_probability", likely, together))
    panels = [
        Panel(
            title, axis.TITLES["probability"], part["label"].tolist(), [row_bars(row) for _, row in part.iterrows()]
        )
        for title, part in parts
    ]
    caption = " ".join(
        [
            tally(frame, pd.concat([part for _, part in parts]), "AP or latency, or not drawn", "hatched"),
            f"Models with less than {100 * LEAST:g} % or without the trust of others: {len(rows) - len(likely)}.",
            f"From {DRAWS} draws out of the 95 % intervals, seed {SEED}, each value on its own.",
            *ties(rows, together),
            *([f"Left out for want of room: {left_out}."] if left_out else []),
            *asked(together),
        ]
    )
    figure = bars.compose(panels, SERIES, "Model", caption)
    return Drawing("frontier_probability", "How surely a model is on the frontier", caption, figure)


def row_bars(row: pd.Series) -> list[Bar]:
    """Return the bar of a row."""
    chance = float(row["probability"])
    return [Bar(chance, chance, chance, bool(row["sound"]), bool(row["pale"]))]


def ties(rows: pd.DataFrame, together: Collection[str]) -> list[str]:
    """Word the first near ties."""
    found = near_ties(rows, together=together)
    pairs = [f"{row['label']} with {row['rival']}" for _, row in found.head(TOLD).iterrows()]
    more = f" and {len(found) - TOLD} more" if len(found) > TOLD else ""
    return [f"Near ties: {'; '.join(pairs)}{more}."] if pairs else []
