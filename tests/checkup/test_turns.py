"""The comparison is right when the same is the same and 5 % is found; blindness and noise are not."""

import random
from contextlib import nullcontext

import pytest
import torch

from tests.probes.fakes import FakeClock, FakeCuda
from tradeoff.checkup import turns
from tradeoff.probes.paired import Ratio

SAME = Ratio(1.001, 0.997, 1.005, "SAME")
MORE = Ratio(1.049, 1.045, 1.053, "SLOW")


def results(noise):
    """Units of 0.05 ms, each with noise of its own."""
    fake, draw = FakeClock(), random.Random(3)
    found = turns.told(lambda: fake.advance(0.05 * (1 + noise * abs(draw.gauss(0, 1)))), fake, longest_s=3.0)
    return {result.name: result for result in found}


@pytest.mark.parametrize("noise", [0.0, 0.3])
def test_a_machine_that_can_compare_is_right(noise):
    found = results(noise)
    assert found["A/A"].state == found["+5 %"].state == "right"
    assert found["A/A"].numbers["ratio"] == pytest.approx(1.0, abs=0.01)
    assert found["+5 %"].numbers["ratio"] == pytest.approx(1.05, abs=0.01)


def test_a_gpu_is_compared_by_what_it_does_and_waited_for(monkeypatch):
    queue = FakeCuda(FakeClock(), monkeypatch)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    monkeypatch.setattr(torch.cuda, "_sleep", lambda cycles: queue.step(0.005, cycles / 1.7e6)(None))
    gpu = torch.device("cuda:0")
    same, more = turns.told(turns.unit_of(gpu), queue.clock, longest_s=3.0, device=gpu)
    assert same.state == more.state == "right"
    given = []
    monkeypatch.setattr(turns, "told", lambda unit, device: given.append(device) or [])
    list(turns.check(gpu))
    assert given == [gpu]


def test_a_machine_too_noisy_to_tell_is_wrong():
    assert results(20.0)["+5 %"].state == "wrong"


@pytest.mark.parametrize(
    ("same", "more", "states"),
    [
        (SAME, MORE, ["right", "right"]),
        (Ratio(1.004, 0.99, 1.02, "CANNOT TELL"), MORE, ["right", "right"]),
        (Ratio(1.03, 0.97, 1.09, "CANNOT TELL"), MORE, ["wrong", "right"]),
        (Ratio(1.009, 1.006, 1.012, "SLOW"), MORE, ["wrong", "right"]),
        (Ratio(0.95, 0.94, 0.96, "FAST"), MORE, ["wrong", "right"]),
        (SAME, Ratio(1.05, 0.98, 1.12, "CANNOT TELL"), ["right", "wrong"]),
        (SAME, Ratio(1.0, 0.997, 1.003, "SAME"), ["right", "wrong"]),
        (SAME, Ratio(1.08, 1.07, 1.09, "SLOW"), ["right", "wrong"]),
        (SAME, Ratio(0.95, 0.94, 0.96, "FAST"), ["right", "wrong"]),
    ],
)
def test_each_ratio_is_judged_by_itself(same, more, states):
    found = turns.verdicts(same, more)
    assert [result.state for result in found] == states
    assert all(bool(result.advice) == (result.state == "wrong") for result in found)
