"""A GPU that is throttled, shared, lost or silent, each by a driver that says so; unknown is never clean."""

import json
import os
import warnings
from itertools import chain, count, repeat
from types import SimpleNamespace

import pytest
import torch

from tests.core.fakes import FakeNVML, NVMLError
from tests.probes.test_cpu_state import Machine
from tradeoff.core import nvml
from tradeoff.core.errors import DeviceLost
from tradeoff.probes.gpu_state import GpuWatch
from tradeoff.probes.state import StateWatch

US = [SimpleNamespace(pid=os.getpid(), usedGpuMemory=500_000_000)]
CUDA = torch.device("cuda:0")


@pytest.fixture(autouse=True)
def all_devices(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def watched(looks: int = 3, is_paced: bool = False, last_s: float | None = None, **readings):
    """Watch a GPU that says these things; one look more at the beginning and one at the end."""
    seconds = count()
    with (
        nvml.opened(FakeNVML(**{"nvmlDeviceGetComputeRunningProcesses": US, **readings})) as driver,
        GpuWatch(driver.gpus[0], is_paced=is_paced, now_s=lambda: next(seconds)) as watch,
    ):
        for _ in range(looks):
            watch.look()
        if last_s is not None:
            watch.judge_last(last_s)
    assert watch.state is not None
    return watch.state


def violations(*seconds):
    """Say for each policy in turn, at the beginning and at the end, for how long it has held clocks down."""
    return iter([SimpleNamespace(violationTime=round(1e9 * told)) for told in seconds])


def test_a_gpu_in_order_is_clean():
    state = watched()
    assert (state.throttled, state.why, state.foreign, state.doubts()) == ("no", [], 0, [])
    assert (state.sm_clock_mhz, state.temperature_c, state.power_w, state.power_limit_w) == (1980, 41, 120.5, 700.0)
    assert [look["at_s"] for look in state.looks] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("bit", "name"), nvml.THROTTLING.items())
@pytest.mark.parametrize("when", range(5))
def test_every_throttling_bit_is_seen_at_any_look(bit, name, when):
    bits = [bit if look == when else 0 for look in range(5)]
    state = watched(nvmlDeviceGetCurrentClocksEventReasons=iter(bits))
    assert (state.throttled, state.why) == ("yes", [name])
    assert state.doubts() == [
        f"the GPU's clocks were held down ({name}); let it cool, raise its power limit or lock its clocks "
        "(nvidia-smi -lgc), run again"
    ]


@pytest.mark.parametrize("bit", [0x01, 0x02, 0x10, 0x100])
def test_idling_and_chosen_clocks_are_no_throttling(bit):
    assert watched(nvmlDeviceGetCurrentClocksEventReasons=bit).throttled == "no"


def test_a_violation_between_the_looks_is_seen():
    state = watched(nvmlDeviceGetViolationStatus=violations(3, 5, 3.5, 5))  # power, thermal; then again
    assert (state.throttled, state.why) == ("yes", ["power violation"])


@pytest.mark.parametrize(("held_s", "throttled"), [(1e-9, "no"), (0.039, "no"), (0.041, "yes")])
def test_a_violation_counts_from_a_hundredth_of_the_time(held_s, throttled):
    assert watched(nvmlDeviceGetViolationStatus=violations(0, 0, held_s, 0)).throttled == throttled  # of 4 s


def test_a_counter_that_wraps_makes_it_unknown():
    state = watched(nvmlDeviceGetViolationStatus=violations(3, 5, 3, 1))
    assert state.throttled == "unknown"
    assert state.faults == {"violation_s_thermal": "its counter did not go on from where it was"}
    assert "not known (violation_s_thermal" in state.doubts()[0]


def test_a_counter_that_dies_makes_it_unknown():
    told = [SimpleNamespace(violationTime=0)] * 2 + [NVMLError(3)] * 2
    assert watched(nvmlDeviceGetViolationStatus=iter(told)).throttled == "unknown"


def test_a_counter_that_never_was_is_not_missed_where_the_bits_are_seen():
    assert watched(nvmlDeviceGetViolationStatus=NVMLError(3)).throttled == "no"


