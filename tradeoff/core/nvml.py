"""NVML: what the driver says of its GPUs, without torch. What it will not say is None, and why is kept."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

#: bits of the reasons why clocks are not higher that are throttling, by name (nvml.h, "Clocks Event Reasons")
THROTTLING = {
    0x04: "power cap",
    0x08: "hardware slowdown",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
}
# Not throttling: 0x01 idle, 0x02 applications' clocks, 0x10 sync boost, 0x100 display clock.

POLICIES = {"power": 0, "thermal": 1}  # NVML_PERF_POLICY_*: whose violation time is asked for
GPU_IS_LOST = 15  # NVML_ERROR_GPU_IS_LOST
LOST = "the GPU was lost while it was measured (NVML: GPU is lost); see dmesg, then reset it"
UNKNOWN_BYTES = 2**64 - 1  # NVML_VALUE_NOT_AVAILABLE


@dataclass
class Gpu:
    """One GPU. Each reading is a number with its unit, or None; then `faults` has NVML's answer under its name.

    binding: the module `pynvml`, or what stands in for it. handle: of the GPU in it. silence: why it says nothing.
    """

    binding: Any
    handle: Any
    faults: dict[str, str] = field(default_factory=dict)
    is_lost: bool = False
    silence: str = ""

    def name(self) -> str | None:
        """Return the maker's name."""
        return self._ask("name", "nvmlDeviceGetName")

    def uuid(self) -> str | None:
        """Return what tells this GPU from all others."""
        return self._ask("uuid", "nvmlDeviceGetUUID")

    def sm_clock_mhz(self) -> int | None:
        """Return the clock of the multiprocessors now."""
        return self._ask("sm_clock_mhz", "nvmlDeviceGetClockInfo", 1)  # NVML_CLOCK_SM

    def memory_clock_mhz(self) -> int | None:
        """Return the clock of the memory now."""
        return self._ask("memory_clock_mhz", "nvmlDeviceGetClockInfo", 2)  # NVML_CLOCK_MEM

    def sm_clock_max_mhz(self) -> int | None:
        """Return the highest clock of the multiprocessors."""
        return self._ask("sm_clock_max_mhz", "nvmlDeviceGetMaxClockInfo", 1)

    def temperature_c(self) -> int | None:
        """Return the temperature of the die, °C."""
        return self._ask("temperature_c", "nvmlDeviceGetTemperature", 0)  # NVML_TEMPERATURE_GPU

    def power_w(self) -> float | None:
        """Return the power drawn, as the driver averages it."""
        return _scaled(self._ask("power_w", "nvmlDeviceGetPowerUsage"), 1e-3)

    def power_limit_w(self) -> float | None:
        """Return the limit that is enforced."""
        return _scaled(self._ask("power_limit_w", "nvmlDeviceGetEnforcedPowerLimit"), 1e-3)

    def energy_j(self) -> float | None:
        """Return the energy drawn since the driver was loaded; Volta and later."""
        return _scaled(self._ask("energy_j", "nvmlDeviceGetTotalEnergyConsumption"), 1e-3)

    def clock_reasons(self) -> int | None:
        """Return the bits that say why clocks are not higher now; those of `THROTTLING` are throttling."""
        return self._ask("clock_reasons", "nvmlDeviceGetCurrentClocksEventReasons")

    def violation_s(self, policy: str) -> float | None:
        """Return for how long clocks have been held down by "power" or "thermal" since the driver was loaded."""
        told = self._ask(f"violation_s_{policy}", "nvmlDeviceGetViolationStatus", POLICIES[policy])
        return None if told is None else told.violationTime / 1e9

    def processes_mb(self) -> dict[int, float | None] | None:
        """Return the memory of each process that computes on this GPU, by its id; a container sees its own alone."""
        told = self._ask("processes_mb", "nvmlDeviceGetComputeRunningProcesses")
        return None if told is None else {process.pid: _mb(process.usedGpuMemory) for process in told}

    def is_sliced(self) -> bool | None:
        """Tell whether the GPU is cut into slices (MIG), whose sensors are those of the whole."""
        told = self._ask("is_sliced", "nvmlDeviceGetMigMode")
        return None if told is None else bool(told[0])

    def _ask(self, name: str, function: str, *args: Any) -> Any:
        """Call a function of NVML on this GPU; None where it fails, and the fault is kept."""
        if self.silence:
            self.faults[name] = self.silence
            return None
        try:
            told = getattr(self.binding, function)(self.handle, *args)
        except AttributeError:
            self.faults[name] = f"the installed nvidia-ml-py has no {function}"
        except self.binding.NVMLError as error:
            self.faults[name] = str(error)
            self.is_lost |= getattr(error, "value", None) == GPU_IS_LOST
        else:
            self.faults.pop(name, None)
            return told
        return None


