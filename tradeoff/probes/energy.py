"""How much energy a call takes beyond what the device draws at rest, by its own counter of joules."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tradeoff.core.errors import NotMeasured
from tradeoff.probes.joules import Counter

STILL_S = 5.0  # a counter that has not moved for so long is dead: NVML's moves every 0.1 s, RAPL's every millisecond
REST_S = 0.01  # how long one call of doing nothing takes
OVER_LIMIT = 1.05  # the sensor is good to 5 %


@dataclass(frozen=True)
class Window:
    """Calls from one tick of the counter to another. joules: gross."""

    joules: float
    seconds: float
    calls: int

    @property
    def watts(self) -> float:
        """Mean power."""
        return self.joules / self.seconds


@dataclass(frozen=True)
class Energy:
    """What was measured. rest: doing nothing, just before; trials: the calls."""

    rest: Window
    trials: Sequence[Window]

    @property
    def calls_j(self) -> list[float]:
        """Energy of a call above rest, one number a trial."""
        return [(trial.joules - self.rest.watts * trial.seconds) / trial.calls for trial in self.trials]

    @property
    def call_j(self) -> float:
        """Energy of a call above rest: the median of the trials."""
        return statistics.median(self.calls_j)

    @property
    def power_w(self) -> float:
        """Mean power of the trials, rest included."""
        return sum(trial.joules for trial in self.trials) / sum(trial.seconds for trial in self.trials)

    @property
    def spread_pct(self) -> float:
        """From the lowest to the highest trial, in percent of the median."""
        return 100 * (max(self.calls_j) - min(self.calls_j)) / self.call_j


def energy(
    work: Callable[[], object],
    counter: Counter,
    *,
    window_s: float,
    trials: int,
    limit_w: float | None = None,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> Energy:
    """Measure the energy of a call over several windows, above that of a window of rest.

    The device rests for a window before the one that is counted. All windows begin and end when the counter moves, so
    that how seldom it does is no error; what is left is one call, or one tick, at either end. `work` has to return
    when its work is done, not when it is queued. Other programs on the device are counted as well.

    Args:
        work: one call.
        counter: of the device that works.
        window_s: least length of a window; a few seconds.
        trials: windows of work, at least 1.
        limit_w: what the device cannot draw more than; None where nobody knows.
        clock: seconds, never backwards.
        sleep: what rests.

    Raises:
        NotMeasured: the counter cannot be read, stands still, runs backwards, or says what cannot be.

    Source: windows of seconds, trials and rest as in ML.ENERGY's Zeus; Yang et al., arXiv 2312.02741, on why polled
    power is not enough.
    """
    counter.joules()  # a missing sensor costs no time
    sleep(window_s)
    rest = _window(lambda: sleep(REST_S), counter, window_s, clock)
    found = Energy(rest, [_window(work, counter, window_s, clock) for _ in range(trials)])
    if found.call_j <= 0:
        raise NotMeasured(
            f"the device drew {found.power_w:.1f} W in work and {rest.watts:.1f} W at rest; close other programs"
        )
    if limit_w is not None and found.power_w > OVER_LIMIT * limit_w:
        raise NotMeasured(f"the counter says {found.power_w:.0f} W, above the limit of {limit_w:.0f} W")
    return found


def _window(work: Callable[[], object], counter: Counter, least_s: float, clock: Callable[[], float]) -> Window:
    """Repeat work from one tick of the counter to the first one that is at least so long after it."""
    begin_j, begin_s, _ = _tick(work, counter, clock)
    calls = 0
    while clock() - begin_s < least_s:
        work()
        calls += 1
    end_j, end_s, more = _tick(work, counter, clock)
    if end_j < begin_j:
        raise NotMeasured("the counter of energy ran backwards; the driver was loaded anew")
    return Window(end_j - begin_j, end_s - begin_s, calls + more)


def _tick(work: Callable[[], object], counter: Counter, clock: Callable[[], float]) -> tuple[float, float, int]:
    """Repeat work until the counter moves; return its joules, the time, and the number of calls."""
    base_j, since_s, calls = counter.joules(), clock(), 0
    while True:
        work()
        calls += 1
        now_j, now_s = counter.joules(), clock()
        if now_j != base_j:
            return now_j, now_s, calls
        if now_s - since_s > STILL_S:
            raise NotMeasured(f"the counter of energy stood still for {now_s - since_s:.0f} s")
