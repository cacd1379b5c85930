"""Does the comparison by turns say what is true? Verdicts on work whose ratio is known by its making.

Each case times two callables again and again, as `python -m tradeoff.compare A B --remeasure` does, with a draw of
its own each time. Of small convolutions one side does 50 and the other 50 or 51, or 40 and 42; spins last until the
clock says so; the two networks have equal weights, each in memory of its own. `--clock cpu` counts the time of this
process alone, for a machine that others keep busy; so, with one thread at a load of 11 to 17, the lines of
results/measured/paired_cpu.csv were made, in which 3 s were too short for most
verdicts. Adds a line to the table for the case:

  python benchmarks/paired.py convolutions+0 --repetitions 100 --table results/measured/paired_cpu.csv
"""

import argparse
import csv
import json
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from tradeoff.core.machine import cpu_name
from tradeoff.probes.paired import Comparison, Demands, compare

DEMANDS = Demands(zone=0.01, max_s=3.0, max_rounds=1000, warmup_s=0.05)
NEAR = 0.01

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
    "convolutions+0": lambda: convolutions(50, 50),
    "convolutions+2": lambda: convolutions(50, 51),
    "convolutions+5": lambda: convolutions(40, 42),
    "spin+0": lambda: spins(2.0, 2.0),
    "spin+2": lambda: spins(2.0, 2.04),
    "spin+5": lambda: spins(2.0, 2.1),
    "networks+0": networks,
}


def main() -> None:
    """Repeat one case, add its line to the table, print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    told = parser.parse_args()
    if told.clock == "cpu" and told.case.startswith("spin"):
        parser.error("--clock cpu: a spin ends by the wall clock")
    found = repeated(CASES[told.case], told.repetitions, CLOCKS[told.clock])
    line = {"case": told.case, "clock": told.clock, **found, **circumstances()}
    if told.table:
        add(told.table, line)
    print(json.dumps(line))


def repeated(
    make: Callable[[], tuple[Work, Work, float]], repetitions: int, clock_ns: Callable[[], int]
) -> dict[str, object]:
    """Compare again and again, each time with callables made anew; return how often it was right."""
    found, began_s = [], time.perf_counter()
    with torch.inference_mode():
        for seed in range(repetitions):
            first, second, truth = make()
            found.append(compare([first, second], demands=DEMANDS, draw=random.Random(seed), clock_ns=clock_ns))
    return {"truth": truth, **summed_up(found, truth), "seconds": round(time.perf_counter() - began_s)}


def summed_up(found: list[Comparison], truth: float) -> dict[str, object]:
    """Return the shares of right answers, and how much it took."""
    ratios = [comparison.ratios[0] for comparison in found]
    share = {name: sum(ratio.verdict == name for ratio in ratios) for name in ("FAST", "SLOW", "SAME", "CANNOT TELL")}
    return {
        "repetitions": len(ratios),
        "within_1_pct": sum(abs(ratio.estimate / truth - 1) <= NEAR for ratio in ratios),
        "covered": sum(ratio.low <= truth <= ratio.high for ratio in ratios),
        **{name.lower().replace(" ", "_"): count for name, count in share.items()},
        "ratio_p50": round(statistics.median(ratio.estimate for ratio in ratios), 4),
        "ratio_min": round(min(ratio.estimate for ratio in ratios), 4),
        "ratio_max": round(max(ratio.estimate for ratio in ratios), 4),
        "rounds_p50": statistics.median(len(comparison.rounds_ms) for comparison in found),
        "turn_ms_p50": round(statistics.median(comparison.medians_ms()[0] for comparison in found), 3),
        "doubted": sum(bool(comparison.reasons) for comparison in found),
    }


def circumstances() -> dict[str, object]:
    """Return what the numbers belong to."""
    software = {"torch_version": torch.__version__, "threads": torch.get_num_threads()}
    return {"device_name": cpu_name(), **software, "load_1_min": load()}


def load() -> float:
    """Return how many programs wanted a core in the last minute, this one included."""
    return float(Path("/proc/loadavg").read_text().split()[0])


def add(table: Path, line: dict[str, object]) -> None:
    """Write a line to a table, in the place of an earlier one of its case and clock."""
    kept = list(csv.DictReader(table.open())) if table.is_file() else []
    key = (line["case"], line["clock"])
    lines = [*(old for old in kept if (old["case"], old["clock"]) != key), line]
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(line), lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(lines, key=lambda each: (str(each["clock"]), list(CASES).index(str(each["case"])))))


if __name__ == "__main__":
    main()
