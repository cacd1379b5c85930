"""Comparison: the same work twice is to be the same, and 5 % more is to be found."""

import statistics
import time
from collections.abc import Callable, Iterator

import torch

from tradeoff.checkup.clock import spin_ms
from tradeoff.checkup.result import Result, judged
from tradeoff.probes.paired import Demands, Ratio, compare

SIDE = 384  # a product of about 2 ms on two cores
MORE = 0.05
OFF = 0.01  # how far a ratio may be off
LONGEST_S = 15.0
ADVICE = "comparisons are not to be trusted here now; close other programs, run again"


def check(device: torch.device) -> Iterator[Result]:
    """Compare a product of matrices with itself, and with itself and 5 % more, in turns of random order."""
    left, right = torch.rand(2, SIDE, SIDE)
    yield from told(lambda: left @ right, spin_ms)


def told(
    work: Callable[[], object],
    spin: Callable[[float], None],
    clock_ns: Callable[[], int] = time.perf_counter_ns,
    longest_s: float = LONGEST_S,
) -> list[Result]:
    """Compare work with itself, and with what takes a known part longer."""
    more_ms = MORE * _typical_ms(work, clock_ns)

    def slower(_: object) -> None:
        work()
        spin(more_ms)

    functions = [lambda _: work(), lambda _: work(), slower]
    found = compare(functions, demands=Demands(zone=OFF, max_s=longest_s), clock_ns=clock_ns)
    true = 1 + more_ms / found.medians_ms()[0]
    same, more = found.ratios
    return [
        judged("A/A", abs(same.estimate - 1) <= OFF, _words(same), f"1 ± {OFF:g}", ADVICE, ratio=same.estimate),
        judged(
            f"+{100 * MORE:g} %",
            more.verdict == "SLOW" and abs(more.estimate - true) <= OFF,
            _words(more),
            f"SLOW, {true:.3f} ± {OFF:g}",
            ADVICE,
            ratio=more.estimate,
            true_ratio=true,
        ),
    ]


def _typical_ms(work: Callable[[], object], clock_ns: Callable[[], int]) -> float:
    """Return the median of a few runs."""
    times = []
    for _ in range(50):
        begin_ns = clock_ns()
        work()
        times.append((clock_ns() - begin_ns) / 1e6)
    return statistics.median(times)


def _words(ratio: Ratio) -> str:
    """Word a ratio with its interval and verdict."""
    return f"{ratio.estimate:.3f} ({ratio.low:.3f} to {ratio.high:.3f}), {ratio.verdict}"
