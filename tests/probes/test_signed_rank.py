"""Walsh averages against the list of all of them, ranks against the exact distribution, intervals against a truth."""

import numpy as np
import pytest

from tradeoff.probes.signed_rank import centre, critical_rank, walsh_average


def walsh_averages(values: np.ndarray) -> np.ndarray:
    """Return the means of all pairs, each value with itself included, in order."""
    first, second = np.triu_indices(len(values))
    return np.sort((values[first] + values[second]) / 2)


def exact_rank(count: int, wrong: float = 0.05) -> int:
    """Return the largest rank whose interval misses the centre with a probability of `wrong` at most.

    The sums of signed ranks are enumerated: each rank 1..n is positive or not, so the number of ways to a sum is a
    coefficient of the product of (1 + x^rank).
    """
    ways = np.ones(1)
    for rank in range(1, count + 1):
        ways = np.convolve(ways, np.bincount([0, rank]))
    below = np.cumsum(ways) / ways.sum()  # P(sum <= s)
    return int(np.searchsorted(below, wrong / 2, side="right"))


@pytest.mark.parametrize("count", [10, 11, 64, 301])
def test_estimate_and_ends_are_walsh_averages(count):
    values = np.random.default_rng(count).standard_t(2, count)
    every, rank = walsh_averages(values), critical_rank(count)
    estimate, low, high = centre(values)
    assert estimate == pytest.approx(np.median(every), abs=1e-10)
    assert low == pytest.approx(every[rank - 1], abs=1e-10)
    assert high == pytest.approx(every[-rank], abs=1e-10)


def test_every_rank_of_a_few_values_with_ties_is_found():
    values = np.array([-3.0, -1.0, -1.0, 0.0, 2.0, 2.0, 5.0])
    every = walsh_averages(values)
    found = [walsh_average(values, rank) for rank in range(1, len(every) + 1)]
    assert found == pytest.approx(every.tolist(), abs=1e-10)


@pytest.mark.parametrize("wrong", [0.05, 0.025])
def test_ranks_never_claim_more_than_the_exact_distribution_and_little_less(wrong):
    for count in range(10, 61):
        assert exact_rank(count, wrong) - 2 <= critical_rank(count, wrong) <= exact_rank(count, wrong)
    assert exact_rank(12) == 14  # tables of Wilcoxon's test: 13 is the critical value of 12 at 5 %, both sides


def test_equal_differences_are_known_exactly():
    assert centre([0.25] * 10) == (0.25, 0.25, 0.25)


def test_one_wild_value_moves_little():
    calm = list(np.random.default_rng(0).normal(0, 0.01, 50))
    assert abs(centre([*calm, 1000.0])[0] - centre(calm)[0]) < 0.002


def test_too_few_differences_are_refused():
    with pytest.raises(ValueError, match="got 9 differences, expected at least 10"):
        centre([0.0] * 9)


@pytest.mark.parametrize("count", [12, 100])
def test_signs_drawn_anew_are_all_that_coverage_needs(count):
    """The sizes are as unfair as can be: heavy tails, and slow phases that hold for many neighbours."""
    generator, missed = np.random.default_rng(1), 0
    for _ in range(1000):
        phases = np.repeat(generator.pareto(1.0, count // 4), 4) + 0.01
        sizes = phases * generator.random(count)
        _, low, high = centre(0.3 + sizes * generator.choice([-1, 1], count))
        missed += not low <= 0.3 <= high
    # 5 % of 1000 is 50, with a deviation of 7: three of them either way, and fewer misses where ranks are coarse
    assert 20 <= missed <= 71
