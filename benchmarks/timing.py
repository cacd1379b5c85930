"""The instrument on work of known duration: how near its median comes, and what it costs by itself.

Known durations: a loop that watches the clock for 1, 10 and 100 ms, timed as a network is. Overhead: the seconds that
sampling takes per run: of a function that does nothing, and of 1 ms beside a bare loop over the same function, in
turns. Each is done several times: of the first the median is told, of the cost the least, since other programs can
only add to it; the range is in the rows, and what other programs took. Prints a table, writes it to
results/measured/timing.csv with date, hardware and versions, and ends in JSON. Exit code 1 where a bar is missed:
  the median within max(0.5 %, 5 µs); overhead at most 1 µs a run, and under 1 % of 1 ms.
On a machine that others use, `chrt -f 1` keeps them off the core; the rows say so (is_real_time).
"""

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from bars import MEASURED, ended, judged, write

from tradeoff.probes.latency import Timing, summary, time_steps
from tradeoff.probes.limits import Limits
from tradeoff.probes.state import StateWatch

CPU = torch.device("cpu")
TABLE = MEASURED / "timing.csv"
REPEATS = 5


def main() -> int:
    """Measure, print and write; return the exit code."""
    with StateWatch(CPU) as watch:
        rows = [*(known(ms) for ms in (1.0, 10.0, 100.0)), null(), beside_a_bare_loop()]
    state = watch.state.columns()
    machine = {
        "others_cpu_pct": round(state["others_cpu_pct"], 1),
        "steal_pct": round(state["steal_pct"], 2),
        "is_real_time": os.sched_getscheduler(0) != os.SCHED_OTHER,
    }
    write(TABLE, [row | machine for row in rows])
    return ended(TABLE, rows)


def spin(ns: int, _value: object) -> None:
    """Watch the clock for a while."""
    end = time.perf_counter_ns() + ns
    while time.perf_counter_ns() < end:
        pass


def nothing(_value: object) -> None:
    """Do nothing."""


def timing_of(function: Callable[[Any], Any], samples: int) -> Timing:
    """Time a function as the detectors are, until there are so many samples."""
    limits = Limits(max_s=60, min_samples=samples, warmup_iterations=3, warmup_s=0.1, precision=1e9)
    return time_steps([("all", function)], [0], device=CPU, limits=limits)


def known(duration_ms: float) -> dict[str, Any]:
    """Return how far the median of a known duration is off, µs."""
    samples = round(max(20, min(300, 1500 / duration_ms)))
    function = partial(spin, round(1e6 * duration_ms))
    off_us = [1e3 * (summary(timing_of(function, samples))["p50"] - duration_ms) for _ in range(REPEATS)]
    return row(f"{duration_ms:g} ms, median off by", off_us, "us", max(0.005 * 1e3 * duration_ms, 5.0))


def per_run_ns(timing: Timing) -> float:
    """Return the seconds of sampling for each run, whole and staged, in ns."""
    return 1e9 * timing.spent_s / (len(timing.samples_ms) + len(timing.stages_ms["all"]))


def null() -> dict[str, Any]:
    """Return what a run of nothing costs in all, µs."""
    cost_us = [per_run_ns(timing_of(nothing, 50_000)) / 1e3 for _ in range(REPEATS)]
    return row("nothing, cost of a run", cost_us, "us", 1.0, told=min(cost_us))


def beside_a_bare_loop() -> dict[str, Any]:
    """Return by how much sampling 1 ms is slower than a bare loop, %, in turns; the fastest of each counts."""
    function, runs = partial(spin, 1_000_000), 200
    pairs = [(bare_loop_ns(function, runs), per_run_ns(timing_of(function, runs))) for _ in range(REPEATS)]
    bare_ns = min(bare for bare, _ in pairs)
    over_pct = [100 * (ours / bare_ns - 1) for _, ours in pairs]
    return row("1 ms, beside a bare loop", over_pct, "%", 1.0, told=min(over_pct))


def bare_loop_ns(function: Callable[[Any], Any], runs: int) -> float:
    """Return the ns of a call in a loop that does nothing else."""
    gc.disable()
    began = time.perf_counter_ns()
    for _ in range(runs):
        function(0)
    gc.enable()
    return (time.perf_counter_ns() - began) / runs


def row(what: str, values: list[float], unit: str, bar: float, told: float | None = None) -> dict[str, Any]:
    """Return a row: what is told of the repetitions (their median, unless given), their range, and the bar."""
    told = statistics.median(values) if told is None else told
    line = {
        "what": what,
        "unit": unit,
        "value": round(told, 4),
        "least": round(min(values), 4),
        "most": round(max(values), 4),
        "repeats": len(values),
    }
    return judged(line, value=("within", bar))


if __name__ == "__main__":
    sys.exit(main())
