"""What the driver says is passed on in units; what it does not say is None, with its reason."""

import pytest

from tests.core.fakes import FakeNVML, NVMLError
from tradeoff.core import nvml

READERS = {
    "name": "NVIDIA H200",
    "uuid": "GPU-1f00aa",
    "sm_clock_mhz": 1980,
    "memory_clock_mhz": 1980,
    "sm_clock_max_mhz": 1980,
    "temperature_c": 41,
    "power_w": 120.5,  # of 120,500 mW
    "power_limit_w": 700.0,
    "energy_j": 5000.0,  # of 5,000,000 mJ
    "clock_reasons": 0,
    "processes_mb": {},
    "is_sliced": False,
}


@pytest.fixture(autouse=True)
def all_devices(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def gpu_of(fake):
    with nvml.opened(fake) as driver:
        return driver.gpus[0]


@pytest.mark.parametrize("reader", READERS)
def test_readings_come_in_the_units_of_their_names(reader):
    assert getattr(gpu_of(FakeNVML()), reader)() == READERS[reader]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("code", "words"), [(3, "Not Supported"), (4, "Insufficient Permissions")])
def test_what_is_not_said_is_none_with_the_reason(reader, code, words):
    fake = FakeNVML()
    gpu = gpu_of(fake)
    fake.readings = dict.fromkeys(fake.readings, NVMLError(code))
    assert getattr(gpu, reader)() is None
    assert gpu.faults == {reader: words}
    assert not gpu.is_lost


def test_a_reading_that_comes_back_is_no_fault_any_more():
    gpu = gpu_of(FakeNVML(nvmlDeviceGetPowerUsage=iter([NVMLError(3), 90_000])))
    assert gpu.power_w() is None
    assert gpu.power_w() == 90.0
    assert gpu.faults == {}


def test_a_gpu_that_is_lost_stays_lost():
    gpu = gpu_of(FakeNVML(nvmlDeviceGetPowerUsage=iter([NVMLError(15), 90_000])))
    assert gpu.power_w() is None
    assert gpu.power_w() == 90.0
    assert gpu.is_lost


@pytest.mark.parametrize(("temperature", "lost"), [(41, False), (NVMLError(3), False), (NVMLError(15), True)])
def test_a_gpu_can_be_asked_whether_it_is_lost(temperature, lost):
    fake = FakeNVML(nvmlDeviceGetTemperature=temperature)
    assert nvml.is_lost(0, fake) is lost
    assert not nvml.is_lost(1, fake)
    assert fake.sessions == 0


def test_a_library_that_is_too_old_is_named():
    fake = FakeNVML()
    del fake.readings["nvmlDeviceGetCurrentClocksEventReasons"]
    gpu = gpu_of(fake)
    assert gpu.clock_reasons() is None
    assert gpu.faults["clock_reasons"] == ("the installed nvidia-ml-py has no nvmlDeviceGetCurrentClocksEventReasons")


def test_the_time_of_a_violation_is_that_of_its_policy():
    class Asked(FakeNVML):
        def nvmlDeviceGetViolationStatus(self, handle, policy):  # noqa: N802
            return type("Told", (), {"violationTime": {0: 3_000_000_000, 1: 500_000_000}[policy]})

    gpu = gpu_of(Asked())
    assert gpu.violation_s("power") == 3.0
    assert gpu.violation_s("thermal") == 0.5


def test_memory_of_a_process_that_nvml_does_not_tell_is_none():
    told = [type("P", (), {"pid": 7, "usedGpuMemory": used}) for used in (None, nvml.UNKNOWN_BYTES)]
    gpu = gpu_of(FakeNVML(nvmlDeviceGetComputeRunningProcesses=iter([told[:1], told[1:]])))
    assert gpu.processes_mb() == gpu.processes_mb() == {7: None}


def test_the_session_ends_with_its_block():
    fake = FakeNVML(count=2)
    with nvml.opened(fake) as driver:
        assert (len(driver.gpus), driver.version, fake.sessions) == (2, "580.1", 1)
    assert fake.sessions == 0


def test_a_machine_without_a_driver_has_no_gpus_and_says_why():
    fake = FakeNVML(init=NVMLError(9))
    with nvml.opened(fake) as driver:
        assert driver == nvml.Driver(reason="NVML: Driver Not Loaded")
    assert fake.sessions == 0


def test_throttling_bits_are_those_of_the_library():
    import pynvml

    named = {
        "power cap": pynvml.nvmlClocksEventReasonSwPowerCap,
        "hardware slowdown": pynvml.nvmlClocksEventReasonHwSlowdown,
        "software thermal slowdown": pynvml.nvmlClocksEventReasonSwThermalSlowdown,
        "hardware thermal slowdown": pynvml.nvmlClocksEventReasonHwThermalSlowdown,
        "power brake": pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown,
    }
    assert {name: bit for bit, name in nvml.THROTTLING.items()} == named


def test_every_function_and_number_is_that_of_the_library():
    import pynvml

    fake = FakeNVML()
    assert [name for name in fake.readings if not hasattr(pynvml, name)] == []
    assert pynvml.NVML_ERROR_GPU_IS_LOST == nvml.GPU_IS_LOST
    assert {"power": pynvml.NVML_PERF_POLICY_POWER, "thermal": pynvml.NVML_PERF_POLICY_THERMAL} == nvml.POLICIES
    assert pynvml.NVML_VALUE_NOT_AVAILABLE_ulonglong.value == nvml.UNKNOWN_BYTES
    assert (pynvml.NVML_CLOCK_SM, pynvml.NVML_CLOCK_MEM, pynvml.NVML_TEMPERATURE_GPU) == (1, 2, 0)


def test_this_machine_is_asked_without_an_error():
    with nvml.opened() as driver:
        assert bool(driver.gpus) != bool(driver.reason)


def test_one_lost_gpu_keeps_its_number_and_hides_no_other():
    class OneLost(FakeNVML):
        def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
            if index == 0:
                raise NVMLError(15)
            return index

    with nvml.opened(OneLost(count=2)) as driver:
        lost, good = driver.gpus
        assert (lost.is_lost, lost.power_w(), lost.faults["power_w"]) == (True, None, "GPU is lost")
        assert (good.is_lost, good.handle, good.power_w()) == (False, 1, 120.5)
