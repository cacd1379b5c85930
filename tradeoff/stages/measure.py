"""Measure: time, memory and arithmetic of a trained detector on this machine."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tradeoff.core.files import write_atomic
from tradeoff.core.store import Context, fetch
from tradeoff.probes.flops import Count, count
from tradeoff.probes.latency import Limits, Timing, summary, time_steps
from tradeoff.probes.memory import PeakMemory, parameters, weights_mb
from tradeoff.recipes.stages import Measure
from tradeoff.stages.detect import Chain, chain_of
from tradeoff.stages.network import inferring, trained

SAMPLES = "samples.json"
UNTRAINED = "the weights were not trained, so post-processing meets scores that no trained detector gives"


def run(stage: Measure, folder: Path, context: Context) -> dict[str, Any]:
    """Time the detector on images of the data set; keep every sample; return the columns of cost."""
    fetch(stage.train, context)
    inputs = batches(stage)
    device = torch.device(context.device)
    empty, memory = PeakMemory(device), PeakMemory(device)
    with inferring(stage.inference.precision, context.device):
        first = chain_of(stage.train, trained(stage.train, context), stage.inference, context.device)
        first(inputs[0])  # what torch sets up once is no memory of the detector; kept, so that none of it is reused
        with empty:
            chain = chain_of(stage.train, trained(stage.train, context), stage.inference, context.device)
        with memory:  # a window of its own, so that building and loading the network do not count
            timing = time(stage, chain, inputs, context)
        detector = trained(stage.train, context)
        counted = arithmetic(stage, detector, device)
    write_atomic(folder / SAMPLES, json.dumps(asdict(timing) | {"by_operator": counted.by_operator}))
    reasons = [*timing.reasons, *([UNTRAINED] if stage.train.training.steps == 0 else [])]
    if counted.uncounted:
        reasons.append(f"operators without a formula for FLOPs: {', '.join(counted.uncounted)}")
    return {
        **latency(timing, stage.batch_size),
        "gmacs": counted.macs / 1e9,
        "gflops": counted.flops / 1e9,
        "flops_partial": bool(counted.uncounted),
        "params": parameters(detector),
        "weights_mb": weights_mb(detector),
        "peak_memory_mb": above(memory, empty),
        "trusted": not reasons,
        "reasons": "; ".join(reasons),
    }


def above(memory: PeakMemory, empty: PeakMemory) -> float | None:
    """Return the peak of one window above what was taken before another began, MB; None where not measured."""
    if memory.peak_mb is None or memory.before_mb is None or empty.before_mb is None:
        return None
    return max(0.0, memory.before_mb + memory.peak_mb - empty.before_mb)


def batches(stage: Measure) -> list[list[np.ndarray]]:
    """Return the decoded images that are timed, in groups of the batch size; the last ones may repeat the first."""
    data = stage.split.build()
    images = [data.example(index).image for index in range(len(data))]
    starts = range(0, len(images), stage.batch_size)
    return [[images[(start + i) % len(images)] for i in range(stage.batch_size)] for start in starts]


def time(stage: Measure, chain: Chain, inputs: list[list[np.ndarray]], context: Context) -> Timing:
    """Time the chain from decoded images to final boxes."""
    measuring = stage.measuring
    limits = Limits(
        max_s=measuring.max_s,
        min_samples=measuring.min_samples,
        warmup_iterations=3,
        warmup_s=measuring.warmup_s,
        precision=measuring.precision_pct / 100,
    )
    device = torch.device(context.device)

    def progress(done_s: float, most_s: float) -> None:
        context.report(done_s, most_s, "s of timing at most")

    return time_steps(chain.steps(), inputs, device=device, limits=limits, progress=progress)


def latency(timing: Timing, batch_size: int) -> dict[str, Any]:
    """Return the columns of time; a call takes `batch_size` images."""
    told = summary(timing)
    return {
        **{f"latency_ms_{name}": told[name] for name in ("p50", "p90", "p95", "p99", "mean")},
        "latency_n": told["n"],
        **{f"{step}_ms_p50": told["stages"][step] for step in ("preprocess", "network", "postprocess")},
        "gpu_ms_p50": told["gpu_p50"],
        "images_per_s": 1000 * batch_size / told["mean"],
    }


def arithmetic(stage: Measure, detector: Any, device: torch.device) -> Count:
    """Count the multiply-adds at one square input with all proposals, as they are published."""
    size = stage.train.size
    images = torch.zeros(1, 3, size, size, device=device)
    sizes_px = torch.full((1, 2), float(size), device=device)

    def detect() -> None:
        raw = detector.predict(images, sizes_px, stage.inference)
        detector.decode(raw, sizes_px, stage.inference)

    return count(detect)
