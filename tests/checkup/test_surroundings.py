"""Other programs, clocks, sensors and versions: what is unusual is told with what to do."""

from types import SimpleNamespace

import pytest
import torch

from tests.core.fakes import FakeNVML, NVMLError
from tradeoff.checkup import surroundings
from tradeoff.core import nvml


@pytest.fixture(autouse=True)
def all_devices(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def state(doubts=(), others_pct=3.0, governor="performance"):
    cpu = SimpleNamespace(others_pct=others_pct, steal_pct=0.0, load_1m=0.5, governor=governor)
    return SimpleNamespace(cpu=cpu, doubts=lambda: list(doubts))


def test_a_quiet_machine_is_right():
    assert [result.state for result in surroundings.told(state())] == ["right", "right"]


@pytest.mark.parametrize(("others_pct", "words"), [(93.0, "other programs 93 %"), (None, "other programs not known")])
def test_a_busy_machine_and_one_that_does_not_say_are_told(others_pct, words):
    busy, _ = surroundings.told(state(["close them"], others_pct))
    assert busy.state == "warning"
    assert words in busy.found
    assert busy.advice == "close them"


@pytest.mark.parametrize(("name", "state"), [("performance", "right"), ("powersave", "warning"), (None, "right")])
def test_a_governor_that_lowers_clocks_is_told_with_the_way_to_change_it(name, state):
    found = surroundings.governor(name)
    assert found.state == state
    assert ("cpupower" in found.advice) == (state == "warning")


def test_sensors_that_are_missing_are_named_in_nvmls_words():
    with nvml.opened(FakeNVML()) as driver:
        assert surroundings.sensors(driver, 0).state == "right"
        assert surroundings.sensors(driver, 1).state == "warning"
    with nvml.opened(FakeNVML(nvmlDeviceGetPowerUsage=NVMLError(4))) as driver:
        found = surroundings.sensors(driver, 0)
    assert (found.state, found.found) == ("warning", "6 of 7")
    assert found.advice == "power_w: Insufficient Permissions"


def test_a_gpu_that_torch_cannot_use_is_told(monkeypatch):
    monkeypatch.setattr(surroundings, "torch_has_cuda", lambda: False)
    (found,) = surroundings.software(torch.device("cpu"), FakeNVML())
    assert found.state == "warning"
    assert "without CUDA" in found.advice


def test_no_gpu_at_all_is_no_fault():
    (found,) = surroundings.software(torch.device("cpu"), FakeNVML(init=NVMLError(9)))
    assert found.state == "right"
    assert "Driver Not Loaded" in found.found
