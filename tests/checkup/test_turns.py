"""The comparison is right when the same is the same and 5 % is found; blindness and noise are not."""

import random

import pytest

from tests.probes.fakes import FakeClock
from tradeoff.checkup import turns


def results(noise, seen=1.0):
    """Turns of 2 ms with Gaussian noise; of what the slower work takes longer, a part is seen."""
    fake, draw = FakeClock(), random.Random(3)

    def work():
        fake.advance(2.0 * (1 + noise * abs(draw.gauss(0, 1))))

    found = turns.told(work, lambda milliseconds: fake.advance(seen * milliseconds), fake, longest_s=6.0)
    return {result.name: result for result in found}


@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
def test_a_machine_that_can_compare_is_right(noise):
    found = results(noise)
    assert found["A/A"].state == "right"
    assert found["A/A"].numbers["ratio"] == pytest.approx(1.0, abs=0.01)
    assert found["+5 %"].state == "right"
    assert found["+5 %"].numbers["ratio"] == pytest.approx(1.05, abs=0.015)


@pytest.mark.parametrize("seen", [0.0, 0.5, 2.0])
def test_what_is_not_seen_in_full_is_wrong(seen):
    found = results(0.02, seen)
    assert found["A/A"].state == "right"
    assert found["+5 %"].state == "wrong"
    assert found["+5 %"].advice


def test_a_machine_too_noisy_to_tell_is_wrong():
    assert results(3.0)["+5 %"].state == "wrong"
