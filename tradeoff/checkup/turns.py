"""Comparison: the same work twice is to be the same, and 5 % more is to be found."""

import time
from collections.abc import Callable, Iterator

import torch

from tradeoff.checkup.cuda import waiting_on
from tradeoff.checkup.result import Result, judged
from tradeoff.probes.paired import Demands, Ratio, compare

SIDE, CYCLES = 128, 150_000  # of a product of some 100 µs on a CPU, and of a wait of as long on a GPU
UNITS, MORE_UNITS = 40, 42  # 5 % more, by construction
TRUE = MORE_UNITS / UNITS
OFF = 0.01  # how far a ratio may be off
LONGEST_S = 12.0
CPU = torch.device("cpu")
ADVICE = "comparisons are not to be trusted here now; close other programs, run again"


def check(device: torch.device) -> Iterator[Result]:
    """Compare products of matrices, or waits of a GPU, in turns of random order."""
    yield from told(unit_of(device), device=device)


def unit_of(device: torch.device) -> Callable[[], object]:
    """Return work that takes some 100 µs of a device."""
    if device.type == "cuda":
        wait = waiting_on(device)
        return lambda: wait(CYCLES)
    left, right = torch.rand(2, SIDE, SIDE)
    return lambda: left @ right


def told(
    unit: Callable[[], object],
    clock_ns: Callable[[], int] = time.perf_counter_ns,
    longest_s: float = LONGEST_S,
    device: torch.device = CPU,
) -> list[Result]:
    """Compare some units of work with as many, and with a twentieth more."""

    def repeated(times: int) -> Callable[[object], None]:
        def work(_: object) -> None:
            for _ in range(times):
                unit()

        return work

    functions = [repeated(UNITS), repeated(UNITS), repeated(MORE_UNITS)]
    demands = Demands(zone=OFF, max_s=longest_s)
    found = compare(functions, device=device, demands=demands, clock_ns=clock_ns)
    return verdicts(*found.ratios)


def verdicts(same: Ratio, more: Ratio) -> list[Result]:
    """Judge the ratio of equal work and that of a twentieth more."""
    is_same = same.verdict not in ("FAST", "SLOW") and abs(same.estimate - 1) <= OFF
    is_found = more.verdict == "SLOW" and abs(more.estimate - TRUE) <= OFF
    return [
        judged("A/A", is_same, _words(same), f"1 ± {OFF:g}", ADVICE, ratio=same.estimate),
        judged("+5 %", is_found, _words(more), f"SLOW, {TRUE:g} ± {OFF:g}", ADVICE, ratio=more.estimate),
    ]


def _words(ratio: Ratio) -> str:
    """Word a ratio with its interval and verdict."""
    return f"{ratio.estimate:.3f} ({ratio.low:.3f} to {ratio.high:.3f}), {ratio.verdict}"
