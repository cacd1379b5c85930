"""The centre of symmetric differences, and an interval that needs nothing but their symmetry.

The estimate is the median of all means of two (Walsh averages), the interval lies between two of these, chosen by the
distribution of Wilcoxon's signed ranks. It uses signs and ranks alone, so bursts and heavy tails weigh little, and
it is right whenever each difference is as likely to fall on one side of the centre as on the other, whatever its size
and whatever its neighbours did.

Source: Hodges and Lehmann 1963; Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, section 3.2-3.3.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

FEWEST = 10  # from here on the normal distribution stands for the exact one
HALVINGS = 40  # of the bracket: 1e-12 of its width


def centre(differences: Sequence[float], wrong: float = 0.05) -> tuple[float, float, float]:
    """Return the estimate of the centre and the two ends of its interval, which misses it with a probability `wrong`.

    Raises: ValueError: fewer than 10 differences.
    """
    count = len(differences)
    if count < FEWEST:
        raise ValueError(f"centre: got {count} differences, expected at least {FEWEST}")
    ordered = np.sort(np.asarray(differences, dtype=float))
    means, rank = count * (count + 1) // 2, critical_rank(count, wrong)
    low, high = walsh_average(ordered, rank), walsh_average(ordered, means + 1 - rank)
    estimate = (walsh_average(ordered, (means + 1) // 2) + walsh_average(ordered, means // 2 + 1)) / 2
    return estimate, low, high


def critical_rank(count: int, wrong: float = 0.05) -> int:
    """Return which Walsh average, counted from an end, is the end of the interval: at 5 % and of 12 values the 14th.

    It is the normal distribution's with the correction for whole numbers, never above that of the exact distribution.
    """
    deviation = math.sqrt(count * (count + 1) * (2 * count + 1) / 24)
    return math.floor(count * (count + 1) / 4 - NormalDist().inv_cdf(1 - wrong / 2) * deviation - 0.5) + 1


def walsh_average(ordered: np.ndarray, rank: int) -> float:
    """Return the mean of two values, a value with itself included, that has a rank among all such means.

    Halves the bracket between the lowest and the highest until nothing lies in it, and so needs no list of all means.

    Args:
        ordered: (N,) float, ascending.
        rank: 1..N (N + 1) / 2.
    """
    low, high = float(ordered[0]), float(ordered[-1])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if means_up_to(ordered, middle) >= rank:
            high = middle
        else:
            low = middle
    return high


def means_up_to(ordered: np.ndarray, limit: float) -> int:
    """Count the means of two values that are at most a limit."""
    partners = np.searchsorted(ordered, 2 * limit - ordered, side="right") - np.arange(len(ordered))
    return int(np.maximum(partners, 0).sum())
