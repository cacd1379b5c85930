"""The clocks of a GPU: events and the host's are to say the same of what keeps it busy, and to read known work."""

import statistics
import time
from collections.abc import Callable, Iterator

import torch

from tradeoff.checkup.result import Result, judged
from tradeoff.probes.latency import Limits, summary, time_steps

WANTED_MS = 50.0
TRIAL_CYCLES = 10_000_000
OFF = 0.01  # and what a launch takes
LAUNCH_MS = 0.05
LONG_RUNS, LONG_CYCLES = 9, 200_000_000  # about a tenth of a second each; the first ones bring the clock up
KNOWN_MS = (1.0, 10.0, 100.0)
SAMPLES = 30
STEADY = "lock the GPU's clocks (nvidia-smi -lgc), close other programs on it, run again"


def check(device: torch.device) -> Iterator[Result]:
    """Have a GPU wait for known numbers of its cycles, timed by both clocks."""
    if device.type == "cuda":
        yield two_clocks(device)
        yield from durations(device)


def two_clocks(
    device: torch.device,
    wait: Callable[[int], None] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Result:
    """Time a wait of about 50 ms: events that are not on the stream that works, or no synchronisation, are found."""
    wait = wait or waiting_on(device)
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


def durations(
    device: torch.device,
    wait: Callable[[int], None] | None = None,
    clock_ns: Callable[[], int] = time.perf_counter_ns,
) -> Iterator[Result]:
    """Time waits of 1, 10 and 100 ms with the harness that times detectors, less what a wait for nothing takes.

    How many cycles make a millisecond is told by several long runs.
    """
    wait = wait or waiting_on(device)
    runs_ms = [_both_ms(device, wait, LONG_CYCLES, lambda: clock_ns() / 1e9)[1] for _ in range(LONG_RUNS)]
    per_ms = LONG_CYCLES / max(statistics.median(runs_ms[LONG_RUNS // 3 :]), 1e-3)
    launch = _read_ms(device, wait, 0.0, per_ms, clock_ns)
    for known_ms in KNOWN_MS:
        read = _read_ms(device, wait, known_ms, per_ms, clock_ns)
        yield duration(known_ms, read[0] - launch[0], read[1] - launch[1])


def duration(known_ms: float, host_ms: float, event_ms: float) -> Result:
    """Judge what both clocks read of a known wait: 1 % or 5 µs."""
    allowed_ms = max(0.01 * known_ms, 0.005)
    return judged(
        f"{known_ms:g} ms of the GPU",
        max(abs(host_ms - known_ms), abs(event_ms - known_ms)) <= allowed_ms,
        f"{event_ms:.4f} ms by events, {host_ms:.4f} ms by the host",
        f"{known_ms:g} ± {allowed_ms:g} ms",
        STEADY,
        known_ms=known_ms,
        event_ms=event_ms,
        host_ms=host_ms,
    )


def _read_ms(
    device: torch.device,
    wait: Callable[[int], None],
    known_ms: float,
    per_ms: float,
    clock_ns: Callable[[], int],
) -> tuple[float, float]:
    """Return the medians of a wait by the host's clock and by events."""
    cycles, longest_s = round(per_ms * known_ms), max(2.0, 2 * SAMPLES * known_ms / 1000)
    limits = Limits(max_s=longest_s, min_samples=SAMPLES, warmup_iterations=10, warmup_s=0.0, precision=0.001)
    timing = time_steps([("wait", lambda _: wait(cycles))], [None], device=device, limits=limits, clock_ns=clock_ns)
    told = summary(timing)
    return told["p50"], told["gpu_p50"]


def waiting_on(device: torch.device) -> Callable[[int], None]:
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
