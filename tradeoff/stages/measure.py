"""Measure: what a trained detector costs on this machine, one part after the other."""

import json
from pathlib import Path
from typing import Any

from tradeoff.core.files import write_atomic
from tradeoff.core.store import Context, fetch
from tradeoff.recipes.stages import Measure
from tradeoff.stages.costs import arithmetic, bound, drift, energy, fit, latency, memory
from tradeoff.stages.costs.subject import Part, Subject
from tradeoff.stages.network import inferring

#: in the order in which they run: memory first, while little has been allocated; time before what depends on it,
#: between two looks at the machine
PARTS: tuple[Part, ...] = (
    memory.measure,
    drift.begin,
    latency.measure,
    drift.end,
    arithmetic.measure,
    bound.measure,
    energy.measure,
    fit.measure,
)


def run(stage: Measure, folder: Path, context: Context) -> dict[str, Any]:
    """Measure every part, keep its files, and return the columns of cost with the reasons for doubt."""
    fetch(stage.train, context)
    subject = Subject(stage, context)
    columns: dict[str, Any] = {}
    reasons: list[str] = []
    missing: dict[str, str] = {}
    with inferring(stage.inference.precision, context.device):
        for measure in PARTS:
            found = measure(subject, columns)
            columns |= found.columns
            reasons += found.reasons
            missing |= found.missing
            for name, content in found.kept.items():
                write_atomic(folder / name, json.dumps(content))
    columns["unmeasured"] = "; ".join(f"{column}: {why}" for column, why in missing.items())
    return {**columns, "trusted": not reasons, "reasons": "; ".join(reasons)}
