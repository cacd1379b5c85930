"""Order statistics against exact binomial sums and the tables of MLPerf."""

import math
import random
import statistics
from fractions import Fraction

import pytest

from tradeoff.probes.order_statistics import (
    confident_rank,
    median_interval,
    median_precision,
    quartiles,
    upper_quantile,
)


def _rank_by_exact_fractions(count: int, tail: Fraction, level: Fraction) -> int:
    """Independent reference: sums of binomial terms without rounding."""
    cumulative = Fraction(0)
    for rank in range(count + 1):
        cumulative += math.comb(count, rank) * tail**rank * (1 - tail) ** (count - rank)
        if cumulative > level:
            return rank
    return count


@pytest.mark.parametrize(("tail", "level"), [("1/2", "1/40"), ("1/10", "1/100"), ("1/100", "1/100")])
def test_rank_equals_exact_binomial_sums(tail: str, level: str):
    for count in [*range(1, 60), 100, 130, 400, 662]:
        expected = _rank_by_exact_fractions(count, Fraction(tail), Fraction(level))
        assert confident_rank(count, float(Fraction(tail)), float(Fraction(level))) == expected


def test_rank_of_many_samples_is_the_normal_one():
    # (n - 1.96 sqrt n) / 2 = (100 000 - 619.8) / 2 = 49 690.1
    assert confident_rank(100_000, 0.5, 0.025) == pytest.approx(49_690, abs=2)


@pytest.mark.parametrize(("count", "low", "high"), [(6, 1, 6), (30, 10, 21), (100, 40, 61)])
def test_interval_of_the_median_has_the_tabulated_ranks(count: int, low: int, high: int):
    # 6 samples: all on one side of the median with probability 2 / 2^6 = 3.1 %, so the extremes hold it
    samples = list(range(1, count + 1))
    random.Random(0).shuffle(samples)
    assert median_interval(samples) == (low, high)


def test_five_samples_give_no_interval():
    assert median_interval([1.0] * 5) is None
    assert median_precision([1.0] * 5) == math.inf
    assert median_precision([]) == math.inf


def test_precision_is_the_wider_side_of_the_interval():
    # six samples: interval 8..13, median 10: 2/10 below, 3/10 above
    assert median_precision([8.0, 9.0, 10.0, 10.0, 12.0, 13.0]) == pytest.approx(0.3)


def test_precision_of_a_zero_median_is_unknown():
    assert median_precision([0.0] * 50) == math.inf


@pytest.mark.parametrize(("fraction", "fewest"), [(0.5, 11), (0.9, 64), (0.95, 130), (0.99, 662)])
def test_a_percentile_needs_its_number_of_samples(fraction: float, fewest: int):
    # p90, 64 samples: P(0 or 1 above) = .9^64 + 64 * .1 * .9^63 = .0012 + .0084 < 1 %; with 63 it is 1.05 %
    assert upper_quantile([1.0] * (fewest - 1), fraction) is None
    samples = [float(i) for i in range(fewest)]
    assert upper_quantile(samples, fraction) == fewest - 2  # the highest is dropped


def test_upper_quantile_is_above_the_true_one_in_ninety_nine_of_a_hundred():
    source = random.Random(1)
    above = sum(upper_quantile([source.random() for _ in range(100)], 0.9) >= 0.9 for _ in range(1000))
    assert above >= 980  # expected 990 or more, standard deviation 3.1


def test_a_quantile_of_samples_that_are_alike_is_told_higher_or_not_at_all():
    samples = [float(value) for value in range(1, 201)]
    assert upper_quantile(samples, 0.9) == 190  # of 20 above it, 11 surely are
    assert upper_quantile(samples, 0.9, 2.0) == 194  # 11 - 9 * 0.414 = 7.3
    assert upper_quantile(samples, 0.9, 4.0) == 199  # 11 - 9 = 2
    assert upper_quantile(samples, 0.9, 4.1) is None


def test_interval_covers_the_median_although_stopped_when_narrow():
    source = random.Random(2)
    covered = 0
    for _ in range(400):
        samples = [source.lognormvariate(0, 0.2) for _ in range(30)]
        while median_precision(samples) > 0.05 and len(samples) < 300:
            samples += [source.lognormvariate(0, 0.2) for _ in range(10)]
        low, high = median_interval(samples)
        covered += low <= 1.0 <= high
    assert covered >= 360  # 95 % meant, 90 % asked


def test_quartiles_are_those_of_numpy():
    import numpy as np

    samples = [random.Random(3).gauss(10, 2) for _ in range(37)]
    assert quartiles(samples) == pytest.approx(tuple(np.percentile(samples, [25, 75])))
    assert quartiles([4.0]) == (4.0, 4.0)
    assert statistics.median(samples) >= quartiles(samples)[0]
