"""Intervals of the median hold it as often as they say, though neighbouring samples are alike."""

import math
import random
from itertools import pairwise

import pytest

from tradeoff.probes.correlation import inflation
from tradeoff.probes.doubts import doubts
from tradeoff.probes.limits import Limits
from tradeoff.probes.order_statistics import median_interval, upper_quantile
from tradeoff.probes.stopping import Stopping

LIMITS = Limits(max_s=60, min_samples=20, warmup_iterations=0, warmup_s=0, precision=0.02)


def stream(source: random.Random, count: int, rho: float, scatter: float = 0.1) -> list[float]:
    """Return an autoregressive stream of median 1; each logarithm is rho times the one before, and noise."""
    values = [source.gauss(0, 1)]
    while len(values) < count:
        values.append(rho * values[-1] + math.sqrt(1 - rho**2) * source.gauss(0, 1))
    return [math.exp(scatter * value) for value in values]


def covered(samples: list[float]) -> bool:
    low, high = median_interval(samples, inflation(samples))
    return low <= 1 <= high


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
@pytest.mark.parametrize("count", [60, 400])
def test_the_interval_covers_the_median_of_samples_that_are_alike(rho, count):
    source = random.Random(11)
    assert sum(covered(stream(source, count, rho)) for _ in range(300)) >= 270  # as independent, 77 % at 0.6


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
def test_the_interval_covers_the_median_where_timing_stops_as_soon_as_it_is_narrow(rho):
    source, held = random.Random(12), 0
    for _ in range(120):
        samples, stopping = stream(source, 3000, rho), Stopping(LIMITS, 1)
        count = stopping.look_at
        while stopping.look(samples[:count], 0.01 * count, 60.0) != "precision":
            count = stopping.look_at
        held += covered(samples[:count])
    assert held >= 108


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
def test_a_quantile_of_samples_that_are_alike_is_below_what_is_told_as_often_as_it_says(rho):
    source, p90 = random.Random(18), math.exp(0.1 * 1.2816)
    streams = [stream(source, 400, rho) for _ in range(300)]
    told = [upper_quantile(samples, 0.9, inflation(samples)) for samples in streams]
    assert sum(value is None or value >= p90 for value in told) >= 290  # of 300; as independent 277 at 0.6
    assert sum(value is not None for value in told) >= 240


def test_inflation_is_what_the_correlation_of_signs_makes_it():
    # normal variables that correlate to c have signs that correlate to 2/π·asin(c); for rho 0.6, 1 + 2 Σ = 2.96
    truth = 1 + 2 * sum(2 / math.pi * math.asin(0.6**lag) for lag in range(1, 40))
    samples = stream(random.Random(13), 40_000, 0.6)
    assert inflation(samples) == pytest.approx(truth, rel=0.08)
    assert inflation(random.Random(14).sample(samples, len(samples))) == pytest.approx(1, abs=0.05)


def test_inputs_that_differ_are_no_correlation_and_their_noise_is_found_among_them():
    costs = [10.0, 10.2, 10.4, 10.6, 14.0, 14.2, 14.4, 14.6]
    noise = stream(random.Random(15), 800, 0.8, scatter=0.01)
    blurred = stream(random.Random(15), 800, 0.8, scatter=0.5)
    assert inflation([costs[i % 8] * noise[i] for i in range(800)], 8) == 1.0  # half above the median, half below
    assert inflation([costs[i % 8] * noise[i] for i in range(800)]) > 1.5  # as if they were one input
    assert inflation([costs[i % 8] * blurred[i] for i in range(800)], 8) > 3


def test_few_or_equal_samples_are_taken_as_independent():
    assert inflation([]) == inflation([1.0]) == inflation([5.0] * 50) == inflation([1.0, 2.0] * 50) == 1.0


def test_a_wider_interval_keeps_its_middle_and_ends_where_samples_do():
    samples = [float(value) for value in range(1, 101)]
    assert median_interval(samples) == (40, 61)
    assert median_interval(samples, 4) == (29, 72)  # 50.5 - 2 * 10.5 = 29.5
    assert median_interval(samples, 25) == (1, 100)
    assert median_interval(samples[:5], 1) is None
    widths = [high - low for low, high in (median_interval(samples, 1 + step) for step in range(10))]
    assert all(narrow <= wide for narrow, wide in pairwise(widths))


def test_precision_that_likeness_takes_away_is_doubted_and_an_ordinary_timing_is_not():
    samples = stream(random.Random(16), 200, 0.9)
    assert any("only, not to ±2 %" in reason for reason in doubts(samples, 1, limits=LIMITS, spent_s=2.0))
    slow = [10.0 + 0.0015 * index for index in range(200)]  # one long wave, but within ±1.5 % of its median
    assert doubts(slow, 1, limits=LIMITS, spent_s=2.0) == []
    slow = [10.0 + 0.003 * index for index in range(200)]  # ±2.9 %
    assert any("±2.9 % only" in reason for reason in doubts(slow, 1, limits=LIMITS, spent_s=2.0))
    noise = stream(random.Random(17), 800, 0.3)
    ordinary = [(8.0, 9.0, 10.0, 11.0)[index % 4] * noise[index] for index in range(800)]
    assert doubts(ordinary, 4, limits=LIMITS, spent_s=8.0) == []
