"""The frontier of many rows beside one sort of them, in turns: what cannot be beaten is a sort.

1,000,000 points in two objectives and 100,000 in three, at random, and all on the frontier, which is the worst.
Prints for each the seconds of processor time. The last line, JSON, has the ratios to `numpy.lexsort` of the points.
"""

import json
import time
from collections.abc import Callable
from statistics import median

import numpy as np
from numpy.typing import NDArray

from tradeoff.analysis.frontier import nondominated

ROUNDS = 5
Points = NDArray[np.float64]


def main() -> None:
    """Measure in turns and print."""
    ratios = {}
    for name, points in cases().items():
        rounds = [(seconds(nondominated, points), seconds(lambda p: np.lexsort(p.T), points)) for _ in range(ROUNDS)]
        ours, sort = (median(times) for times in zip(*rounds, strict=True))
        ratios[name] = round(median(one / other for one, other in rounds), 2)
        print(f"{name}: frontier {ours:.3f} s, sort {sort:.3f} s")
    print(json.dumps({"times_of_a_sort": ratios}))


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
    main()