@dataclass(frozen=True)
class Driver:
    """What NVML says of this machine.

    gpus: those that CUDA may use, as torch numbers them. version: of the driver; None where there is none.
    reason: why there are no GPUs; empty where there are some.
    """

    gpus: tuple[Gpu, ...] = ()
    version: str | None = None
    reason: str = ""


@contextmanager
def opened(binding: Any = None) -> Iterator[Driver]:
    """Ask NVML what there is; its GPUs can be read until the block ends. Without a driver there are none.

    Args:
        binding: stands in for the module `pynvml`.
    """
    if binding is None:
        binding = import_module("pynvml")
    try:
        binding.nvmlInit()
    except binding.NVMLError as error:
        yield Driver(reason=f"NVML: {error}")
        return
    try:
        yield _driver(binding)
    finally:
        binding.nvmlShutdown()


def is_lost(index: int, binding: Any = None) -> bool:
    """Ask NVML once whether a GPU, as torch numbers them, is gone; of one that it does not list that is not known."""
    with opened(binding) as driver:
        if index >= len(driver.gpus):
            return False
        driver.gpus[index].temperature_c()
        return driver.gpus[index].is_lost


def _driver(binding: Any) -> Driver:
    """Return the driver's version and the GPUs that are visible."""
    try:
        found = [_gpu(binding, index) for index in range(binding.nvmlDeviceGetCount())]
        version = binding.nvmlSystemGetDriverVersion()
    except binding.NVMLError as error:
        return Driver(reason=f"NVML: {error}")
    chosen = visible([uuid for _, uuid in found], os.environ.get("CUDA_VISIBLE_DEVICES"))
    reason = "" if chosen else _reason_for_none(len(found))
    return Driver(tuple(found[i][0] for i in chosen), version, reason)


def _gpu(binding: Any, index: int) -> tuple[Gpu, str]:
    """Return a GPU and its UUID; one that does not answer keeps its number, so that the others keep theirs."""
    try:
        handle = binding.nvmlDeviceGetHandleByIndex(index)
        return Gpu(binding, handle), binding.nvmlDeviceGetUUID(handle)
    except binding.NVMLError as error:
        is_lost = getattr(error, "value", None) == GPU_IS_LOST
        return Gpu(binding, None, is_lost=is_lost, silence=str(error)), ""


def _reason_for_none(count: int) -> str:
    """Word why no device is left of those that NVML lists."""
    if not count:
        return "NVML lists none"
    return f"CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES')!r} leaves none of {count}"


def visible(uuids: Sequence[str], wanted: str | None) -> list[int]:
    """Return the numbers of the devices that CUDA_VISIBLE_DEVICES leaves, in its order.

    As in CUDA, a device is named by its number or by a beginning of its UUID that no other has, and the list ends at
    the first name that is none. Slices of a device (MIG) are none.
    """
    if wanted is None:
        return list(range(len(uuids)))
    found: list[int] = []
    for name in (word.strip() for word in wanted.split(",")):
        named = [i for i, uuid in enumerate(uuids) if name == str(i) or (name and uuid.startswith(name))]
        if len(named) != 1:
            break
        found += named
    return found


def _scaled(value: float | None, factor: float) -> float | None:
    """Multiply a reading that is there."""
    return None if value is None else value * factor


def _mb(value: int | None) -> float | None:
    """Return bytes in MB of 10^6; None where NVML has no number."""
    return None if value in (None, UNKNOWN_BYTES) else value / 1e6
