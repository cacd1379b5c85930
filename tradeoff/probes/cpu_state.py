"""What the CPU did beside the work that was measured: other programs, the hypervisor, a quota."""

import os
import resource
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tradeoff.core.machine import cpu_name

OTHERS_PCT, STEAL_PCT, STOPPED_PCT = 10.0, 5.0, 1.0  # of the CPUs, of their time, of the time: from here on doubtful
OTHERS_CPUS = 0.5  # from here on doubtful as well, on however many: it may be the one that all wait for
SLACK = 0.05  # of the CPUs' time: what the kernel's account may be behind that of the process
BUSY = (0, 1, 2, 5, 6)  # user, nice, system, irq, softirq in a line of /proc/stat; guests count as user
STEAL = 7
THROTTLED = {"throttled_usec": 1e6, "throttled_time": 1e9}  # by a quota, of cgroup 2 and of 1: how many make a second


@dataclass(frozen=True)
class CpuState:
    """What the CPUs that this process may use did in a stretch of time; None where it could not be read.

    name: model of the CPU, with the number of threads in use. seconds: of the stretch. others_pct: time of other
    processes, of all these CPUs. steal_pct: time that the hypervisor gave to others. stopped_pct: of the time, in
    which the container's quota stopped this process. involuntary_per_s: how often a thread of this process was put
    off a CPU. load_1m: runnable processes, mean of a minute, at the beginning. governor, boost: how clocks are set.
    faults: why a reading is None, by its name.
    """

    name: str
    seconds: float
    cpus: int
    others_pct: float | None
    steal_pct: float | None
    stopped_pct: float | None
    involuntary_per_s: float
    load_1m: float | None
    governor: str | None
    boost: str | None
    faults: dict[str, str] = field(default_factory=dict)

    def doubts(self) -> list[str]:
        """Say why what was timed meanwhile is not to be trusted, and what to do next."""
        reasons = []
        if self.others_pct is None:
            reasons.append(
                f"whether other programs used the CPU is not known ({self.faults['others_pct']}); run on Linux with "
                "a readable /proc/stat"
            )
        elif self.others_pct > OTHERS_PCT or self.others_pct / 100 * self.cpus > OTHERS_CPUS:
            reasons.append(
                f"other programs took {self.others_pct:.0f} % of {self.cpus} CPUs meanwhile; close them, run again"
            )
        if self.steal_pct is not None and self.steal_pct > STEAL_PCT:
            reasons.append(
                f"the hypervisor took {self.steal_pct:.0f} % of the CPU meanwhile; run again later, or on a machine "
                "that is not shared"
            )
        if self.stopped_pct is not None and self.stopped_pct > STOPPED_PCT:
            reasons.append(
                f"the container's CPU quota stopped this process for {self.stopped_pct:.0f} % of the time; raise the "
                "quota, or lower OMP_NUM_THREADS"
            )
        return reasons


@dataclass(frozen=True)
class _Moment:
    """Counters at one moment, in seconds since some beginning; None where they could not be read."""

    at_s: float
    own_s: float
    switches: int
    busy_s: float | None
    steal_s: float | None
    stopped_s: float | None


