"""Latency: how long a call takes, whole and split."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tradeoff.probes.latency import Limits, Timing, summary, time_steps
from tradeoff.stages.costs.subject import Findings, Subject

SAMPLES = "samples.json"
UNTRAINED = "the weights were not trained, so post-processing meets scores that no trained detector gives"


def measure(subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Time the detector on images of the data set; every sample is kept."""
    timing = time(subject)
    untrained = [UNTRAINED] if subject.stage.train.training.steps == 0 else []
    columns = latency(timing, subject.stage.batch_size)
    return Findings(columns, [*timing.reasons, *untrained], {SAMPLES: asdict(timing)})


def time(subject: Subject) -> Timing:
    """Time the chain from decoded images to final boxes."""
    measuring, report = subject.stage.measuring, subject.context.report
    limits = Limits(
        max_s=measuring.max_s,
        min_samples=measuring.min_samples,
        warmup_iterations=3,
        warmup_s=measuring.warmup_s,
        precision=measuring.precision_pct / 100,
    )

    def progress(done_s: float, most_s: float) -> None:
        report(done_s, most_s, "s of timing at most")

    steps = subject.chain.steps()
    return time_steps(steps, subject.batches, device=subject.device, limits=limits, progress=progress)


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
