"""The frontier of many rows beside one sort of them, in turns: what cannot be beaten is a sort.

1,000,000 points in two objectives and 100,000 in three, at random, and all on the frontier, which is the worst.
Prints for each the seconds of processor time and the ratio to `numpy.lexsort` of the points, writes them to
results/measured/frontier.csv, and ends in JSON. Exit code 1 where a bar is missed:
  at most 1 s in two objectives, 10 s in three.
"""

import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from bars import MEASURED, Row, ended, judged, write
from numpy.typing import NDArray

from tradeoff.analysis.frontier import nondominated

TABLE = MEASURED / "frontier.csv"
ROUNDS = 5
MOST_S = {2: 1.0, 3: 10.0}  # by the number of objectives
Points = NDArray[np.float64]


def main() -> int:
    """Measure in turns, print and write; return the exit code."""
    rows = [measured(name, points) for name, points in cases().items()]
    write(TABLE, rows)
    return ended(TABLE, rows)


def measured(name: str, points: Points) -> Row:
    """Return the median seconds of the frontier and of a sort, and of the ratio of each round."""
    rounds = [(seconds(nondominated, points), seconds(lambda p: np.lexsort(p.T), points)) for _ in range(ROUNDS)]
    ours, sort = (median(times) for times in zip(*rounds, strict=True))
    times_of_a_sort = round(median(one / other for one, other in rounds), 2)
    row = {"points": name, "frontier_s": round(ours, 4), "sort_s": round(sort, 4), "times_of_a_sort": times_of_a_sort}
    return judged(row, frontier_s=("<=", MOST_S[points.shape[1]]))


def cases() -> dict[str, Points]:
    """Return the points by what they are."""
    random = np.random.default_rng(0)
    flat, solid = random.random((1_000_000, 2)), random.random((100_000, 3))
    return {
        "1e6 in 2, random": flat,
        "1e6 in 2, all on it": np.column_stack([flat[:, 0], -flat[:, 0]]),
        "1e5 in 3, random": solid,
        "1e5 in 3, all on it": np.column_stack([solid[:, :2], -solid[:, :2].sum(axis=1)]),
    }


def seconds(call: Callable[[Points], object], points: Points) -> float:
    """Return the processor time of one call."""
    begin = time.process_time()
    call(points)
    return time.process_time() - begin


if __name__ == "__main__":
    sys.exit(main())
