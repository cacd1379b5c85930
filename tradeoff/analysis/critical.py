"""The critical points: the fastest, the sweet spot and the most accurate. Source: Huang et al. 2017, table 3."""

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd

from tradeoff.analysis.comparable import TIME, complete, groups, numbers, timed, values
from tradeoff.analysis.frontier import on_frontier

FASTEST, SWEET_SPOT, MOST_ACCURATE = "fastest", "sweet spot", "most accurate"
COLUMN = "critical_point"


def critical_points(frame: pd.DataFrame, together: Collection[str] = ()) -> pd.DataFrame:
    """Return the critical points of each set of rows that can be compared, the fastest first.

    All are on its frontier; but where a table names its critical points itself, as published ones do in the column
    `critical_point`, these are returned, wherever they lie.

    The sweet spot is the elbow of the frontier: with AP and the logarithm of time both scaled to 0..1 between the
    fastest and the most accurate, the row farthest above the straight line from one to the other. A frontier of less
    than three rows, or one that nowhere rises above the line, has none.

    Returns:
        The rows with `conditions`, `critical_point` and `time_ms`.

    Source: Satopää et al. 2011, "Finding a kneedle in a haystack", for the elbow.
    Differs: the study chose its five points by eye.
    """
    parts = [points.assign(conditions=title) for title, points in found(frame, together) if len(points)]
    columns = dict.fromkeys(["conditions", COLUMN, *frame.columns, TIME.name])
    return pd.concat(parts)[list(columns)] if parts else pd.DataFrame(columns=list(columns))


def found(frame: pd.DataFrame, together: Collection[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the critical points of each set of rows that can be compared."""
    rows = complete(timed(frame), TIME.name, "ap")
    for title, group in groups(rows[rows[TIME.name] > 0], together):
        named = group[values(group, COLUMN).notna()]
        yield title, named.sort_values([TIME.name, "ap"]) if len(named) else chosen(group, together)


def chosen(group: pd.DataFrame, together: Collection[str]) -> pd.DataFrame:
    """Choose the critical points of rows that can be compared."""
    best = group[on_frontier(group, together=together)].sort_values([TIME.name, "run_id"])
    if len(best) < 2:
        return best.assign(**{COLUMN: f"{FASTEST} and {MOST_ACCURATE}"})
    middle = elbow(np.log(numbers(best, TIME.name).to_numpy()), numbers(best, "ap").to_numpy())
    picks = {0: FASTEST, **({} if middle is None else {middle: SWEET_SPOT}), len(best) - 1: MOST_ACCURATE}
    return best.iloc[list(picks)].assign(**{COLUMN: list(picks.values())})


def elbow(x: np.ndarray, y: np.ndarray) -> int | None:
    """Return the place of the point (N,) farthest above the line from the first to the last, if one is above it."""
    if len(x) < 3 or x[-1] <= x[0] or y[-1] <= y[0]:
        return None
    above = (y - y[0]) / (y[-1] - y[0]) - (x - x[0]) / (x[-1] - x[0])
    place = int(np.argmax(above))
    return place if above[place] > 1e-9 else None
