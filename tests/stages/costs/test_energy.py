"""The columns of energy are of an image, and what could not be measured is told, not made up."""

from types import SimpleNamespace

import pytest
import torch

from tests.core.fakes import FakeNVML, NVMLError
from tests.probes.bench import Bench
from tradeoff.core import nvml
from tradeoff.core.errors import DeviceLost, NotMeasured
from tradeoff.probes.energy import Energy, Window
from tradeoff.probes.joules import GpuCounter
from tradeoff.stages.costs import energy


def subject(trials=3, batch_size=4, device="cpu", chain=None):
    measuring = SimpleNamespace(energy_trials=trials, energy_s=2.0)
    stage = SimpleNamespace(measuring=measuring, batch_size=batch_size)
    return SimpleNamespace(stage=stage, device=torch.device(device), batches=[["a"], ["b"]], chain=chain)


def trial(watts, seconds=2.0, calls=10):
    return Window(watts * seconds, seconds, calls)


def test_energy_is_that_of_an_image_above_rest():
    told = Energy(trial(50.0), [trial(250.0), trial(260.0), trial(240.0)])
    columns = energy.columns(told, batch_size=4)
    # 200 W above rest for 0.2 s a call of 4 images: 10 J an image
    assert columns == {
        "energy_j": pytest.approx(10.0),
        "idle_w": pytest.approx(50.0),
        "power_w": pytest.approx(250.0),
        "energy_spread_pct": pytest.approx(10.0),
    }
    assert energy.doubts(told) == []


def test_trials_that_differ_are_a_reason_for_doubt():
    told = Energy(trial(50.0), [trial(250.0), trial(300.0), trial(240.0)])
    assert "differs by 30 %" in energy.doubts(told)[0]


def test_the_batches_that_are_timed_are_what_draws_power_and_all_is_kept():
    bench, seen = Bench(), []

    def chain(images):
        seen.append(images)
        bench.pass_(0.01, 300.0)

    class Counter:
        joules = staticmethod(bench.joules)

    given = subject(chain=chain)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(energy, "energy", lambda *args, **options: measured(bench, *args, **options))
        found = energy.found(given, Counter(), None)
    assert seen[:4] == [["a"], ["b"], ["a"], ["b"]]
    assert found.columns["energy_j"] == pytest.approx(250.0 * 0.01 / 4, rel=0.02)
    kept = found.kept["energy.json"]
    assert len(kept["trials"]) == len(kept["calls_j"]) == 3
    assert kept["before"] == {"temperature_c": None, "power_limit_w": None}


def measured(bench, *args, **options):
    from tradeoff.probes.energy import energy as real

    return real(*args, **options, clock=bench.clock, sleep=bench.sleep)


def test_the_limit_of_the_gpu_is_what_the_power_is_checked_by(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    bench = Bench(work_w=300.0)
    library = FakeNVML(
        nvmlDeviceGetTotalEnergyConsumption=bench.millijoules(), nvmlDeviceGetEnforcedPowerLimit=200_000
    )
    monkeypatch.setattr(energy, "energy", lambda *args, **options: measured(bench, *args, **options))
    given = subject(chain=lambda images: bench.pass_(0.01, 300.0))
    with nvml.opened(library) as driver, pytest.raises(NotMeasured, match="limit of 200 W"):
        energy.found(given, GpuCounter(driver.gpus[0]), driver.gpus[0])


def silent(monkeypatch, code):
    """Have NVML answer the question for energy with an error."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    library = FakeNVML(nvmlDeviceGetTotalEnergyConsumption=NVMLError(code))
    real = energy.counter_of
    monkeypatch.setattr(energy, "counter_of", lambda device: real(device, library))


@pytest.mark.parametrize("code", [3, 4, 9])
def test_a_sensor_that_does_not_answer_leaves_the_columns_empty_with_its_reason(monkeypatch, code):
    silent(monkeypatch, code)
    found = energy.measure(subject(device="cuda:0", chain=lambda images: None), {})
    assert found.columns == {}
    assert found.reasons == []
    assert NVMLError.WORDS[code] in found.missing["energy_j"]


def test_a_gpu_that_is_lost_ends_the_measurement(monkeypatch):
    silent(monkeypatch, 15)
    with pytest.raises(DeviceLost, match="GPU is lost"):
        energy.measure(subject(device="cuda:0", chain=lambda images: None), {})


def test_no_trials_ask_no_sensor(monkeypatch):
    monkeypatch.setattr(energy, "counter_of", None)
    found = energy.measure(subject(trials=0), {})
    assert (found.columns, found.missing) == ({}, {})
