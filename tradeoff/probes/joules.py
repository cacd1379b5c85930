"""Counters of energy: NVML's of a GPU, and RAPL's of the CPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch

from tradeoff.core import nvml
from tradeoff.core.errors import DeviceLost, NotMeasured

POWERCAP = Path("/sys/class/powercap")
READABLE = "`sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj` until the next start"


class Counter(Protocol):
    """Something that counts joules from some moment on, in steps."""

    def joules(self) -> float:
        """Return the joules so far.

        Raises:
            NotMeasured: when it cannot be read.
        """


class GpuCounter:
    """NVML's counter of a whole board, its memory included; it moves about every 0.1 s. Volta and later."""

    def __init__(self, gpu: nvml.Gpu) -> None:
        self.gpu = gpu
        if gpu.is_sliced():
            raise NotMeasured("the GPU is cut into slices (MIG) and its counter of energy is that of the whole")

    def joules(self) -> float:
        """Return the joules since the driver was loaded; the counter has 64 bits of millijoules and does not wrap.

        Raises:
            DeviceLost: when the GPU is gone.
        """
        told = self.gpu.energy_j()
        if self.gpu.is_lost:
            raise DeviceLost(nvml.LOST)
        if told is None:
            raise NotMeasured(f"no energy from NVML: {self.gpu.faults['energy_j']}")
        return told


class CpuCounter:
    """RAPL's counters of all packages: cores, caches and memory controller, not the memory; they wrap.

    Source: Linux, Documentation/power/powercap/powercap.rst. AMD's are under the same names.
    """

    def __init__(self, root: Path | None = None) -> None:
        root = root or POWERCAP
        zones = sorted(root.glob("intel-rapl:*"))
        packages = [zone for zone in zones if _read(zone / "name").startswith("package")]
        if not packages:
            raise NotMeasured(f"no counter of energy at {root}; virtual machines and containers hide it")
        self.counters = [_Wrapping(package) for package in packages]

    def joules(self) -> float:
        """Return the joules since this object was made."""
        return sum(counter.microjoules() for counter in self.counters) / 1e6


class _Wrapping:
    """One zone's counter, which starts at zero again above its range; to be read at least once in between."""

    def __init__(self, zone: Path) -> None:
        self.path = zone / "energy_uj"
        self.range = int(_read(zone / "max_energy_range_uj"))
        self.last, self.total = self._raw(), 0

    def microjoules(self) -> int:
        """Return what was counted since this object was made."""
        raw = self._raw()
        self.total += raw - self.last if raw >= self.last else raw - self.last + self.range
        self.last = raw
        return self.total

    def _raw(self) -> int:
        return int(_read(self.path))


def _read(path: Path) -> str:
    """Return what a file of the kernel says."""
    try:
        return path.read_text().strip()
    except PermissionError as error:
        raise NotMeasured(f"{path} may be read by root alone; {READABLE}") from error
    except OSError as error:
        raise NotMeasured(f"{path} cannot be read: {error.strerror}") from error


@contextmanager
def counter_of(device: torch.device, library: Any = None) -> Iterator[tuple[Counter, nvml.Gpu | None]]:
    """Open the counter of a device, and the GPU's other sensors, until the block ends.

    Args:
        device: cpu or cuda.
        library: stands in for the module `pynvml`.

    Raises:
        NotMeasured: there is none that could be read.
    """
    if device.type == "cpu":
        yield CpuCounter(), None
        return
    with nvml.opened(library) as driver:
        index = device.index or 0
        if index >= len(driver.gpus):
            raise NotMeasured(f"no energy from NVML: {driver.reason or f'it does not list {device}'}")
        yield GpuCounter(driver.gpus[index]), driver.gpus[index]