@pytest.mark.parametrize(("code", "words"), [(3, "Not Supported"), (4, "Insufficient Permissions")])
@pytest.mark.parametrize("when", range(5))
def test_a_sensor_that_is_dead_at_any_look_certifies_nothing(code, words, when):
    bits = [NVMLError(code) if look == when else 0 for look in range(5)]
    state = watched(nvmlDeviceGetCurrentClocksEventReasons=iter(bits))
    assert state.throttled == "unknown"
    assert any(f"clock_reasons: {words}" in reason for reason in state.doubts())


def test_a_dead_sensor_does_not_hide_what_another_has_seen():
    bits = iter([NVMLError(3), 0x40, 0, 0, 0])
    assert watched(nvmlDeviceGetCurrentClocksEventReasons=bits).throttled == "yes"


@pytest.mark.parametrize("drop", [0.05, 0.2, 0.3, 0.5, 0.9])
def test_a_clock_that_falls_far_is_throttling_whatever_the_bits_say(drop):
    low = round(2000 * (1 - drop))
    # each look asks for two clocks, of the multiprocessors and of the memory
    clocks = chain([2000, 2600] * 3, repeat(low))
    state = watched(nvmlDeviceGetClockInfo=clocks)
    assert (state.throttled == "yes") == (drop > 0.25)
    assert state.why == ([f"clock fell from 2000 to {low} MHz"] if drop > 0.25 else [])


def clocks_of(*mhz):
    """Say a clock of the multiprocessors at each of five looks, and one of the memory."""
    return chain.from_iterable((told, 2600) for told in mhz)


def test_a_clock_that_rises_was_not_held_down():
    state = watched(nvmlDeviceGetClockInfo=clocks_of(600, 600, 1980, 1980, 1980))
    assert (state.throttled, state.why) == ("no", [])
    assert watched(nvmlDeviceGetClockInfo=clocks_of(0, 0, 1980, 1980, 1980)).throttled == "no"
    state = watched(nvmlDeviceGetClockInfo=clocks_of(600, 1980, 1980, 1400, 1900))
    assert (state.throttled, state.why) == ("yes", ["clock fell from 1980 to 1400 MHz"])


def test_clocks_are_judged_once_warm_up_has_ended():
    def throttled(last_s):
        """The looks are a second apart; when the timing ends, the clock of seconds shows 4."""
        falling = clocks_of(1980, 1980, 1200, 1200, 1200)
        return watched(nvmlDeviceGetClockInfo=falling, nvmlDeviceGetMaxClockInfo=1300, last_s=last_s).throttled

    assert [throttled(last_s) for last_s in (None, 4, 3, 2, 1)] == ["yes", "yes", "yes", "no", "no"]


def test_a_clock_that_is_low_throughout_for_no_known_reason_certifies_nothing():
    state = watched(nvmlDeviceGetClockInfo=345)
    assert (state.throttled, state.why) == (
        "unknown",
        ["clock of 345 MHz, of 1980 at the most; NVML does not say why"],
    )
    (doubt,) = state.doubts()
    assert "is not known (clock of 345 MHz, of 1980 at the most; NVML does not say why); give it more work" in doubt
    state = watched(nvmlDeviceGetClockInfo=345, nvmlDeviceGetPowerUsage=NVMLError(3))
    assert "NVML does not say why; power_w: Not Supported); give it more work" in state.doubts()[0]


@pytest.mark.parametrize(
    ("readings", "throttled"),
    [
        ({"nvmlDeviceGetCurrentClocksEventReasons": 0x02}, "no"),  # somebody has set it so
        ({"nvmlDeviceGetCurrentClocksEventReasons": 0x01}, "no"),  # it was idle at every look
        ({"nvmlDeviceGetMaxClockInfo": 460}, "no"),
        ({"nvmlDeviceGetMaxClockInfo": 461}, "unknown"),
        ({"nvmlDeviceGetMaxClockInfo": NVMLError(3)}, "no"),
        ({"is_paced": True}, "no"),
    ],
)
def test_a_low_clock_may_have_its_reason(readings, throttled):
    assert watched(nvmlDeviceGetClockInfo=345, **readings).throttled == throttled


