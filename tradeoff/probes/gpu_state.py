"""What a GPU did while something was measured: throttled, shared, hot; what is not known is said to be unknown."""

import math
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Literal, Self

from tradeoff.core.errors import DeviceLost
from tradeoff.core.nvml import LOST, POLICIES, THROTTLING, Gpu

IDLE = 0x01  # the bit of an idle GPU, whose clocks fall because nothing is asked of it
CHOSEN = 0x02  # the bit of a GPU whose clocks somebody has set
FALLEN = 0.75  # of a higher clock; nvbench discards samples below this part of the default clock
VIOLATED = 0.01  # of the time: from here on clocks were held down, whatever the looks have seen
NVIDIA_SMI = "let it cool, raise its power limit or lock its clocks (nvidia-smi -lgc), run again"
MORE_WORK = "give it more work at once (batch_size) or lock its clocks (nvidia-smi -lgc), run again"


@dataclass(frozen=True)
class GpuState:
    """What a GPU did; None where NVML did not say, and then `faults` has its answer.

    throttled: whether clocks were held down; "unknown" where a sensor was dead for a while, or clocks were low for no
    reason that NVML names. why: what held them down, or that they were low. sm_clock_mhz: median of the looks.
    temperature_c, power_w: highest. foreign: other processes that compute on it, the most at any look.
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
        told = [f"{name}: {fault}" for name, fault in self.faults.items()]
        faults = "; ".join(told) or "NVML was not asked"
        reasons = []
        if self.throttled == "yes":
            reasons.append(f"the GPU's clocks were held down ({', '.join(self.why)}); {NVIDIA_SMI}")
        elif self.throttled == "unknown":
            words = "; ".join([*self.why, *told]) or faults
            advice = MORE_WORK if self.why else "run where NVML may read sensors"
            reasons.append(f"whether the GPU's clocks were held down is not known ({words}); {advice}")
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
        own: by which number NVML lists this process; None is its process id.
        now_s: seconds, to stand beside a look.

    Attributes:
        state: what happened, once the block has ended.
    """

    def __init__(
        self, gpu: Gpu, *, is_paced: bool, own: int | None = None, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.gpu, self.is_paced, self.now_s = gpu, is_paced, now_s
        self.own = os.getpid() if own is None else own
        self.looks: list[dict[str, Any]] = []
        self.judged_from_s = -math.inf
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
                "foreign": self._foreign(),
            }
        )
        self.faults |= gpu.faults

    def judge_last(self, seconds: float) -> None:
        """Judge the clocks by the last so many seconds: before, in warm-up, they may rise, or fall from a burst."""
        self.judged_from_s = self.now_s() - seconds

    def _summed_up(self) -> GpuState:
        """Look for the last time and say what happened."""
        self.look()
        gpu, clocks, foreign = self.gpu, self._seen("sm_clock_mhz"), self._seen("foreign")
        most_mhz = gpu.sm_clock_max_mhz()
        throttled, why = self._throttled(self._violations(), most_mhz)
        state = GpuState(
            name=gpu.name(),
            uuid=gpu.uuid(),
            is_sliced=gpu.is_sliced(),
            throttled=throttled,
            why=why,
            sm_clock_mhz=statistics.median(clocks) if clocks else None,
            sm_clock_max_mhz=most_mhz,
            temperature_c=max(self._seen("temperature_c"), default=None),
            power_w=max(self._seen("power_w"), default=None),
            power_limit_w=gpu.power_limit_w(),
            foreign=max(foreign) if len(foreign) == len(self.looks) else None,
            faults=self.faults,
            looks=self.looks,
        )
        self.faults |= gpu.faults
        return state

    def _throttled(
        self, end: dict[str, float | None], most_mhz: int | None
    ) -> tuple[Literal["yes", "no", "unknown"], list[str]]:
        """Judge by the bits of all looks, by the time of violations and by the clocks."""
        bits = [look["clock_reasons"] for look in self.looks]
        why = [name for bit, name in THROTTLING.items() if any(bit & (seen or 0) for seen in bits)]
        why += [f"{name} violation" for name in POLICIES if self._violated(self.begin[name], end[name])]
        why += self._fallen()
        if why:
            return "yes", why
        broken = [name for name in POLICIES if _is_broken(self.begin[name], end[name])]
        self.faults |= {f"violation_s_{name}": "its counter did not go on from where it was" for name in broken}
        low = self._low(most_mhz)
        return ("unknown" if broken or None in bits or low else "no"), low

    def _violated(self, begin: float | None, end: float | None) -> bool:
        """Tell whether a policy has held clocks down for more than a hundredth of the time."""
        seconds = self.looks[-1]["at_s"] - self.looks[0]["at_s"]
        return begin is not None and end is not None and end - begin > VIOLATED * seconds

    def _fallen(self) -> list[str]:
        """Say how far the clock of a busy GPU fell below the highest before it, if it fell far."""
        clocks = self._clocks(without=IDLE)
        falls = [(low / high, high, low) for high, low in zip(accumulate(clocks, max), clocks, strict=True) if high]
        part, high, low = min(falls, default=(1.0, 0, 0))
        return [f"clock fell from {high} to {low} MHz"] if part < FALLEN else []

    def _low(self, most_mhz: int | None) -> list[str]:
        """Say that the clock of a busy GPU was low though nobody has set it so, if it was."""
        clocks = self._clocks(without=IDLE | CHOSEN)
        if most_mhz is None or not clocks or statistics.median(clocks) >= FALLEN * most_mhz:
            return []
        return [f"clock of {statistics.median(clocks):g} MHz, of {most_mhz} at the most; NVML does not say why"]

    def _clocks(self, without: int) -> list[int]:
        """Return the clocks at the looks that count and show none of these bits; none of a GPU that is paced."""
        looks = [look for look in self.looks if look["at_s"] >= self.judged_from_s and not self.is_paced]
        clocks = [look["sm_clock_mhz"] for look in looks if not (look["clock_reasons"] or 0) & without]
        return [clock for clock in clocks if clock is not None]

    def _violations(self) -> dict[str, float | None]:
        """Return for how long each policy has held clocks down since the driver was loaded."""
        return {name: self.gpu.violation_s(name) for name in POLICIES}

    def _foreign(self) -> int | None:
        """Count the other processes; None where this one is not told, for then nobody knows who is."""
        told = self.gpu.processes_mb()
        if told is None:
            return None
        if self.own in told:
            return len(told) - 1
        self.faults["processes_mb"] = f"NVML lists {len(told) or 'none'}, and not this one"
        return None

    def _seen(self, name: str) -> list[Any]:
        """Return the readings of all looks that are there."""
        return [look[name] for look in self.looks if look[name] is not None]


def _is_broken(begin: float | None, end: float | None) -> bool:
    """Tell whether a counter has gone, has come, or ran backwards; one that never was there is no loss."""
    if begin is None or end is None:
        return begin is not end
    return end < begin
