"""When samples suffice, on streams that are made up: no clock is needed."""

import math
import random

import pytest

from tradeoff.probes.limits import Limits
from tradeoff.probes.stopping import Stopping, needed_s, unmet


def limits(**changes):
    asked = {"max_s": 60.0, "min_samples": 20, "warmup_iterations": 3, "warmup_s": 0.0, "precision": 0.01}
    return Limits(**{**asked, **changes})


def fed(stream, *, inputs=1, left_s=math.inf, most=20_000, second_per_sample=0.01, **changes):
    """Feed a stream and return why it stopped, and after how many samples; None for neither."""
    stopping, samples = Stopping(limits(**changes), inputs), []
    for sample in stream:
        samples.append(sample)
        if len(samples) < stopping.look_at:
            continue
        why = stopping.look(samples, second_per_sample * len(samples), left_s)
        if why:
            return why, len(samples)
        if len(samples) >= most:
            break
    return None, len(samples)


def noisy(deviation, seed=0):
    source = random.Random(seed)
    while True:
        yield source.gauss(10, deviation)


def forever(value):
    while True:
        yield value


def test_a_constant_stops_with_the_fewest_samples():
    assert fed(forever(10.0)) == ("precision", 20)


def test_the_fewest_samples_are_whole_rounds():
    assert fed(forever(10.0), inputs=7) == ("precision", 21)
    assert fed(forever(10.0), inputs=64) == ("precision", 64)


def test_the_least_time_is_kept():
    why, count = fed(forever(10.0), min_s=1.0)  # 100 samples of 10 ms
    assert why == "precision"
    assert 100 <= count <= 115


def test_noise_stops_near_the_number_that_its_size_asks_for():
    # the interval's half-width is 1.96 * 1.2533 * 3 % / sqrt(n) = 1 % at n = 54; of 2 % for n = 24 and 0.5 % for 217
    counts = sorted(fed(noisy(0.3, seed))[1] for seed in range(21))
    assert 30 < counts[10] < 110


@pytest.mark.parametrize("left_s", [0.0, 1.0, 5.0])
def test_noise_that_is_too_much_for_the_time_ends_it(left_s):
    # 10 % noise: 0.1 % is known after 1.96² × 1.57 × 10,000 = 60,000 samples or 600 s
    ends = [fed(noisy(1.0, seed), left_s=left_s, precision=0.001) for seed in range(9)]
    assert {why for why, _ in ends} == {"noise"}
    assert sorted(count for _, count in ends)[4] < 600


def test_noise_that_time_can_average_away_goes_on():
    assert fed(noisy(1.0, 3), left_s=60.0)[0] == "precision"


def test_a_few_samples_say_nothing_of_the_noise():
    assert fed(noisy(1.0), left_s=0.0, most=5, min_samples=1) == (None, 5)


def test_noise_that_grows_has_not_settled():
    source = random.Random(1)
    growing = (source.gauss(100, 0.2 * 1.02**i) for i in range(400))
    assert fed(growing, left_s=0.0, precision=0.0001, most=200)[0] is None


@pytest.mark.parametrize("value", [0.0, math.inf, math.nan])
def test_samples_that_mean_nothing_never_suffice(value):
    assert fed(forever(value), left_s=0.0, most=500)[0] is None


def test_what_was_not_met_is_listed():
    samples = [9.0, 11.0, 10.0, 11.0, 9.0] * 4  # ranks 6 and 15 of 20 are 9 and 11: ±10 %
    asked = limits(min_s=0.5)
    assert unmet([10.0] * 20, 1, asked, 0.5, is_steady=False) == []
    assert unmet(samples, 1, asked, 0.5, is_steady=True) == ["precision ±10 % > ±1 %"]
    assert unmet(samples, 1, asked, 0.5, is_steady=False) == ["precision ±10 % > ±1 %", "noise not settled"]
    assert unmet([10.0] * 6, 1, asked, 0.061, is_steady=False) == ["6 samples < 20", "0.061 s < 0.5 s"]
    assert "precision unknown > ±1 %" in unmet([10.0] * 5, 1, asked, 0.5, is_steady=True)


def test_twice_as_precise_takes_four_times_as_long():
    assert needed_s(3.0, reached=0.02, wanted=0.01) == 12.0
