"""Arithmetic: parameters and multiply-adds of the network as it was trained."""

from collections.abc import Mapping
from typing import Any

import torch

from tradeoff.probes.flops import Count, count
from tradeoff.probes.memory import parameters
from tradeoff.stages.costs.subject import Findings, Subject

KEPT = "arithmetic.json"


def measure(subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Count what one image costs at one square input with all proposals, as it is published."""
    detector = subject.as_trained()
    counted = counted_at_size(subject, detector)
    partial = bool(counted.uncounted)
    columns = {
        "gmacs": counted.macs / 1e9,
        "gflops": counted.flops / 1e9,
        "flops_partial": partial,
        "params": parameters(detector),
    }
    reasons = [f"operators without a formula for FLOPs: {', '.join(counted.uncounted)}"] if partial else []
    return Findings(columns, reasons, {KEPT: {"by_operator": counted.by_operator}})


def counted_at_size(subject: Subject, detector: Any) -> Count:
    """Count the multiply-adds of one image of size×size px."""
    stage = subject.stage
    size = stage.train.size
    images = torch.zeros(1, 3, size, size, device=subject.device)
    sizes_px = torch.full((1, 2), float(size), device=subject.device)

    def detect() -> None:
        raw = detector.predict(images, sizes_px, stage.inference)
        detector.decode(raw, sizes_px, stage.inference)

    return count(detect)
