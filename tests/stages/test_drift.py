"""Drift: a number in every row, told from one time for each machine, and a reason where it is large."""

import json

import pytest
import torch

from tests.probes.fakes import FakeClock
from tradeoff.core.machine import Machine
from tradeoff.core.store import Context, Store, fetch
from tradeoff.probes import reference
from tradeoff.run import enumerate_cells
from tradeoff.stages.costs import drift

CPU = torch.device("cpu")
WORDS = ["extractor=tiny", "meta_arch=ssd", "size=64", "train=none", "measure.max_s=0.2", "measure.images=1"]


def measured(store: Store, *words: str, name: str = "a CPU"):
    ((cell, _),) = enumerate_cells([*WORDS, *words])
    stage = cell.stages(Machine("cpu", name, "2.15", "0.30")).measure
    return fetch(stage, Context(store)), store.folder(stage)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Script what the reference work takes, ms, call after call; the last time stays."""
    script: list[float] = []

    def times_ms(device: torch.device, seconds: float = 0.3) -> list[float]:
        time = script.pop(0) if len(script) > 1 else script[0]
        return [time, 0.9 * time, 5 * time]

    monkeypatch.setattr(reference, "times_ms", times_ms)
    return script


def test_the_first_cell_sets_the_time_that_later_ones_are_told_from(machine, tmp_path):
    store = Store(tmp_path)
    machine[:] = [14.0, 10.5, 10.0, 10.2, 11.0, 10.0, 10.2, 10.4, 11.5]  # five takes, of which the best counts
    first, _ = measured(store)
    assert first["drift_pct"] == pytest.approx(2.0)
    assert first["reference_ms"] == pytest.approx(10.1)
    second, folder = measured(store, "seed=1")  # 10.4 before, 11.5 after: the further one of 10
    assert second["drift_pct"] == pytest.approx(15.0)
    assert second["trusted"] is False
    assert "15 % slower around this cell" in second["reasons"]
    assert json.loads((folder / "drift_end.json").read_text())["usual_ms"] == 10.0
    assert len(json.loads((folder / "drift_begin.json").read_text())["samples_ms"]) == 3


def test_a_cell_that_is_there_keeps_its_drift(machine, tmp_path):
    machine[:] = [10.0]
    first, _ = measured(Store(tmp_path))
    machine[:] = [20.0]
    again, _ = measured(Store(tmp_path))
    assert again["drift_pct"] == first["drift_pct"] == 0.0


def test_another_machine_has_a_time_of_its_own(machine, tmp_path):
    machine[:] = [10.0]
    measured(Store(tmp_path))
    machine[:] = [20.0]
    other, _ = measured(Store(tmp_path), name="another CPU")
    assert other["drift_pct"] == 0.0


@pytest.mark.parametrize(
    ("begin", "end", "drift_pct"),
    [(10.0, 10.0, 0.0), (12.0, 10.0, 20.0), (10.0, 12.0, 20.0), (8.0, 12.0, -20.0), (9.0, 11.0, -10.0)],
)
def test_the_time_that_is_further_from_the_usual_one_counts(begin, end, drift_pct):
    # as factors: 10 / 8 = 1.25 is further than 12 / 10 = 1.2, and 10 / 9 = 1.11 than 1.1
    assert drift.further(10.0, begin, end) == pytest.approx(drift_pct)


def test_reasons_say_what_to_do_and_small_drift_has_none():
    assert drift.reasons(10.0) == drift.reasons(-10.0) == []
    assert "10 % slower" in drift.reasons(10.4)[0]
    assert "12 % faster" in drift.reasons(-12.0)[0]
    assert "cache/reference" in drift.reasons(-12.0)[0]


def test_the_work_is_done_for_as_long_as_asked_and_five_times_at_least(monkeypatch: pytest.MonkeyPatch):
    clock = FakeClock()
    monkeypatch.setattr(reference, "workload", lambda device: lambda: clock.advance(20.0))
    assert reference.times_ms(CPU, clock_ns=clock) == [20.0] * 15  # 0.3 s
    monkeypatch.setattr(reference, "workload", lambda device: lambda: clock.advance(500.0))
    assert reference.times_ms(CPU, clock_ns=clock) == [500.0] * 5


def test_the_work_is_in_full_precision_whatever_it_stands_in():
    seen = []
    torch.backends.cudnn.allow_tf32 = True
    with torch.autocast("cpu", torch.bfloat16), reference.full_precision(CPU):
        seen.append((torch.mm(torch.ones(2, 2), torch.ones(2, 2)).dtype, torch.backends.cudnn.allow_tf32))
    assert seen == [(torch.float32, False)]
    assert torch.backends.cudnn.allow_tf32 is True
    torch.backends.cudnn.allow_tf32 = False


def test_the_work_is_real_and_as_large_as_it_says():
    from tradeoff.probes.flops import count

    # 64·64·9·56² + 128·128·9·28² + 256·256·9·14² + 512³ = 3 · 115 605 504 + 134 217 728
    assert count(reference.workload(CPU)).macs == 481_034_240
