"""How much of the room of a trade-off a study covers: one number by which two studies are compared."""

from collections.abc import Sequence
from dataclasses import dataclass

import moocore
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tradeoff.analysis.comparable import candidates, complete, differences, groups, known, published, timed, trusted
from tradeoff.analysis.frontier import OBJECTIVES, losses, signs
from tradeoff.core.errors import TableError

WORDS = ("the one", "the other")
BEYOND = 1.1  # the reference of a cost lies so far beyond the dearest row, as a factor


@dataclass(frozen=True)
class Volumes:
    """The hypervolumes of two studies over one reference point.

    objectives: columns. reference: the point, one value for each. one, other: of each study; both: of all their rows.
    Each is a share of the box between the reference and the ideal, which costs nothing and has the best gains that
    either study reached, 0..1. doubts: of a study whose best rows are not trusted or not measured here, which one.
    """

    objectives: tuple[str, ...]
    reference: tuple[float, ...]
    ideal: tuple[float, ...]
    one: float
    other: float
    both: float
    doubts: tuple[str, ...] = ()


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Return the volume of what points dominate within a reference point, exactly.

    Args:
        points: (N, K) numbers, lower is better; those with a NaN, or not below the reference, add nothing.
        reference: (K,) numbers.

    Source: Guerreiro, Fonseca and Paquete 2021, "The hypervolume indicator"; computed by moocore.
    """
    matrix, corner = np.asarray(points, dtype=float), np.asarray(reference, dtype=float)
    inside = matrix[(matrix < corner).all(axis=1)]  # false for a NaN
    return float(moocore.hypervolume(inside, ref=corner)) if len(inside) else 0.0


def compare(
    one: pd.DataFrame,
    other: pd.DataFrame,
    objectives: Sequence[str] = OBJECTIVES,
    reference: Sequence[float] | None = None,
) -> Volumes:
    """Compare what two studies cover, each by its rows of the best standing.

    With time and AP, a share is the mean of the highest AP that a budget of time buys, over budgets spread evenly
    from 0 to the reference, as a part of the best AP of either study.

    Args:
        one: rows that can be compared with one another.
        other: likewise, on the same data, device, precision, batch size and protocol.
        objectives: columns; which way is better says the registry.
        reference: a value for each; by default 0 for what should be high, for a cost 1.1 × the dearest row of either.

    Raises:
        TableError: when the studies, or rows within one, cannot be compared, or one of them has no complete row.
    """
    rows = [checked(frame, objectives, word) for frame, word in zip((one, other), WORDS, strict=True)]
    if found := differences(rows[0], rows[1]):
        raise TableError(f"the studies cannot be compared; they differ in {'; '.join(found)}")
    doubts = tuple(words for frame, word in zip(rows, WORDS, strict=True) for words in doubt(frame, word))
    ways = signs(objectives)
    left, right = (losses(frame, objectives) for frame in rows)
    every = np.vstack([left, right])
    corner = ways * np.asarray(reference) if reference is not None else corner_of(every, ways)
    ideal = np.where(ways > 0, 0.0, every.min(axis=0))
    box = float(np.prod(np.maximum(corner - ideal, 0)))
    first, second, both = (hypervolume(points, corner) / box if box else 0.0 for points in (left, right, every))
    ends = plain(ways * corner), plain(ways * ideal)
    return Volumes(tuple(objectives), *ends, first, second, both, doubts)


def plain(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Return values as numbers, of which none is -0."""
    return tuple((values + 0.0).tolist())


def doubt(rows: pd.DataFrame, word: str) -> list[str]:
    """Word why the rows of a study, of one standing, do not speak for it as others would, if they do not."""
    kinds = ["not trusted"] if not trusted(rows).all() else []
    kinds += ["published, not measured here"] if published(rows).all() else []
    return [f"the rows of {word} study are {' and '.join(kinds)}"] if kinds else []


def checked(frame: pd.DataFrame, objectives: Sequence[str], word: str) -> pd.DataFrame:
    """Return the rows of a study that speak for it; refuse a study that has none, or that is several."""
    rows = complete(timed(frame), *objectives)
    if rows.empty:
        raise TableError(f"{word} study: none of {len(frame)} rows is finished and has {', '.join(objectives)}")
    parts = [title for title, _ in groups(rows)]
    if len(parts) > 1:
        raise TableError(
            f"{word} study: its rows cannot be compared with one another: {'; '.join(parts)}; choose one"
        )
    return candidates(rows)


def corner_of(every: NDArray[np.float64], ways: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a reference point for losses (N, K): nothing gained, and more paid than by the dearest."""
    return np.where(ways > 0, BEYOND * every.max(axis=0), 0.0)


def tried(one: pd.DataFrame, other: pd.DataFrame) -> str:
    """Word by how much of AP against time two tables cover, or why that cannot be said."""
    try:
        return told(compare(one, other))
    except TableError as error:
        return f"hypervolume: not said; {error}"


def told(volumes: Volumes) -> str:
    """Word a comparison with its reference point."""
    named = [(known(name), value) for name, value in zip(volumes.objectives, volumes.reference, strict=True)]
    corner = ", ".join(
        f"{column.name} {value:.4g}{f' {column.unit}' if column.unit else ''}" for column, value in named
    )
    return (
        f"hypervolume, as a share of the box up to the reference ({corner}): "
        f"{volumes.one:.4f} against {volumes.other:.4f}; both together {volumes.both:.4f}"
        + "".join(f"; but {words}" for words in volumes.doubts)
    )
