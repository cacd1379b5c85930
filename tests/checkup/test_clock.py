"""A good clock passes; a coarse, a dead, a fast and a slow one do not."""

import time
from itertools import count

import pytest

from tests.probes.fakes import FakeClock
from tradeoff.checkup import clock


def ticking(step_ns, every=1):
    readings = count()
    return lambda: next(readings) // every * step_ns


@pytest.mark.parametrize(
    ("clock_ns", "state", "step_ns"),
    [
        (ticking(50), "right", 50),
        (ticking(900, every=20), "right", 900),
        (ticking(15_600_000, every=5000), "wrong", 15_600_000),  # Windows' old tick of 15.6 ms
        (ticking(0), "wrong", 0),
    ],
)
def test_a_clock_is_right_when_it_ticks_finely(clock_ns, state, step_ns):
    found = clock.resolution(clock_ns)
    assert found.state == state
    assert found.numbers["step_ns"] == step_ns
    assert bool(found.advice) == (state == "wrong")


def test_a_clock_that_runs_backwards_is_wrong():
    readings = iter([*range(0, 1_000_000, 100), *range(0, 1_000_000, 100)])
    assert clock.resolution(lambda: next(readings)).state == "wrong"


@pytest.mark.parametrize(("reading_ns", "state"), [(300, "right"), (3000, "wrong")])
def test_what_the_harness_adds_is_what_nothing_takes(reading_ns, state):
    found = clock.overhead(ticking(reading_ns))
    assert found.state == state
    assert found.numbers["added_us"] >= reading_ns / 1000


@pytest.mark.parametrize("known_ms", clock.KNOWN_MS)
@pytest.mark.parametrize(
    ("rate", "state"), [(1.0, "right"), (1.004, "right"), (0.996, "right"), (1.006, "wrong"), (0.99, "wrong")]
)
def test_a_known_duration_is_to_be_read_within_half_a_percent(known_ms, rate, state):
    fake = FakeClock()
    found = clock.duration(known_ms, fake, lambda milliseconds: fake.advance(rate * milliseconds))
    assert found.state == state
    assert found.numbers["read_ms"] == pytest.approx(rate * known_ms, rel=1e-5)


@pytest.mark.parametrize(("samples", "state"), [(10, "wrong"), (11, "right")])
def test_a_median_of_few_samples_is_no_proof(monkeypatch, samples, state):
    monkeypatch.setattr(clock, "_timed", lambda *given: [1.0] * samples)
    assert clock.duration(1.0).state == state
    monkeypatch.setattr(clock, "_timed", lambda *given: [0.0002] * samples)
    assert clock.overhead().state == state


def test_spinning_takes_no_less_than_it_says():
    begin_ns = time.perf_counter_ns()
    clock.spin_ms(5.0)
    assert time.perf_counter_ns() - begin_ns >= 4_990_000  # another clock: up to 0.05 % apart