def involuntary_switches() -> int:
    """Return how often the kernel has put a thread of this process off a CPU."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


class CpuWatch:
    """Reads the kernel's account of the CPUs at the beginning and at the end of its block.

    Args:
        root: of the file system that holds proc and sys.
        cpus: numbers of the CPUs that this process may use; None asks the system.
        clock_ns: of time. own_cpu_s: CPU time of all threads of this process. switches: see `involuntary_switches`.

    Attributes:
        state: what happened, once the block has ended.
    """

    def __init__(
        self,
        *,
        root: Path = Path("/"),
        cpus: Collection[int] | None = None,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
        own_cpu_s: Callable[[], float] = time.process_time,
        switches: Callable[[], int] = involuntary_switches,
    ) -> None:
        self.root, self.clock_ns, self.own_cpu_s, self.switches = root, clock_ns, own_cpu_s, switches
        self.cpus = frozenset(cpus if cpus is not None else os.sched_getaffinity(0))
        self.faults: dict[str, str] = {}
        self.state: CpuState | None = None

    def __enter__(self) -> Self:
        self.load_1m = self._read_load()
        self.begin = self._moment()
        return self

    def __exit__(self, *error: object) -> None:
        self.state = self._between(self.begin, self._moment())

    def _moment(self) -> _Moment:
        """Read all counters."""
        busy_s, steal_s = self._accounts()
        return _Moment(self.clock_ns() / 1e9, self.own_cpu_s(), self.switches(), busy_s, steal_s, self._stopped_s())

    def _between(self, begin: _Moment, end: _Moment) -> CpuState:
        """Return what happened between two moments."""
        seconds = max(end.at_s - begin.at_s, 1e-9)
        capacity_s = seconds * len(self.cpus)
        steal_s = self._rise("steal_pct", begin.steal_s, end.steal_s)
        stopped_s = self._rise("stopped_pct", begin.stopped_s, end.stopped_s)
        others_s = self._others(begin, end, capacity_s)
        first = f"sys/devices/system/cpu/cpu{min(self.cpus)}/cpufreq/scaling_governor"
        return CpuState(
            name=cpu_name(),
            seconds=seconds,
            cpus=len(self.cpus),
            others_pct=None if others_s is None else 100 * others_s / capacity_s,
            steal_pct=None if steal_s is None else 100 * steal_s / capacity_s,
            stopped_pct=None if stopped_s is None else 100 * stopped_s / seconds,
            involuntary_per_s=(end.switches - begin.switches) / seconds,
            load_1m=self.load_1m,
            governor=self._word(first),
            boost=self._word("sys/devices/system/cpu/cpufreq/boost"),
            faults=self.faults,
        )

    def _others(self, begin: _Moment, end: _Moment, capacity_s: float) -> float | None:
        """Return the CPU seconds of other processes; None where the kernel's account cannot be right."""
        busy_s = self._rise("others_pct", begin.busy_s, end.busy_s)
        if busy_s is None:
            return None
        others_s = busy_s - (end.own_s - begin.own_s)
        if others_s < -SLACK * capacity_s - 2 / os.sysconf("SC_CLK_TCK"):
            self.faults["others_pct"] = "/proc/stat does not count what this process did"
            return None
        return max(0.0, others_s)

    def _rise(self, name: str, begin: float | None, end: float | None) -> float | None:
        """Return by how much a counter has risen; None where it was not read, or ran backwards."""
        if begin is None or end is None:
            return None
        if end < begin:
            self.faults[name] = "its counter ran backwards"
            return None
        return end - begin

    def _accounts(self) -> tuple[float | None, float | None]:
        """Return the busy and the stolen seconds of the CPUs since boot."""
        try:
            lines = (self.root / "proc/stat").read_text().splitlines()
            names = {f"cpu{number}" for number in self.cpus}
            mine = [[int(word) for word in words[1:]] for line in lines if (words := line.split())[0] in names]
            if len(mine) != len(names):
                raise ValueError(f"/proc/stat has {len(mine)} of {len(names)} CPUs")
            busy, steal = sum(line[i] for line in mine for i in BUSY), sum(line[STEAL] for line in mine)
        except OSError as error:
            self.faults["others_pct"] = self.faults["steal_pct"] = f"/proc/stat: {error.strerror}"
        except (ValueError, IndexError) as error:
            self.faults["others_pct"] = self.faults["steal_pct"] = str(error)
        else:
            ticks = os.sysconf("SC_CLK_TCK")
            return busy / ticks, steal / ticks
        return None, None

    def _stopped_s(self) -> float | None:
        """Return the seconds for which a quota has stopped this process's group; None where none is told of."""
        for folder in self._groups():
            text = self._word(f"sys/fs/cgroup/{folder}/cpu.stat") or ""
            told = dict(line.split() for line in text.splitlines())
            for name, per_s in THROTTLED.items():
                if name in told:
                    return int(told[name]) / per_s
        self.faults["stopped_pct"] = "no cpu.stat of this process's group tells of a quota"
        return None

    def _groups(self) -> Iterator[str]:
        """Yield where the account of this process's group may be: of cgroup 2 or 1; in a container at the top."""
        lines = [line.split(":", 2) for line in (self._word("proc/self/cgroup") or "").splitlines()]
        for _, controllers, group in (line for line in lines if len(line) == 3):
            if not controllers or "cpu" in controllers.split(","):
                yield from (f"{controllers}{group}", controllers)
        yield ""

    def _read_load(self) -> float | None:
        """Return the load of the last minute."""
        text = self._word("proc/loadavg")
        return float(text.split()[0]) if text else None

    def _word(self, path: str) -> str | None:
        """Return the content of a small file, None where it cannot be read."""
        try:
            return (self.root / path).read_text().strip()
        except OSError:
            return None
