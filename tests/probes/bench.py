"""A device that draws scripted power on a clock of its own, with a counter of energy that moves in steps."""

from collections.abc import Callable, Iterable, Iterator
from itertools import repeat

from tradeoff.probes.energy import energy


class Bench:
    """A device, its clock and its counter. rest_w, work_w: what it draws; tick_s: how often the counter moves."""

    def __init__(self, rest_w: float = 50.0, work_w: float | Iterable[float] = 300.0, tick_s: float = 0.1) -> None:
        self.rest_w, self.tick_s = rest_w, tick_s
        self.watts = repeat(work_w) if isinstance(work_w, float) else iter(work_w)
        self.now_s = self.drawn_j = 0.0
        self.told_j, self.next_s = 1000.0, tick_s
        self.readings = 0

    def clock(self) -> float:
        return self.now_s

    def pass_(self, seconds: float, watts: float) -> None:
        end_s = self.now_s + seconds
        while self.next_s <= end_s:
            self.drawn_j += watts * (self.next_s - self.now_s)
            self.now_s, self.told_j = self.next_s, 1000.0 + self.drawn_j
            self.next_s += self.tick_s
        self.drawn_j += watts * (end_s - self.now_s)
        self.now_s = end_s

    def sleep(self, seconds: float) -> None:
        self.pass_(seconds, self.rest_w)

    def call(self, seconds: float) -> Callable[[], None]:
        return lambda: self.pass_(seconds, next(self.watts))

    def joules(self) -> float:
        self.readings += 1
        return self.told_j

    def measure(self, call_s: float = 0.02, trials: int = 3, **options):
        given = {"window_s": 2.0, "clock": self.clock, "sleep": self.sleep, **options}
        return energy(self.call(call_s), self, trials=trials, **given)

    def millijoules(self) -> Iterator[int]:
        """What NVML's counter says, reading by reading."""
        while True:
            yield round(1000 * self.joules())
