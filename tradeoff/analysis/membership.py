"""How surely a row is on the frontier, when accuracy and time are known within intervals only.

Each value is drawn from a normal distribution in two halves, of which the value is the median and the interval holds
95 %; a value without an interval is exact. Values are drawn independently. Scores of one set of images err together,
so differences between rows are rather surer than this says, and the probabilities nearer to 0 and 1.
Legend: N rows, K objectives, S draws.
"""

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tradeoff.analysis.comparable import TIME, candidates, complete, groups, numbers, timed, values
from tradeoff.analysis.frontier import OBJECTIVES, nondominated, on_frontier, signs

DRAWS, SEED = 2000, 0
Z95 = 1.959963984540054  # what 95 % of a normal distribution lies within, standard deviations
SURE = 0.95
STEM = {TIME.name: "latency_ms"}  # intervals bear the name of what they are of, without _p50

Array = NDArray[np.float64]


def intervals(frame: pd.DataFrame, name: str) -> tuple[Array, Array, Array]:
    """Return value and ends of its 95 % interval, (N,) each; where a table tells none, both ends are the value."""
    stem = STEM.get(name, name.removesuffix("_p50"))
    value = numbers(frame, name)
    low, high = (numbers(frame, f"{stem}_{end}").fillna(value) for end in ("low", "high"))
    return value.to_numpy(), np.minimum(low.to_numpy(), value), np.maximum(high.to_numpy(), value)


def told(frame: pd.DataFrame, objectives: Sequence[str] = OBJECTIVES) -> pd.Series:
    """Tell which rows have an interval of an objective, (N,) bool."""
    spans = [intervals(frame, name) for name in objectives]
    return pd.Series(np.any([high > low for _, low, high in spans], axis=0), index=frame.index)


def drawn(frame: pd.DataFrame, objectives: Sequence[str], draws: int, seed: int) -> Array:
    """Draw the losses of rows, (S, N, K); lower is better."""
    random = np.random.default_rng(seed)
    parts = []
    for name, sign in zip(objectives, signs(objectives), strict=True):
        value, low, high = intervals(frame, name)
        z = random.standard_normal((draws, len(frame)))
        parts.append(sign * (value + z / Z95 * np.where(z < 0, value - low, high - value)))
    return np.stack(parts, axis=2)


def contests(
    frame: pd.DataFrame, objectives: Sequence[str], together: Collection[str] = ()
) -> Iterator[pd.DataFrame]:
    """Yield the rows that contend for one frontier: they can be compared and are of the best standing."""
    for _, group in groups(complete(timed(frame), *objectives), together):
        yield candidates(group)


def probabilities(
    frame: pd.DataFrame,
    objectives: Sequence[str] = OBJECTIVES,
    together: Collection[str] = (),
    draws: int = DRAWS,
    seed: int = SEED,
) -> pd.Series:
    """Return how probably each row is on the frontier of those that it can be compared with, (N,) 0..1.

    Rows that are not in the contest, for they lack a value or the trust of others, have none.

    Args:
        frame: rows of a table; the interval of NAME is NAME_low to NAME_high, of times latency_ms_low to _high.
        objectives: columns; which way is better says the registry.
        together: columns in which rows may differ after all (`comparable.groups`).
        draws: of all values; the standard error of a probability is at most 0.5 / √draws.
        seed: of the draws.
    """
    chances = pd.Series(np.nan, index=frame.index)
    for rows in contests(frame, objectives, together):
        trials = drawn(rows, objectives, draws, seed) if told(rows, objectives).any() else None
        if trials is None:
            chances[rows.index] = on_frontier(rows, objectives, together).astype(float)
        else:
            chances[rows.index] = np.mean([nondominated(trial) for trial in trials], axis=0)
    return chances


def near_ties(
    frame: pd.DataFrame, objectives: Sequence[str] = OBJECTIVES, together: Collection[str] = ()
) -> pd.DataFrame:
    """List the rows of which it is not sure, to 95 %, whether they are on the frontier, the most probable first.

    Returns:
        run_id, label, on_frontier, probability, and the rival: the row that most probably beats it, and how probably.
    """
    parts = []
    for rows in contests(frame, objectives, together):
        chances = probabilities(rows, objectives, together)
        unsure = chances.between(1 - SURE, SURE, inclusive="neither").to_numpy()
        if not unsure.any():
            continue
        beaten = rival_chances(drawn(rows, objectives, DRAWS, SEED), np.flatnonzero(unsure))
        labels = values(rows, "label")
        listed = rows.loc[unsure, ["run_id"]].assign(
            label=labels[unsure],
            on_frontier=on_frontier(rows, objectives, together)[unsure],
            probability=chances[unsure],
            rival=labels.to_numpy()[beaten.argmax(axis=1)],
            rival_probability=beaten.max(axis=1),
        )
        parts.append(listed.sort_values("probability", ascending=False))
    names = ["run_id", "label", "on_frontier", "probability", "rival", "rival_probability"]
    return pd.concat(parts) if parts else pd.DataFrame(columns=names)


def rival_chances(trials: Array, places: NDArray[np.intp]) -> Array:
    """Return how probably each row (N) beats each of those at `places` (P), (P, N), from draws (S, N, K)."""
    chances = [
        ((trials <= trials[:, [i]]).all(axis=2) & (trials < trials[:, [i]]).any(axis=2)).mean(axis=0) for i in places
    ]
    return np.array(chances).reshape(len(places), trials.shape[1])


def band(rows: pd.DataFrame, at: Array, objectives: tuple[str, str] = OBJECTIVES) -> tuple[Array, Array]:
    """Return within what the frontier lies with 95 %: of each cost, the least and the highest best gain (X,) at it.

    Args:
        rows: that contend for one frontier.
        at: (X,) costs, ascending.
        objectives: a cost and a gain.
    """
    trials = drawn(rows, objectives, DRAWS, SEED)
    order = np.argsort(trials[:, :, 0], axis=1)
    costs = np.take_along_axis(trials[:, :, 0], order, axis=1)
    gains = np.maximum.accumulate(-np.take_along_axis(trials[:, :, 1], order, axis=1), axis=1)
    reached = np.array([np.searchsorted(row, at, side="right") for row in costs])  # how many cost no more
    best = np.where(reached > 0, np.take_along_axis(gains, np.maximum(reached - 1, 0), axis=1), -np.inf)
    low, high = np.quantile(best, [0.025, 0.975], axis=0, method="inverted_cdf")
    return low, high
