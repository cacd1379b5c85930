"""Does the comparison by turns say what is true? Verdicts on work whose ratio is known by its making.

Each case times two callables again and again, as `python -m tradeoff.compare A B --remeasure` does, for 3 s at most
and with a draw of its own each time. Of small convolutions one side does 50 and the other 50 or 51, or 40 and 42;
spins last until the clock says so; the two networks have equal weights, each in memory of its own. The row of a case
is written as soon as it is done, in the place of an earlier one; with 100 repetitions it takes up to five minutes.
The last line is JSON. Exit code 1 where a bar is missed, in % of the repetitions:
  equal work: the estimate within 1 % of the truth (near_pct) in at least 95, FAST or SLOW (false_pct) in at most 5;
  more work: found to be SLOW, 2 % in at least 80, 5 % in at least 95;
  in every case: the interval covers the truth in at least 93.

  python benchmarks/paired.py                                      all cases
  python benchmarks/paired.py convolutions+0 spin+0                some of them

`--clock cpu` counts the time of this process alone, for a machine that others keep busy.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from bars import MEASURED, Row, ended, judged, write
from torch import nn

from tradeoff.probes.paired import Comparison, Demands, Ratio, compare

TABLE = MEASURED / "paired_cpu.csv"
DEMANDS = Demands(zone=0.01, max_s=3.0, max_rounds=1000, warmup_s=0.05)
NEAR = 0.01
#: verdicts that are false of equal work, and of more of it
FALSE = {False: ("FAST", "SLOW"), True: ("FAST", "SAME")}
CLOCKS = {"wall": time.perf_counter_ns, "cpu": time.process_time_ns}

Work = Callable[[object], object]


def convolutions(first: int, second: int) -> tuple[Work, Work, float]:
    """Return so many and so many small convolutions, and their ratio."""
    layer, image = nn.Conv2d(16, 16, 3, padding=1), torch.rand(1, 16, 48, 48)

    def repeat(times: int) -> Work:
        def work(_: object) -> None:
            for _ in range(times):
                layer(image)

        return work

    return repeat(first), repeat(second), second / first


def spins(first_ms: float, second_ms: float) -> tuple[Work, Work, float]:
    """Return two loops that end when the clock has gone so far, and their ratio."""

    def spin(milliseconds: float) -> Work:
        def work(_: object) -> None:
            end_ns = time.perf_counter_ns() + 1e6 * milliseconds
            while time.perf_counter_ns() < end_ns:
                pass

        return work

    return spin(first_ms), spin(second_ms), second_ms / first_ms


def networks() -> tuple[Work, Work, float]:
    """Return two networks of about 2 ms with equal weights."""

    def network() -> Work:
        torch.manual_seed(0)
        layers = [nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU()]
        layers += [nn.Conv2d(32, 64, 3, 2, 1), nn.ReLU(), nn.Conv2d(64, 64, 3, 1, 1)]
        body, image = nn.Sequential(*layers).eval(), torch.rand(1, 3, 160, 160)
        return lambda _: body(image)

    return network(), network(), 1.0


CASES: dict[str, Callable[[], tuple[Work, Work, float]]] = {
    "convolutions+0": partial(convolutions, 50, 50),
    "convolutions+2": partial(convolutions, 50, 51),
    "convolutions+5": partial(convolutions, 40, 42),
    "spin+0": partial(spins, 2.0, 2.0),
    "spin+2": partial(spins, 2.0, 2.04),
    "spin+5": partial(spins, 2.0, 2.1),
    "networks+0": networks,
}
#: by what a case ends in, how much more work the second side does
BARS = {
    "+0": {"near_pct": (">=", 95), "false_pct": ("<=", 5), "covered_pct": (">=", 93)},
    "+2": {"slow_pct": (">=", 80), "covered_pct": (">=", 93)},
    "+5": {"slow_pct": (">=", 95), "covered_pct": (">=", 93)},
}


def main() -> int:
    """Repeat the cases one after the other, write the row of each as it is done; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"{', '.join(CASES)}; all of them")
    parser.add_argument("--repetitions", type=int, default=100, help="100")
    parser.add_argument("--table", type=Path, default=TABLE, help="results/measured/paired_cpu.csv")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="wall")
    told = parser.parse_args()
    names = told.cases or [name for name in CASES if told.clock == "wall" or not name.startswith("spin")]
    if strange := [name for name in names if name not in CASES]:
        parser.error(f"{', '.join(strange)}: no such case; there are {', '.join(CASES)}")
    if told.clock == "cpu" and any(name.startswith("spin") for name in names):
        parser.error("--clock cpu: a spin ends by the wall clock")
    rows = []
    for name in names:
        found = repeated(CASES[name], told.repetitions, CLOCKS[told.clock])
        rows.append(judged({"case": name, "clock": told.clock, **found}, **BARS[name[-2:]]))
        write(told.table, rows[-1:], by=("case", "clock"))
        print(f"{name} took {found['seconds']} s", file=sys.stderr)
    return ended(told.table, rows)


def repeated(make: Callable[[], tuple[Work, Work, float]], repetitions: int, clock_ns: Callable[[], int]) -> Row:
    """Compare again and again, each time with callables made anew; return how often it was right."""
    found, began_s = [], time.perf_counter()
    with torch.inference_mode():
        for seed in range(repetitions):
            first, second, truth = make()
            found.append(compare([first, second], demands=DEMANDS, draw=random.Random(seed), clock_ns=clock_ns))
    seconds = round(time.perf_counter() - began_s)
    return {"truth": truth, **summed_up(found, truth), "seconds": seconds, "load_1_min": load()}


def summed_up(found: list[Comparison], truth: float) -> Row:
    """Return the shares of right answers and of each verdict, %, and how much it took."""
    ratios = [comparison.ratios[0] for comparison in found]
    estimates = [ratio.estimate for ratio in ratios]

    def share(holds: Callable[[Ratio], bool]) -> float:
        return round(100 * sum(map(holds, ratios)) / len(ratios), 1)

    return {
        "repetitions": len(ratios),
        "near_pct": share(lambda ratio: abs(ratio.estimate / truth - 1) <= NEAR),
        "covered_pct": share(lambda ratio: ratio.low <= truth <= ratio.high),
        "false_pct": share(lambda ratio: ratio.verdict in FALSE[truth > 1]),
        "fast_pct": share(lambda ratio: ratio.verdict == "FAST"),
        "slow_pct": share(lambda ratio: ratio.verdict == "SLOW"),
        "same_pct": share(lambda ratio: ratio.verdict == "SAME"),
        "cannot_tell_pct": share(lambda ratio: ratio.verdict == "CANNOT TELL"),
        "doubted_pct": round(100 * sum(bool(comparison.reasons) for comparison in found) / len(found), 1),
        "ratio_p50": round(statistics.median(estimates), 4),
        "ratio_min": round(min(estimates), 4),
        "ratio_max": round(max(estimates), 4),
        "rounds_p50": statistics.median(len(comparison.rounds_ms) for comparison in found),
        "turn_ms_p50": round(statistics.median(comparison.medians_ms()[0] for comparison in found), 3),
    }


def load() -> float:
    """Return how many programs wanted a core in the last minute, this one included."""
    return float(Path("/proc/loadavg").read_text().split()[0])


if __name__ == "__main__":
    sys.exit(main())
