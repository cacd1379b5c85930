"""A counter that counts is right, one that cannot be read is a warning, and none is right by being dead."""

from itertools import chain, cycle, repeat

import pytest
import torch

from tests.core.fakes import FakeNVML, NVMLError
from tests.probes.bench import Bench
from tradeoff.checkup import energy
from tradeoff.core.errors import DeviceLost

GPU = torch.device("cuda:0")


@pytest.fixture(autouse=True)
def all_devices(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def told(bench, **readings):
    library = FakeNVML(nvmlDeviceGetTotalEnergyConsumption=bench.millijoules(), **readings)
    return next(energy.told(GPU, bench.call(0.01), library, bench.clock, bench.sleep))


def test_a_counter_that_counts_is_right():
    found = told(Bench(rest_w=70.0, work_w=400.0))
    assert found.state == "right"
    assert found.numbers["power_w"] == pytest.approx(400.0, rel=0.02)
    assert found.numbers["idle_w"] == pytest.approx(70.0, rel=0.02)


def test_trials_that_differ_are_wrong():
    watts = chain(repeat(300.0, 215), repeat(400.0, 215), cycle([500.0]))
    assert told(Bench(work_w=watts)).state == "wrong"


@pytest.mark.parametrize(("code", "words"), [(3, "Not Supported"), (4, "Insufficient Permissions")])
def test_a_counter_that_cannot_be_read_is_a_warning(code, words):
    library = FakeNVML(nvmlDeviceGetTotalEnergyConsumption=NVMLError(code))
    (found,) = energy.told(GPU, lambda: None, library)
    assert found.state == "warning"
    assert words in found.advice


def test_a_gpu_that_is_lost_is_no_warning():
    library = FakeNVML(nvmlDeviceGetTotalEnergyConsumption=NVMLError(15))
    with pytest.raises(DeviceLost, match="GPU is lost"):  # which the doctor reports as wrong
        list(energy.told(GPU, lambda: None, library))


@pytest.mark.parametrize(
    ("bench", "readings", "words"),
    [
        (Bench(tick_s=float("inf")), {}, "stood still"),
        (Bench(work_w=50.0), {}, "at rest"),
        (Bench(work_w=900.0), {}, "above the limit of 700 W"),
        (Bench(), {"nvmlDeviceGetMigMode": (1, 1)}, "slices"),
    ],
)
def test_a_dead_or_lying_counter_is_never_right(bench, readings, words):
    found = told(bench, **readings)
    assert found.state == "warning"
    assert words in found.advice


@pytest.mark.parametrize(
    ("power_mw", "state"), [(300_000, "right"), (325_000, "right"), (360_000, "warning"), (NVMLError(4), "warning")]
)
def test_the_sensor_of_power_gives_a_second_opinion(power_mw, state):
    bench = Bench(work_w=300.0)
    library = FakeNVML(nvmlDeviceGetTotalEnergyConsumption=bench.millijoules(), nvmlDeviceGetPowerUsage=power_mw)
    first, second = energy.told(GPU, bench.call(0.01), library, bench.clock, bench.sleep)
    assert first.state == "right"
    assert (second.name, second.state) == ("power", state)


def test_only_steady_power_is_an_opinion():
    readings = iter([100_000] * 30 + [300_000] * 1000)  # the sensor's mean of a second climbs
    bench = Bench(work_w=300.0)
    library = FakeNVML(nvmlDeviceGetTotalEnergyConsumption=bench.millijoules(), nvmlDeviceGetPowerUsage=readings)
    _, second = energy.told(GPU, bench.call(0.01), library, bench.clock, bench.sleep)
    assert second.numbers["polled_w"] == pytest.approx(300.0)
