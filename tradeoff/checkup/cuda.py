"""The clocks of a GPU: its events and the host's clock are to say the same of work that keeps it busy."""

import time
from collections.abc import Callable, Iterator

import torch

from tradeoff.checkup.result import Result, judged

WANTED_MS = 50.0
TRIAL_CYCLES = 10_000_000
OFF = 0.01  # and what a launch takes
LAUNCH_MS = 0.05


def check(device: torch.device) -> Iterator[Result]:
    """Have a GPU wait for a known number of its cycles, timed by both clocks."""
    if device.type == "cuda":
        yield two_clocks(device)


def two_clocks(
    device: torch.device,
    wait: Callable[[int], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Result:
    """Time a wait of about 50 ms: events that are not on the stream that works, or no synchronisation, are found."""
    wait = wait or _sleep_on(device)
    _both_ms(device, wait, TRIAL_CYCLES, clock)  # the first launch loads the kernel
    trial_ms, _ = _both_ms(device, wait, TRIAL_CYCLES, clock)
    cycles = round(TRIAL_CYCLES * WANTED_MS / max(trial_ms, 1e-3))
    host_ms, event_ms = _both_ms(device, wait, cycles, clock)
    per_cycle, before = event_ms / cycles, trial_ms / TRIAL_CYCLES
    return judged(
        "two clocks",
        abs(host_ms - event_ms) <= OFF * event_ms + LAUNCH_MS and per_cycle > 0.5 * before,
        f"{event_ms:.3f} ms by events, {host_ms:.3f} ms by the host",
        f"the same within {100 * OFF:g} % and {LAUNCH_MS:g} ms",
        "close other programs on the CPU and on the GPU, run again",
        event_ms=event_ms,
        host_ms=host_ms,
    )


def _sleep_on(device: torch.device) -> Callable[[int], None]:
    """Return what has a device wait for so many cycles; by itself torch takes the current device."""

    def wait(cycles: int) -> None:
        with torch.cuda.device(device):
            torch.cuda._sleep(cycles)

    return wait


def _both_ms(
    device: torch.device, wait: Callable[[int], None], cycles: int, clock: Callable[[], float]
) -> tuple[float, float]:
    """Return the milliseconds of a wait by the host's clock and by events."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    stream = torch.cuda.current_stream(device)
    torch.cuda.synchronize(device)
    begin_s = clock()
    begin.record(stream)
    wait(cycles)
    end.record(stream)
    torch.cuda.synchronize(device)
    return 1000 * (clock() - begin_s), begin.elapsed_time(end)