def test_clocks_of_a_gpu_that_rests_may_fall():
    def fallen():
        return chain([2000, 2600] * 3, repeat(300))

    assert watched(is_paced=True, nvmlDeviceGetClockInfo=fallen()).throttled == "no"
    bits = iter([0, 0, 0, 1, 1])  # the looks at the low clock find it idle
    assert watched(nvmlDeviceGetClockInfo=fallen(), nvmlDeviceGetCurrentClocksEventReasons=bits).throttled == "no"


def test_missing_sensors_leave_their_columns_empty():
    state = watched(
        nvmlDeviceGetTemperature=NVMLError(3),
        nvmlDeviceGetEnforcedPowerLimit=NVMLError(4),
        nvmlDeviceGetClockInfo=NVMLError(3),
    )
    assert (state.temperature_c, state.power_limit_w, state.sm_clock_mhz) == (None, None, None)
    assert state.throttled == "no"
    assert state.faults["power_limit_w"] == "Insufficient Permissions"


def test_a_lost_gpu_ends_the_measurement():
    with pytest.raises(DeviceLost, match="GPU is lost"):
        watched(nvmlDeviceGetTemperature=chain([41, 41], repeat(NVMLError(15))))


def test_a_lost_gpu_is_the_reason_of_the_error_that_it_caused():
    with (
        pytest.raises(DeviceLost) as raised,
        nvml.opened(FakeNVML(nvmlDeviceGetTemperature=chain([41], repeat(NVMLError(15))))) as driver,
        GpuWatch(driver.gpus[0], is_paced=False),
    ):
        raise RuntimeError("CUDA error: unspecified launch failure")
    assert isinstance(raised.value.__context__, RuntimeError)


def test_cpu_and_gpu_are_watched_together(tmp_path):
    machine, fake = Machine(tmp_path), FakeNVML(nvmlDeviceGetComputeRunningProcesses=US)
    with StateWatch(CUDA, cpu=machine.watch(), binding=fake) as watch:
        machine.go(10, busy_s=8, own_s=4)
        watch.look()
    columns = watch.state.columns()
    assert (columns["throttled"], columns["foreign_processes"], columns["gpu_clock_mhz"]) == ("no", 0, 1980)
    assert columns["others_cpu_pct"] == pytest.approx(20)
    assert columns["threads"] == torch.get_num_threads()
    assert watch.state.doubts() == ["other programs took 20 % of 2 CPUs meanwhile; close them, run again"]
    kept = json.loads(json.dumps(watch.state.kept()))
    assert len(kept["gpu"]["looks"]) == 3
    assert fake.sessions == 0


def test_work_on_a_cpu_asks_no_gpu(tmp_path):
    machine = Machine(tmp_path)
    with StateWatch(torch.device("cpu"), cpu=machine.watch(), binding=object()) as watch:
        watch.look()
        machine.go(10)
    assert watch.state.gpu is None
    assert watch.state.columns()["throttled"] == "unknown"
    assert watch.state.doubts() == []


@pytest.mark.parametrize(
    ("fake", "words"),
    [(FakeNVML(init=NVMLError(9)), "NVML: Driver Not Loaded"), (FakeNVML(count=0), "NVML lists none")],
)
def test_a_gpu_that_nvml_does_not_know_certifies_nothing(tmp_path, fake, words):
    machine = Machine(tmp_path)
    with StateWatch(CUDA, cpu=machine.watch(), binding=fake) as watch:
        machine.go(10)
    assert watch.state.columns()["throttled"] == "unknown"
    assert watch.state.doubts() == [
        f"the state of the GPU is not known ({words}); install the driver's NVML, or take a whole GPU"
    ]


def test_flags_of_torch_are_those_that_are_set():
    with torch.autocast("cpu", torch.bfloat16), StateWatch(torch.device("cpu")) as watch:
        torch.backends.cudnn.allow_tf32 = False
    flags = watch.state.torch
    assert (flags["autocast"], flags["cudnn_allow_tf32"]) == ("torch.bfloat16", False)
    assert flags["torch"] == str(torch.__version__)


def test_what_some_versions_of_torch_say_when_tf32_is_switched_is_no_error():
    told = (
        "Please use the new API settings to control TF32 behavior, such as torch.backends.cudnn.conv.fp32_precision"
    )
    warnings.warn(told, UserWarning, stacklevel=2)
