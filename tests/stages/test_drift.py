"""Drift: a number in every row, told from one time for each machine, and a reason where it is large."""

import json
import math
import random
import statistics
from types import SimpleNamespace

import pytest
import torch

from tests.probes.fakes import FakeClock
from tradeoff.core.machine import Machine
from tradeoff.core.store import Context, Store, fetch
from tradeoff.probes import reference
from tradeoff.run import enumerate_cells
from tradeoff.stages import reference as usual_of_folder
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

    def takes_ms(device: torch.device) -> list[list[float]]:
        time = script.pop(0) if len(script) > 1 else script[0]
        return [[2 * time], [time, 0.9 * time, 5 * time], [1.5 * time]]

    monkeypatch.setattr(reference, "takes_ms", takes_ms)
    return script


def test_the_first_cell_sets_the_time_that_later_ones_are_told_from(machine, tmp_path):
    store = Store(tmp_path)
    machine[:] = [14.0, 9.5, 10.0, 9.8, 11.0, 10.0, 10.404, 10.0, 14.4]  # five readings, of which the median counts
    first, _ = measured(store)
    assert first["drift_pct"] == pytest.approx(2.0)  # 10.2² = 10 * 10.404
    assert first["reference_ms"] == pytest.approx(10.2)
    second, folder = measured(store, "seed=1")  # 12² = 10 * 14.4
    assert second["drift_pct"] == pytest.approx(20.0)
    assert second["trusted"] is False
    assert "20 % slower around this cell" in second["reasons"]
    kept = json.loads((folder / "drift_end.json").read_text())
    assert kept["usual_ms"] == 10.0
    assert kept["takes_ms"][1] == [14.4, 0.9 * 14.4, 5 * 14.4]


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


@pytest.mark.parametrize(("scatter", "failed"), [(0.03, 0.001), (0.05, 0.01)])
def test_a_machine_that_never_drifts_is_not_said_to(scatter, failed, monkeypatch: pytest.MonkeyPatch, tmp_path):
    """Takes of the same work, whose medians scatter; folders of four rows each, each with a usual time of its own.

    The least of three normal variables deviates by 0.75 of one, the mean of two such by 0.53, the median of five by
    0.40: in all 0.66, of 3 % that is 2.0 %, whose median is 1.34 %, and 10 % is five of it.
    """
    source = random.Random(5)

    def takes_ms(device: torch.device) -> list[list[float]]:
        return [[10 * math.exp(source.gauss(0, scatter))] for _ in range(reference.TAKES)]

    monkeypatch.setattr(reference, "takes_ms", takes_ms)
    context, subject = Context(Store(tmp_path)), SimpleNamespace(device=CPU)
    drifts, doubted = [], 0
    for _ in range(150):
        usual = usual_of_folder.run(None, tmp_path, context)["reference_ms"]
        monkeypatch.setattr(drift, "usual_ms", lambda _, usual=usual: usual)
        for _ in range(4):
            found = drift.end(subject, drift.begin(subject, {}).columns)
            drifts.append(found.columns["drift_pct"])
            doubted += bool(found.reasons)
    assert doubted / len(drifts) <= failed
    assert abs(statistics.median(drifts)) < 0.5
    assert statistics.median(map(abs, drifts)) < 1.5 * scatter / 0.03


def test_the_least_of_the_medians_counts():
    assert reference.least_ms([[10.0, 11.0, 90.0], [10.0, 10.5, 10.6], [1.0, 12.0, 13.0]]) == 10.5


def test_reasons_say_what_to_do_and_small_drift_has_none():
    assert drift.reasons(10.0) == drift.reasons(-12.0) == []
    assert "10 % slower" in drift.reasons(10.4)[0]


def test_the_work_is_done_for_as_long_as_asked_and_five_times_at_least(monkeypatch: pytest.MonkeyPatch):
    clock = FakeClock()
    monkeypatch.setattr(reference, "workload", lambda device: lambda: clock.advance(20.0))
    assert reference.takes_ms(CPU, clock_ns=clock) == [[20.0] * 5] * 3  # 0.1 s each
    monkeypatch.setattr(reference, "workload", lambda device: lambda: clock.advance(10.0))
    assert reference.takes_ms(CPU, clock_ns=clock) == [[10.0] * 10] * 3
    monkeypatch.setattr(reference, "workload", lambda device: lambda: clock.advance(500.0))
    assert reference.takes_ms(CPU, clock_ns=clock) == [[500.0] * 5] * 3


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
