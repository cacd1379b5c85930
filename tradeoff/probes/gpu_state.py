"""What a GPU did while something was measured: throttled, shared, hot; what is not known is said to be unknown."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from tradeoff.core.errors import DeviceLost
from tradeoff.core.nvml import LOST, POLICIES, THROTTLING, Gpu

IDLE = 0x01  # the bit of an idle GPU, whose clocks fall because nothing is asked of it
FALLEN = 0.75  # of the highest clock seen; nvbench discards samples below this part of the default clock
VIOLATED = 0.01  # of the time: from here on clocks were held down, whatever the looks have seen
NAMESPACE, OF_ALL = Path("/proc/self/ns/pid"), "pid:[4026531836]"  # PROC_PID_INIT_INO of the kernel: the first one
NVIDIA_SMI = "let it cool, raise its power limit or lock its clocks (nvidia-smi -lgc), run again"


@dataclass(frozen=True)
class GpuState:
    """What a GPU did; None where NVML did not say, and then `faults` has its answer.

    throttled: whether clocks were held down; "unknown" where a sensor was dead for a while. why: what held them down.
    sm_clock_mhz: median of the looks. temperature_c, power_w: highest. foreign: other processes that compute on it.
    looks: raw readings, in the order in which they were taken.
    """

    name: str | None
    uuid: str | None
    is_sliced: bool | None
    throttled: Literal["yes", "no", "unknown"]
    why: list[str]
    sm_clock_mhz: float | None
    sm_clock_max_mhz: int | None
    temperature_c: int | None
    power_w: float | None
    power_limit_w: float | None
    foreign: int | None
    faults: dict[str, str]
    looks: list[dict[str, Any]] = field(repr=False)

    def doubts(self) -> list[str]:
        """Say why what was timed meanwhile is not to be trusted, and what to do next."""
        faults = "; ".join(f"{name}: {fault}" for name, fault in self.faults.items()) or "NVML was not asked"
        reasons = []
        if self.throttled == "yes":
            reasons.append(f"the GPU's clocks were held down ({', '.join(self.why)}); {NVIDIA_SMI}")
        elif self.throttled == "unknown":
            reasons.append(
                f"whether the GPU's clocks were held down is not known ({faults}); run where NVML may read sensors"
            )
        if self.foreign is None:
            reasons.append(
                f"whether other processes used the GPU is not known ({faults}); run where NVML sees processes, in a "
                "container with --pid=host"
            )
        elif self.foreign:
            reasons.append(
                f"other processes that compute on the GPU: {self.foreign}; end them or take another device"
            )
        return reasons


class GpuWatch:
    """Reads a GPU's sensors at the beginning and at the end of its block, and at every `look`.

    Args:
        gpu: as NVML opened it, with this process at work on it.
        is_paced: whether the GPU rests between runs, so that low clocks are no fault.
        now_s: seconds, to stand beside a look.

    Attributes:
        state: what happened, once the block has ended.
    """

    def __init__(self, gpu: Gpu, *, is_paced: bool, now_s: Callable[[], float] = time.monotonic) -> None:
        self.gpu, self.is_paced, self.now_s = gpu, is_paced, now_s
        self.looks: list[dict[str, Any]] = []
        self.faults: dict[str, str] = {}
        self.state: GpuState | None = None

    def __enter__(self) -> Self:
        self.begin = self._violations()
        self.look()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Say what happened.

        Raises:
            DeviceLost: when the GPU is gone, whatever error that has caused in the block.
        """
        self.state = self._summed_up()
        if self.gpu.is_lost:
            raise DeviceLost(LOST)

    def look(self) -> None:
        """Read what changes quickly."""
        gpu = self.gpu
        self.looks.append(
            {
                "at_s": self.now_s(),
                "clock_reasons": gpu.clock_reasons(),
                "sm_clock_mhz": gpu.sm_clock_mhz(),
                "memory_clock_mhz": gpu.memory_clock_mhz(),
                "temperature_c": gpu.temperature_c(),
                "power_w": gpu.power_w(),
            }
        )
        self.faults |= gpu.faults

    def _summed_up(self) -> GpuState:
        """Look for the last time and say what happened."""
        self.look()
        throttled, why = self._throttled(self._violations())
        gpu, clocks = self.gpu, self._seen("sm_clock_mhz")
        state = GpuState(
            name=gpu.name(),
            uuid=gpu.uuid(),
            is_sliced=gpu.is_sliced(),
            throttled=throttled,
            why=why,
            sm_clock_mhz=statistics.median(clocks) if clocks else None,
            sm_clock_max_mhz=gpu.sm_clock_max_mhz(),
            temperature_c=max(self._seen("temperature_c"), default=None),
            power_w=max(self._seen("power_w"), default=None),
            power_limit_w=gpu.power_limit_w(),
            foreign=self._foreign(),
            faults=self.faults,
            looks=self.looks,
        )
        self.faults |= gpu.faults
        return state

    def _throttled(self, end: dict[str, float | None]) -> tuple[Literal["yes", "no", "unknown"], list[str]]:
        """Judge by the bits of all looks, by the time of violations and by the clocks."""
        bits = [look["clock_reasons"] for look in self.looks]
        why = [name for bit, name in THROTTLING.items() if any(bit & (seen or 0) for seen in bits)]
        why += [f"{name} violation" for name in POLICIES if self._violated(self.begin[name], end[name])]
        why += self._fallen()
        if why:
            return "yes", why
        broken = [name for name in POLICIES if _is_broken(self.begin[name], end[name])]
        self.faults |= {f"violation_s_{name}": "its counter did not go on from where it was" for name in broken}
        return ("unknown" if broken or None in bits else "no"), []

    def _violated(self, begin: float | None, end: float | None) -> bool:
        """Tell whether a policy has held clocks down for more than a hundredth of the time."""
        seconds = self.looks[-1]["at_s"] - self.looks[0]["at_s"]
        return begin is not None and end is not None and end - begin > VIOLATED * seconds

    def _fallen(self) -> list[str]:
        """Say by how much the clock of a busy GPU fell, if it fell far."""
        busy = [look for look in self.looks if not (look["clock_reasons"] or 0) & IDLE]
        clocks = [look["sm_clock_mhz"] for look in busy if look["sm_clock_mhz"] is not None]
        if self.is_paced or not clocks or min(clocks) >= FALLEN * max(clocks):
            return []
        return [f"clock fell from {max(clocks)} to {min(clocks)} MHz"]

    def _violations(self) -> dict[str, float | None]:
        """Return for how long each policy has held clocks down since the driver was loaded."""
        return {name: self.gpu.violation_s(name) for name in POLICIES}

    def _foreign(self) -> int | None:
        """Count the other processes; None where this one is not told.

        In a container this process goes by another number, so one of those that are told is this one.
        """
        told = self.gpu.processes_mb()
        if told is None:
            return None
        if os.getpid() in told or (told and has_own_numbers()):
            return len(told) - 1
        self.faults["processes_mb"] = f"NVML lists {len(told) or 'none'}, and not this one"
        return None

    def _seen(self, name: str) -> list[Any]:
        """Return the readings of all looks that are there."""
        return [look[name] for look in self.looks if look[name] is not None]


def has_own_numbers(namespace: Path = NAMESPACE) -> bool:
    """Tell whether processes go by other numbers here than for the driver, as in most containers."""
    try:
        return str(namespace.readlink()) != OF_ALL
    except OSError:
        return False


def _is_broken(begin: float | None, end: float | None) -> bool:
    """Tell whether a counter has gone, has come, or ran backwards; one that never was there is no loss."""
    if begin is None or end is None:
        return begin is not end
    return end < begin
