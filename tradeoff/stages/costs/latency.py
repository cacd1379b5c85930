"""Latency: how long a call takes, whole and split, on what machine in what state, and whether it is what was scored.

Two files stay beside the row. `samples.json` holds every sample in milliseconds: `samples_ms`, end to end (sample i
took batch i modulo `inputs`); `gpu_ms`, the same between events on CUDA; `stages_ms`, the runs that were timed step
by step (run j took batch j modulo `inputs`); `warmup_ms`. With them stand `mode`, `gap_ms`, `batch_size`, `image_ids`
in their order, `images_sha256`, `stopped_by`, `unmet`, `spent_s` and `reasons`. `state.json` holds the state of the
machine meanwhile (`tradeoff.probes.state.State`), the GPU's sensors at every look included.
"""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from tradeoff.probes.latency import Timing, summary, time_steps
from tradeoff.probes.limits import Limits
from tradeoff.probes.state import StateWatch
from tradeoff.recipes.stages import UNTRAINED
from tradeoff.stages.costs.agreement import compare
from tradeoff.stages.costs.subject import Findings, Subject

SAMPLES, STATE = "samples.json", "state.json"
NETWORK = ("backbone", "proposals", "heads")
DOUBTED = 0.10  # a median known to less than ±10 % makes a row doubtful, as drift by so much does
SHORTEST_S = 0.5  # of timing; nvbench, pyperf and torch.utils.benchmark all ask for about as much


def measure(subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Time the detector on images of the data set, watch the machine, and compare with what was scored."""
    with StateWatch(subject.device, is_paced=subject.stage.measuring.mode == "burst") as watch:
        timing = timed(subject, watch.look)
        watch.judge_last(timing.spent_s)
    state, same = watch.state, compare(subject, timing.outputs)
    untrained = [UNTRAINED] if subject.stage.train.training.steps == 0 else []
    images = {"timed_images": len(subject.examples), "timed_images_sha256": subject.images_sha256[:12]}
    return Findings(
        {**columns(timing, subject), **images, **same.columns, **state.columns()},
        [*untrained, *same.reasons, *state.doubts(), *timing.reasons],
        {SAMPLES: kept(timing, subject), STATE: state.kept()},
    )


def timed(subject: Subject, look: Callable[[], None]) -> Timing:
    """Time the chain from decoded images to final boxes; `look` is called now and then, outside of what is timed."""
    measuring, report, chain = subject.stage.measuring, subject.context.report, subject.chain
    limits = Limits(
        max_s=measuring.max_s,
        min_samples=measuring.min_samples,
        warmup_iterations=3,
        warmup_s=measuring.warmup_s,
        precision=measuring.precision_pct / 100,
        min_s=min(SHORTEST_S, measuring.max_s),
        doubted=DOUBTED,
    )

    def progress(done_s: float, most_s: float) -> None:
        report(done_s, most_s, "s of timing at most")
        look()

    return time_steps(
        chain.steps(),
        subject.batches,
        device=subject.device,
        limits=limits,
        progress=progress,
        pause=(lambda: time.sleep(measuring.gap_ms / 1000)) if measuring.mode == "burst" else None,
        kind_of=chain.input_shape,
    )


def columns(timing: Timing, subject: Subject) -> dict[str, Any]:
    """Return the columns of time; a call takes a batch of images."""
    told = summary(timing)
    low, high = told["median_ci"] or (None, None)
    mode = subject.stage.measuring.mode
    return {
        **{f"latency_ms_{name}": told[name] for name in ("p50", "p90", "p95", "p99", "mean", "min", "q1", "q3")},
        "latency_ms_low": low,
        "latency_ms_high": high,
        "latency_precision_pct": None if told["precision"] is None else 100 * told["precision"],
        "unmet": "; ".join(timing.unmet),
        "latency_n": told["n"],
        "latency_mode": mode,
        **{f"{step}_ms_p50": told["stages"].get(step) for step in ("preprocess", "copy", *NETWORK, "postprocess")},
        "network_ms_p50": network_ms(timing),
        "gpu_ms_p50": told["gpu_p50"],
        "images_per_s": 1000 * subject.stage.batch_size / told["mean"] if mode == "sustained" else None,
    }


def network_ms(timing: Timing) -> float:
    """Return the median over the staged runs of what the parts of the network took together."""
    parts = [timing.stages_ms[name] for name in NETWORK if name in timing.stages_ms]
    return statistics.median(sum(run) for run in zip(*parts, strict=True))


def kept(timing: Timing, subject: Subject) -> dict[str, Any]:
    """Return all samples and what belongs to them, for JSON."""
    measuring = subject.stage.measuring
    return {
        "samples_ms": timing.samples_ms,
        "gpu_ms": timing.gpu_ms,
        "stages_ms": timing.stages_ms,
        "warmup_ms": timing.warmup_ms,
        "inputs": timing.inputs,
        "mode": measuring.mode,
        "gap_ms": measuring.gap_ms if measuring.mode == "burst" else None,
        "batch_size": subject.stage.batch_size,
        "image_ids": [example.image_id for example in subject.examples],
        "images_sha256": subject.images_sha256,
        "stopped_by": timing.stopped_by,
        "unmet": timing.unmet,
        "spent_s": timing.spent_s,
        "reasons": timing.reasons,
    }
