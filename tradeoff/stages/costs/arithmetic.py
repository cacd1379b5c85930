"""Arithmetic: parameters and multiply-adds of the network as it was trained.

`arithmetic.json` stays beside the row: calls, MACs and least bytes of each operator of each part, at the square input
(`operators`) and for the first image as it ran, suppression included (`operators_of_first_image`); the operators
without a formula (`uncounted`); and the GMACs of each image that is timed (`images_gmacs`).
"""

import statistics
from collections import Counter as Tally
from collections.abc import Mapping
from typing import Any

from tradeoff.probes.flops import Count
from tradeoff.probes.memory import parameters
from tradeoff.stages.costs.counter import Counter
from tradeoff.stages.costs.subject import Findings, Subject
from tradeoff.stages.deploy import UNTRACEABLE

KEPT = "arithmetic.json"
UNKNOWN = "operators without a formula for FLOPs: {}; add one to probes/flop_formulas.py"
PARTS = ("backbone", "proposals", "heads")


def measure(subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Count what one image costs: at one square input with all proposals, as it is published, and as it is timed."""
    counter, size = subject.counter, subject.stage.train.size
    square = counter.square(size).count
    ran = [work.count for work in counter.ran]
    uncounted = sorted({name for counted in (square, *ran) for name in counted.uncounted})
    images_gmacs = [counter.images([example.image]).count.macs / 1e9 for example in subject.examples]
    columns = {
        "gmacs": square.macs / 1e9,
        "gflops": square.flops / 1e9,
        "flops_partial": bool(uncounted),
        "params": parameters(counter.detector),
        **by_part(square),
        **closed_form(counter, size, square),
        "gmacs_mean": statistics.fmean(images_gmacs),
        "gmacs_min": min(images_gmacs),
        "gmacs_max": max(images_gmacs),
    }
    kept = {
        "operators": by_operator(square),
        "operators_of_first_image": by_operator(ran[0]),
        "uncounted": uncounted,
        "images_gmacs": images_gmacs,
    }
    return Findings(columns, [UNKNOWN.format(", ".join(uncounted))] if uncounted else [], {KEPT: kept})


def by_part(counted: Count) -> dict[str, float | None]:
    """Return the columns of the parts; None for a part that a detector does not have."""
    macs = counted.by_part
    return {f"gmacs_{part}": macs[part] / 1e9 if part in macs else None for part in PARTS}


def closed_form(counter: Counter, size: int, counted: Count) -> dict[str, float | None]:
    """Return GMACs without proposals and GMACs of each, where these two tell all; else None."""
    nothing: dict[str, float | None] = {"gmacs_base": None, "gmacs_per_proposal": None}
    proposals = counter.chain.inference.proposals
    if proposals is None:
        return nothing
    try:
        one, two = (counter.by_shape(1, size, size, number).count.macs for number in (1, 2))
    except UNTRACEABLE:
        return nothing
    each = two - one
    if one + (proposals - 1) * each != counted.macs:
        return nothing
    return {"gmacs_base": (one - each) / 1e9, "gmacs_per_proposal": each / 1e9}


def by_operator(counted: Count) -> list[dict[str, Any]]:
    """Return calls, MACs and bytes of each operator of each part, those of the most MACs first; no idle ones."""
    busy = [call for call in counted.calls if call.macs is not None or call.moved_bytes]
    calls: Tally[tuple[str, str]] = Tally((call.part, call.operator) for call in busy)
    macs: Tally[tuple[str, str]] = Tally()
    moved: Tally[tuple[str, str]] = Tally()
    for call in busy:
        macs[call.part, call.operator] += call.macs or 0
        moved[call.part, call.operator] += call.moved_bytes
    return [
        {"part": key[0], "operator": key[1], "calls": calls[key], "macs": macs[key], "bytes": moved[key]}
        for key in sorted(calls, key=lambda key: (-macs[key], key))
    ]
