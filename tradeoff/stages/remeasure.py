"""Time two trained detectors by turns, on the same images, in one process."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from tradeoff.core.store import Context
from tradeoff.core.worker import Report
from tradeoff.probes.gpu_processes import find_own
from tradeoff.probes.paired import Comparison, Demands, compare
from tradeoff.probes.state import State, StateWatch
from tradeoff.recipes.stages import UNTRAINED, Measure
from tradeoff.stages.costs.subject import Subject
from tradeoff.stages.network import arithmetic

Batch = list[np.ndarray]


def run(a: Measure, b: Measure, zone: float, max_s: float, context: Context, report: Report) -> dict[str, Any]:
    """Return how long the detector of `a` takes in relation to that of `b`; the entry of a child process.

    Both take the images of `a`, from decoded image to final boxes, back to back, each in its own precision, while the
    machine is watched. `images` says how many of them were taken, `state` what the machine did.

    Args:
        a: the measurement whose detector is judged.
        b: the one that it is judged by.
        zone: ratios between 1 / (1 + zone) and 1 + zone count as the same.
        max_s: seconds of timing at most.
        context: where weights are, and the device for both.
        report: takes (done, total, unit).
    """
    subject, device = Subject(a, context), torch.device(context.device)
    find_own(device)  # before anything works there
    demands = Demands(zone=zone, max_s=max_s)

    # an outer autocast, though switched off, keeps the weights that an inner one has cast from turn to turn
    with torch.inference_mode(), torch.autocast(device.type, enabled=False):
        calls = [detector(stage, context) for stage in (b, a)]
        found, state = watched(calls, subject.batches, device, demands, report)
    untrained = [UNTRAINED] if 0 in (stage.train.training.steps for stage in (a, b)) else []
    return {
        **columns(found),
        "images": min(len(found.rounds_ms) * a.batch_size, len(subject.examples)),
        "zone_pct": 100 * zone,
        "reasons": [*found.reasons, *state.doubts(), *untrained],
        "state": state.kept(),
    }


def watched(
    calls: list[Callable[[Batch], object]],
    batches: list[Batch],
    device: torch.device,
    demands: Demands,
    report: Report,
) -> tuple[Comparison, State]:
    """Compare two calls, and return with it what the machine did meanwhile."""
    with StateWatch(device) as watch:

        def progress(done_s: float, most_s: float) -> None:
            report(done_s, most_s, "s of timing at most")
            watch.look()

        found = compare(calls, batches, device=device, demands=demands, progress=progress)
    return found, watch.state


def detector(stage: Measure, context: Context) -> Callable[[Batch], object]:
    """Return the deployed detector of a measurement as a function of decoded images."""
    chain, precision = Subject(stage, context).build(), stage.inference.precision

    def detect(batch: Batch) -> object:
        with arithmetic(precision, context.device):
            return chain(batch)

    return detect


def columns(found: Comparison) -> dict[str, Any]:
    """Return what was measured as plain values; B is the first callable, A the second."""
    (ratio,), (b_ms, a_ms) = found.ratios, found.medians_ms()
    return {
        "verdict": ratio.verdict,
        "ratio": ratio.estimate,
        "ratio_low": ratio.low,
        "ratio_high": ratio.high,
        "a_ms_p50": a_ms,
        "b_ms_p50": b_ms,
        "rounds": len(found.rounds_ms),
        "rounds_ms": [[times[1], times[0]] for times in found.rounds_ms],  # A, B
        "orders": ["".join("BA"[index] for index in order) for order in found.orders],
    }
