"""How long a chain of steps takes: warmed up, synchronised once, stopped by precision, with reasons for doubt."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch

from tradeoff.probes.chain import Chain, Run, Step, collector_off, first_of_each_shape
from tradeoff.probes.doubts import doubts
from tradeoff.probes.order_statistics import median_interval, median_precision, quartiles, upper_quantile

Progress = Callable[[float, float], None]

WARMUP_SHARE = 0.5  # of max_s, at most
WARMUP_GIVE_UP = 300  # runs that never settle; pyperf, _worker.py
SETTLED_RUNS, SETTLED = 5, 0.05  # medians of the last five and of the five before agree within 5 %
STAGED_TURN = 5  # every fifth run is timed step by step
MAX_SAMPLES = 100_000  # bounds the memory of a callable that takes microseconds
PROGRESS_S = 0.2


@dataclass(frozen=True)
class Limits:
    """When to stop.

    max_s: seconds of timing; warm-up may take half as long again. min_samples: fewest end-to-end samples.
    warmup_iterations, warmup_s: least warm-up, both. precision: stop when the 95 % interval of the median lies within
    this part of it, 0.02 is ±2 %.

    Raises: ValueError: a limit is not above 0, or not finite.
    """

    max_s: float
    min_samples: int
    warmup_iterations: int
    warmup_s: float
    precision: float

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            lowest_is_zero = spec.name.startswith("warmup")
            if not math.isfinite(value) or value < 0 or (value == 0 and not lowest_is_zero):
                expected = "0 or more" if lowest_is_zero else "more than 0"
                raise ValueError(f"Limits.{spec.name}: got {value}, expected a finite number, {expected}")


@dataclass(frozen=True)
class Timing:
    """What was measured; every sample is kept.

    samples_ms: end to end; sample i took input i modulo `inputs`. stages_ms: per step, from runs of their own, so
    they need not sum up to a sample. gpu_ms: between events around everything after the first step (the whole, where
    there is one step only); None without CUDA. warmup: runs before the samples. reasons: why not to trust it; empty
    when all is well.
    """

    samples_ms: list[float]
    stages_ms: dict[str, list[float]]
    gpu_ms: list[float] | None
    warmup: int
    inputs: int
    reasons: list[str]


def time_steps(
    steps: Sequence[Step],
    inputs: Sequence[Any],
    *,
    device: torch.device,
    limits: Limits,
    clock_ns: Callable[[], int] = time.perf_counter_ns,
    progress: Progress | None = None,
) -> Timing:
    """Time a chain of steps over inputs in their order, again and again, until its median is known.

    End-to-end time has one synchronisation, at the end. The split into steps is measured in runs in between that
    synchronise after every step; there is one at least. All in all it takes at most 1.5 `limits.max_s` and two runs.
    Inference mode is the caller's business. What could not be met is told in `Timing.reasons`, nothing is hidden by
    an error.

    Args:
        steps: (name, function); each takes the output of the one before, the first takes an input.
        inputs: at least one; their shapes are warmed up one by one.
        device: where the steps leave their work, cpu or cuda.
        limits: when to stop.
        clock_ns: a clock that never runs backwards, nanoseconds.
        progress: called now and then, outside of what is timed, with the seconds gone and the most there can be.

    Raises: ValueError: no steps, two of one name, no inputs or a device that is neither cpu nor cuda.
    """
    _check(steps, inputs, device)
    chain = Chain(steps, device, clock_ns)
    watch = _Watch(clock_ns, 1.5 * limits.max_s, progress)
    with collector_off():
        warm, reasons = _warm_up(chain, inputs, limits, watch)
        samples, stages = _sample(chain, inputs, limits, watch)
    if not samples:
        samples = warm[-1:]
        reasons.append("warm-up left no time: the only sample is a warm-up run; raise measure.max_s")
    samples_ms = [host for host, _ in samples]
    gpu_ms = [gpu for _, gpu in samples if gpu is not None]
    return Timing(
        samples_ms=samples_ms,
        stages_ms={name: [run[i] for run in stages] for i, (name, _) in enumerate(steps)},
        gpu_ms=gpu_ms if device.type == "cuda" else None,
        warmup=len(warm),
        inputs=len(inputs),
        reasons=reasons + doubts(samples_ms, len(inputs), min_samples=limits.min_samples, precision=limits.precision),
    )


def summary(timing: Timing) -> dict[str, Any]:
    """Summarise a timing, all in ms but `n`.

    `p50` is the plain median, `median_ci` its 95 % interval by order statistics. `p90`, `p95`, `p99` are values that
    the quantile is below with 99 % confidence; None with fewer than 64, 130, 662 samples. `stages` holds the median
    of each step, None where it was never run on its own. `gpu_p50` is None without CUDA.
    """
    samples = timing.samples_ms
    first, third = quartiles(samples)
    return {
        "n": len(samples),
        "p50": statistics.median(samples),
        "p90": upper_quantile(samples, 0.90),
        "p95": upper_quantile(samples, 0.95),
        "p99": upper_quantile(samples, 0.99),
        "mean": statistics.fmean(samples),
        "min": min(samples),
        "q1": first,
        "q3": third,
        "median_ci": median_interval(samples),
        "stages": {name: statistics.median(runs) if runs else None for name, runs in timing.stages_ms.items()},
        "gpu_p50": statistics.median(timing.gpu_ms) if timing.gpu_ms else None,
    }


def _check(steps: Sequence[Step], inputs: Sequence[Any], device: torch.device) -> None:
    """Refuse what cannot be timed."""
    names = [name for name, _ in steps]
    if not names or len(set(names)) != len(names):
        raise ValueError(f"time_steps: got steps {names}, expected at least one and no name twice")
    if len(inputs) == 0:
        raise ValueError("time_steps: got no inputs, expected at least one")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"time_steps: got device {device}, expected cpu or cuda; no other is synchronised here")


class _Watch:
    """Seconds since it was made; tells the progress in passing."""

    def __init__(self, clock_ns: Callable[[], int], budget_s: float, progress: Progress | None) -> None:
        self.clock_ns, self.budget_s, self.progress = clock_ns, budget_s, progress
        self.begin_ns, self.told_s = clock_ns(), -math.inf

    def elapsed_s(self) -> float:
        """Return the seconds gone."""
        seconds = (self.clock_ns() - self.begin_ns) / 1e9
        if self.progress is not None and seconds - self.told_s >= PROGRESS_S:
            self.told_s = seconds
            self.progress(seconds, self.budget_s)
        return seconds


def _warm_up(chain: Chain, inputs: Sequence[Any], limits: Limits, watch: _Watch) -> tuple[list[Run], list[str]]:
    """Run each shape once, then the first input until its times settle; the runs, and what was not reached.

    One input is repeated because only its times are comparable with each other.
    """
    cap_s = WARMUP_SHARE * limits.max_s
    chain.synchronize()
    shapes = first_of_each_shape(inputs)
    runs = [chain.end_to_end(shapes[0])]
    for value in shapes[1:]:
        if watch.elapsed_s() >= cap_s:
            break
        runs.append(chain.end_to_end(value))
    missing = len(shapes) - len(runs)
    repeats: list[float] = []
    while True:
        elapsed_s, settled = watch.elapsed_s(), _settled(repeats)
        enough = len(runs) >= limits.warmup_iterations and elapsed_s >= limits.warmup_s
        if elapsed_s >= cap_s or (enough and (settled or len(runs) >= WARMUP_GIVE_UP)):
            break
        runs.append(chain.end_to_end(inputs[0]))
        repeats.append(runs[-1][0])
    reasons = []
    if missing:
        reasons.append(f"{missing} of {len(shapes)} input shapes were not warmed up; raise measure.max_s")
    if not enough:
        asked = f"{limits.warmup_iterations} runs and {limits.warmup_s:g} s"
        reasons.append(
            f"warm-up ended after {len(runs)} runs and {elapsed_s:.1f} s, not {asked}; raise measure.max_s"
        )
    if not settled:
        reasons.append("warm-up ended before its times settled; raise measure.max_s or close other programs")
    return runs, reasons


def _settled(repeats: Sequence[float]) -> bool:
    """Tell whether the last runs took as long as those just before."""
    if len(repeats) < 2 * SETTLED_RUNS:
        return False
    before = statistics.median(repeats[-2 * SETTLED_RUNS : -SETTLED_RUNS])
    after = statistics.median(repeats[-SETTLED_RUNS:])
    return abs(after - before) <= SETTLED * before


def _sample(
    chain: Chain, inputs: Sequence[Any], limits: Limits, watch: _Watch
) -> tuple[list[Run], list[list[float]]]:
    """Take end-to-end samples, and staged runs in between, until the median is known or time is over."""
    begin_s = watch.elapsed_s()
    end_s = min(begin_s + limits.max_s, watch.budget_s)
    samples: list[Run] = []
    stages: list[list[float]] = []
    look_at = max(limits.min_samples, 1)
    while watch.elapsed_s() < end_s and len(samples) < MAX_SAMPLES:
        if (len(samples) + len(stages)) % STAGED_TURN == 1:
            stages.append(chain.staged(inputs[len(stages) % len(inputs)]))
            continue
        samples.append(chain.end_to_end(inputs[len(samples) % len(inputs)]))
        if len(samples) >= look_at:
            if median_precision([host for host, _ in samples]) <= limits.precision:
                break
            look_at = math.ceil(1.1 * look_at)
    if not stages:  # a split of one run is better than none
        stages.append(chain.staged(inputs[0]))
    return samples, stages
