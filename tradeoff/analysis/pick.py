"""Which models fit a budget, the best first."""

import numpy as np
import pandas as pd

from tradeoff.analysis.comparable import COMPARABLE, TIME, compared, complete, numbers, standing, timed
from tradeoff.analysis.limits import Budget, Limit, budget
from tradeoff.core.errors import TableError


def pick(frame: pd.DataFrame, **bounds: float | None) -> pd.DataFrame:
    """Return the rows that keep every limit, the best first: `ranked`, filtered.

    A row that lacks what is limited does not keep the limit.

    Args:
        frame: rows of one data set, device, precision, batch size and protocol.
        bounds: limits by their words, such as max_latency_ms=30, min_ap_small=0.1; None is no limit
            (`tradeoff.analysis.limits.LIMITS` has them all).

    Raises:
        TableError: when the rows that fit differ in these, so that their AP or time cannot be ranked.
        ConfigError: when there is no such limit, or no number can keep it.
    """
    fits = keeping(timed(complete(frame)), budget(bounds))
    for name in COMPARABLE:
        check_one(fits, name)
    return ranked(fits)[list(frame.columns)]


def ranked(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows the best first, in an order that hangs on no limit.

    Measured before published numbers, and within each trusted rows before the others; then the higher AP, the shorter
    time, the run_id. Rows without an AP come last in their part.
    """
    keys = pd.DataFrame(
        {
            "standing": standing(frame),
            "loss": -numbers(frame, "ap"),
            "time": numbers(timed(frame), TIME.name),
            "run_id": frame["run_id"].fillna(""),
        }
    )
    return frame.loc[keys.sort_values(list(keys.columns), kind="stable").index]


def keeping(frame: pd.DataFrame, limits: Budget) -> pd.DataFrame:
    """Return the rows that keep every limit."""
    return frame[(excess(frame, limits) == 0).all(axis=1)]


def excess(frame: pd.DataFrame, limits: Budget) -> pd.DataFrame:
    """Return by how much rows miss each limit, (N, limits): 0 kept, 0.5 half as much again, NaN where not known."""
    missed = {limit.word: beyond(numbers(frame, limit.column), limit, bound) for limit, bound in limits.items()}
    return pd.DataFrame(missed, index=frame.index, dtype=float)


def beyond(values: pd.Series, limit: Limit, bound: float) -> pd.Series:
    """Return by how much values miss one limit, as a part of it; infinite where an AP of nothing is too little."""
    with np.errstate(divide="ignore", invalid="ignore"):
        over = values / bound if limit.sense == "most" else bound / values
    kept = values <= bound if limit.sense == "most" else values >= bound
    return (over - 1).mask(kept, 0.0)


def check_one(frame: pd.DataFrame, name: str) -> None:
    """Refuse rows that differ in what decides whether they can be compared."""
    told = compared(frame)[name].dropna()
    values = sorted(told.unique())
    if len(values) > 1:
        kept = frame.loc[told[told == values[0]].index, name].iloc[0]
        hint = f"choose, such as frame[frame[{name!r}] == {kept!r}]"
        if frame[name].dropna().nunique() == 1:
            hint = "choose by the columns 'overrides' and 'eval_images'"
        raise TableError(f"column {name!r}: got {', '.join(map(str, values))}; expected one; {hint}")
