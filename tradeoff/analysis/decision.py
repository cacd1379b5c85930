"""The decision: what fits a budget, what binds, what a little more would buy, and what just misses it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tradeoff.analysis.comparable import complete, conditions, groups, numbers, standing, timed
from tradeoff.analysis.limits import Budget, Limit
from tradeoff.analysis.pick import excess, ranked
from tradeoff.core.errors import TableError

MOST_GROUPS, TOLD = 8, 12


@dataclass(frozen=True)
class Step:
    """The next better model behind one limit: the limit, where it would have to be, and the model."""

    limit: Limit
    needed: float
    row: pd.Series


@dataclass(frozen=True)
class Miss:
    """A model that does not fit, and each limit that it breaks with its value there."""

    row: pd.Series
    broken: dict[Limit, float]


@dataclass(frozen=True)
class Decision:
    """The answer for rows that can be compared.

    title: what tells them from the other rows of their table. rows: all, the best first, with their `time_ms`. fits:
    those that keep every limit, in the same order. steps: what each limit that binds alone keeps away. nearest: the
    one that misses the budget by least, of those that would be better than the pick. alike: of those that fit, what
    the intervals of AP do not tell apart from the pick. unknown: how many rows lack what is limited, so do not fit.
    untold: how many of those that would be better than the pick. doubted: those with a higher AP than the pick that
    come after it, for they are less trusted, or not measured here.
    """

    title: str
    conditions: str
    limits: Budget
    rows: pd.DataFrame
    fits: pd.DataFrame
    steps: list[Step]
    nearest: Miss | None
    alike: pd.DataFrame
    unknown: dict[Limit, int]
    untold: dict[Limit, int]
    doubted: pd.DataFrame

    @property
    def picked(self) -> pd.Series | None:
        """The best row that fits."""
        return self.fits.iloc[0] if len(self.fits) else None


def decisions(frame: pd.DataFrame, limits: Budget, together: Collection[str] = ()) -> list[Decision]:
    """Return a decision for each set of rows that can be compared, the largest set first.

    Sets in which nothing has an AP are left out where another set has some: there is no accuracy to choose by.

    Raises:
        TableError: when no row is finished, or too many sets cannot be compared; lists them.
    """
    rows = timed(complete(frame))
    if rows.empty:
        raise TableError(f"none of {len(frame)} rows is finished (status ok): there is nothing to choose from")
    scored = [(title, group) for title, group in groups(rows, together) if group["ap"].notna().any()]
    sets = scored or list(groups(rows, together))
    if len(sets) > MOST_GROUPS:
        told = "\n".join([*(f"  {title}" for title, _ in sets[:TOLD]), *(["  ..."] if len(sets) > TOLD else [])])
        raise TableError(
            f"{len(sets)} sets of rows cannot be compared with one another, expected at most {MOST_GROUPS}; "
            f"choose among them, such as --where device_name=NAME:\n{told}"
        )
    return [decide(group, limits, title) for title, group in sorted(sets, key=lambda pair: -len(pair[1]))]


def decide(group: pd.DataFrame, limits: Budget, title: str = "") -> Decision:
    """Return the decision for rows that can be compared (finished, with `time_ms`)."""
    rows = ranked(group)
    over = excess(rows, limits)
    fits = rows[(over == 0).all(axis=1)]
    rivals = better(rows, fits.iloc[0]) if len(fits) else rows
    return Decision(
        title=title,
        conditions=conditions(rows),
        limits=limits,
        rows=rows,
        fits=fits,
        steps=list(steps(rivals, over, limits)) if len(fits) else [],
        nearest=nearest(rivals, over, limits),
        alike=alike(fits),
        unknown=lacking(over, limits),
        untold=lacking(over.loc[rivals.index], limits) if len(fits) else {},
        doubted=doubted(rows, fits),
    )


def lacking(over: pd.DataFrame, limits: Budget) -> dict[Limit, int]:
    """Return of how many rows it is not known by how much they miss each limit, where there are such."""
    return {limit: int(over[limit.word].isna().sum()) for limit in limits if over[limit.word].isna().any()}


def better(rows: pd.DataFrame, picked: pd.Series) -> pd.DataFrame:
    """Return the rows that would have been picked instead: of better standing, or of higher AP at the same."""
    ranks, own = standing(rows), standing(rows.loc[[picked.name]]).iloc[0]
    least = float("-inf") if pd.isna(picked["ap"]) else picked["ap"]
    return rows[(ranks < own) | ((ranks == own) & (numbers(rows, "ap") > least))]


def doubted(rows: pd.DataFrame, fits: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a higher AP than the best that fits, but of worse standing; none where nothing fits."""
    best = fits.head(1)
    if best.empty or best["ap"].isna().all():
        return rows.head(0)
    return rows[(standing(rows) > standing(best).iloc[0]) & (numbers(rows, "ap") > best["ap"].iloc[0])]


def alike(fits: pd.DataFrame) -> pd.DataFrame:
    """Return rows, the best first, whose AP is not told apart from that of the first of them; none without intervals.

    They are of the standing of the first: none that is less trusted, or not measured here, stands in for it.
    Those are not told apart whose difference is at most the root of the summed squares of the two half intervals
    between them. Scores of one set of images hang together, so two runs compared image by image tell more.
    """
    picked, others = fits.head(1), fits[standing(fits) == standing(fits).min()].iloc[1:]
    if not {"ap_low", "ap_high"} <= set(fits.columns) or others.empty:
        return others.head(0)
    below = float((numbers(picked, "ap") - numbers(picked, "ap_low")).iloc[0])
    margin = np.hypot(below, numbers(others, "ap_high") - numbers(others, "ap"))
    return others[(float(picked["ap"].iloc[0]) - numbers(others, "ap")).abs() <= margin]


def steps(rivals: pd.DataFrame, over: pd.DataFrame, limits: Budget) -> Iterator[Step]:
    """Yield, for each limit that alone keeps better rows away, the one of them that needs the least of it."""
    for limit in limits:
        rest = over.drop(columns=limit.word)
        alone = rivals[((rest == 0).all(axis=1) & (over[limit.word] > 0)).reindex(rivals.index)]
        if len(alone):
            first = over.loc[alone.index, limit.word].idxmin()  # of equal ones the first, that is the best
            yield Step(limit, float(alone.loc[first, limit.column]), alone.loc[first])


def nearest(rivals: pd.DataFrame, over: pd.DataFrame, limits: Budget) -> Miss | None:
    """Return the row whose worst miss is the smallest, then the smallest sum of misses, then the best."""
    missed = over.loc[rivals.index].dropna()
    missed = missed[(missed > 0).any(axis=1)]
    if missed.empty:
        return None
    order = pd.DataFrame({"worst": missed.max(axis=1), "sum": missed.sum(axis=1)}).sort_values(
        ["worst", "sum"], kind="stable"
    )
    row = rivals.loc[order.index[0]]
    broken = {limit: float(row[limit.column]) for limit in limits if missed.loc[row.name, limit.word] > 0}
    return Miss(row, broken)
