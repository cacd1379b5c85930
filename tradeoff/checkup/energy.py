"""Energy over known windows: rest, and a product of matrices again and again."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch

from tradeoff.checkup.result import Result, judged
from tradeoff.core.errors import NotMeasured
from tradeoff.probes.energy import energy
from tradeoff.probes.joules import counter_of

SIDE = 2048
WINDOW_S, TRIALS = 2.0, 3
SPREAD_PCT = 10.0


def check(device: torch.device) -> Iterator[Result]:
    """Check the counter of a device; one that cannot be read is a warning, one that lies is wrong."""
    left, right = torch.rand(2, SIDE, SIDE, device=device)

    def work() -> None:
        left @ right
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    yield told(device, work)


def told(
    device: torch.device,
    work: Callable[[], object],
    library: Any = None,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], object] = time.sleep,
) -> Result:
    """Measure work in several windows, which are to agree."""
    expected = f"trials within {SPREAD_PCT:g} %, power above rest"
    try:
        with counter_of(device, library) as (counter, gpu):
            limit_w = gpu.power_limit_w() if gpu else None
            found = energy(work, counter, window_s=WINDOW_S, trials=TRIALS, limit_w=limit_w, clock=clock, sleep=sleep)
    except NotMeasured as error:
        return Result("energy", "warning", "not measured", expected, str(error))
    return judged(
        "energy",
        found.spread_pct <= SPREAD_PCT,
        f"{found.power_w:.0f} W in work, {found.rest.watts:.0f} W at rest, trials within {found.spread_pct:.1f} %",
        expected,
        "energy_j is not to be trusted here now; close other programs, let the device settle, run again",
        power_w=found.power_w,
        idle_w=found.rest.watts,
        spread_pct=found.spread_pct,
    )
