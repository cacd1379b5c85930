"""How long a chain of steps takes: warmed up, synchronised once, stopped by precision, with reasons for doubt."""

import math
import statistics
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from tradeoff.ops.steps import Step
from tradeoff.probes.chain import Chain, collector_off, shape_of
from tradeoff.probes.correlation import inflation
from tradeoff.probes.doubts import doubts
from tradeoff.probes.limits import Limits, Progress, Watch
from tradeoff.probes.order_statistics import median_interval, median_precision, quartiles, upper_quantile
from tradeoff.probes.sampling import Sampler
from tradeoff.probes.stopping import unmet
from tradeoff.probes.warm_up import warm_up


@dataclass(frozen=True)
class Timing:
    """What was measured; every sample is kept.

    samples_ms: end to end; sample i took input i modulo `inputs`. stages_ms: per step, from runs of their own, so
    they need not sum up to a sample; run j took input j modulo `inputs`. gpu_ms: between events around everything
    after the first step (the whole, where there is one step only); None without CUDA. warmup_ms: runs before the
    samples. stopped_by: see `Samples`. unmet: criteria of stopping that were not met (`stopping.unmet`). spent_s:
    seconds of sampling. reasons: why not to trust it; empty when all is well. outputs: what the last sample of each
    of the first inputs put out, by the index of the input.
    """

    samples_ms: list[float]
    stages_ms: dict[str, list[float]]
    gpu_ms: list[float] | None
    warmup_ms: list[float]
    inputs: int
    stopped_by: str
    unmet: list[str]
    spent_s: float
    reasons: list[str]
    outputs: dict[int, Any] = field(repr=False)


def time_steps(
    steps: Sequence[Step],
    inputs: Sequence[Any],
    *,
    device: torch.device,
    limits: Limits,
    clock_ns: Callable[[], int] = time.perf_counter_ns,
    progress: Progress | None = None,
    pause: Callable[[], None] | None = None,
    kind_of: Callable[[Any], Hashable] = shape_of,
) -> Timing:
    """Time a chain of steps over inputs in their order, again and again, until its median is known.

    End-to-end time has one synchronisation, at the end. The split into steps is measured in runs in between that
    synchronise after every step; there is one at least. It ends when the median is known well enough, when its noise
    is known to be too much for the time that is left, or when time is over: all in all after 1.5 `limits.max_s`, two
    runs and two pauses at the latest. Inference mode is the caller's business. What could not be met is told in
    `Timing.reasons`, nothing is hidden by an error.

    Args:
        steps: (name, function); each takes the output of the one before, the first takes an input.
        inputs: at least one.
        device: where the steps leave their work, cpu or cuda.
        limits: when to stop.
        clock_ns: a clock that never runs backwards, nanoseconds.
        progress: called now and then, outside of what is timed, with the seconds gone and the most there can be.
        pause: called before every run after warm-up, outside of what is timed; None runs back to back.
        kind_of: what decides which kernels run for an input; each kind is warmed up by itself.

    Raises: ValueError: no steps, two of one name, no inputs or a device that is neither cpu nor cuda.
    """
    _check(steps, inputs, device)
    chain = Chain(steps, device, clock_ns)
    with collector_off():
        watch = Watch(clock_ns, limits.budget_s, progress)
        warm, reasons = warm_up(chain, inputs, kind_of, limits, watch)
        taken = Sampler(chain, inputs, limits, watch, pause).run()
    samples = taken.whole
    if not samples:
        samples = warm[-1:]
        reasons.append("warm-up left no time: the only sample is a warm-up run; raise measure.max_s")
    samples_ms = [host for host, _ in samples]
    gpu_ms = [gpu for _, gpu in samples if gpu is not None] if device.type == "cuda" else None
    unseen_ms = statistics.median(run[0] for run in taken.staged) if chain.head else 0.0
    doubted = doubts(
        samples_ms, len(inputs), limits=limits, spent_s=taken.spent_s, gpu_ms=gpu_ms, unseen_ms=unseen_ms
    )
    return Timing(
        samples_ms=samples_ms,
        stages_ms={name: [run[i] for run in taken.staged] for i, (name, _) in enumerate(steps)},
        gpu_ms=gpu_ms,
        warmup_ms=[host for host, _ in warm],
        inputs=len(inputs),
        stopped_by=taken.stopped_by,
        unmet=unmet(samples_ms, len(inputs), limits, taken.spent_s, taken.is_steady),
        spent_s=taken.spent_s,
        reasons=reasons + doubted,
        outputs=taken.outputs,
    )


def summary(timing: Timing) -> dict[str, Any]:
    """Summarise a timing, all in ms but `n`.

    `p50` is the plain median, `median_ci` its 95 % interval by order statistics, None below 6 samples. `p90`, `p95`,
    `p99` are values that the quantile is below with 99 % confidence; None with fewer than 64, 130, 662 samples. Where
    neighbouring samples are alike the interval is wider, and the quantiles are higher or need more samples.
    `precision` is how far the interval reaches to its wider side, of the median (0.02 is ±2 %); None without one.
    `stages` holds the median of each step, None where it was never run on its own. `gpu_p50` is None without CUDA.
    """
    samples = timing.samples_ms
    first, third = quartiles(samples)
    alike = inflation(samples, timing.inputs)
    reached = median_precision(samples, alike)
    return {
        "n": len(samples),
        "p50": statistics.median(samples),
        "p90": upper_quantile(samples, 0.90, alike),
        "p95": upper_quantile(samples, 0.95, alike),
        "p99": upper_quantile(samples, 0.99, alike),
        "mean": statistics.fmean(samples),
        "min": min(samples),
        "q1": first,
        "q3": third,
        "median_ci": median_interval(samples, alike),
        "precision": reached if math.isfinite(reached) else None,
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
