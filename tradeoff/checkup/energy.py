"""Energy over known windows: rest, and a product of matrices again and again; on a GPU with a second opinion."""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from tradeoff.checkup.result import Result, judged
from tradeoff.core.errors import NotMeasured
from tradeoff.core.nvml import Gpu
from tradeoff.probes.energy import energy
from tradeoff.probes.joules import counter_of

SIDE = 2048
WINDOW_S, TRIALS = 2.0, 3
SPREAD_PCT = 10.0
POLL_S = 0.1
APART_PCT = 10.0


def check(device: torch.device) -> Iterator[Result]:
    """Check the counter of a device; one that cannot be read is a warning, one that lies is wrong."""
    left, right = torch.rand(2, SIDE, SIDE, device=device)

    def work() -> None:
        left @ right
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    yield from told(device, work)


def told(
    device: torch.device,
    work: Callable[[], object],
    library: Any = None,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[Result]:
    """Measure work in several windows, which are to agree; on a GPU its sensor of power is asked meanwhile."""
    expected = f"trials within {SPREAD_PCT:g} %, power above rest"
    try:
        with counter_of(device, library) as (counter, gpu):
            polled = Polled(work, gpu, clock)
            limit_w = gpu.power_limit_w() if gpu else None
            found = energy(
                polled, counter, window_s=WINDOW_S, trials=TRIALS, limit_w=limit_w, clock=clock, sleep=sleep
            )
    except NotMeasured as error:
        yield Result("energy", "warning", "not measured", expected, str(error))
        return
    yield judged(
        "energy",
        found.spread_pct <= SPREAD_PCT,
        f"{found.power_w:.0f} W in work, {found.rest.watts:.0f} W at rest, trials within {found.spread_pct:.1f} %",
        expected,
        "energy_j is not to be trusted here now; close other programs, let the device settle, run again",
        power_w=found.power_w,
        idle_w=found.rest.watts,
        spread_pct=found.spread_pct,
    )
    if gpu:
        yield second_opinion(found.power_w, polled.steady_w())


class Polled:
    """Work that asks the GPU's sensor of power in passing, ten times a second."""

    def __init__(self, work: Callable[[], object], gpu: Gpu | None, clock: Callable[[], float]) -> None:
        self.work, self.gpu, self.clock = work, gpu, clock
        self.next_s, self.readings_w = 0.0, list[float | None]()

    def __call__(self) -> None:
        """Work once."""
        self.work()
        if self.gpu and self.clock() >= self.next_s:
            self.readings_w.append(self.gpu.power_w())
            self.next_s = self.clock() + POLL_S

    def steady_w(self) -> float | None:
        """Return the mean of the second half, for the sensor averages over a second; None if one is missing."""
        steady = self.readings_w[len(self.readings_w) // 2 :]
        known = [watts for watts in steady if watts is not None]
        return statistics.fmean(known) if known and len(known) == len(steady) else None


def second_opinion(counted_w: float, polled_w: float | None) -> Result:
    """Compare the power by the counter with that of the other sensor; which of the two errs is not known."""
    expected = f"within {APART_PCT:g} % of the counter"
    if polled_w is None:
        return Result("power", "warning", "not measured", expected, "NVML does not give the power")
    apart_pct = 100 * abs(polled_w - counted_w) / counted_w
    return Result(
        "power",
        "right" if apart_pct <= APART_PCT else "warning",
        f"{polled_w:.0f} W by the sensor, {counted_w:.0f} W by the counter",
        expected,
        "" if apart_pct <= APART_PCT else "the two do not agree: compare energy_j on this machine alone",
        {"polled_w": polled_w, "counted_w": counted_w},
    )
