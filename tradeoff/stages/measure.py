"""Measure: what a trained detector costs on this machine, one part after the other."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradeoff.core.errors import DeviceLost, ImpossibleTime
from tradeoff.core.files import write_atomic
from tradeoff.core.store import Context, fetch
from tradeoff.recipes.stages import Measure
from tradeoff.stages.costs import arithmetic, bound, drift, energy, fit, latency, memory
from tradeoff.stages.costs.subject import Findings, Part, Subject
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
#: those without which a row still says something true, with the columns that are empty then
SPARE: dict[Part, tuple[str, ...]] = {
    arithmetic.measure: ("gmacs",),
    bound.measure: ("bound_ms",),
    energy.measure: ("energy_j",),
    fit.measure: ("fit_mb", "fit_batch"),
}


def run(stage: Measure, folder: Path, context: Context) -> dict[str, Any]:
    """Measure every part, keep its files, and return the columns of cost with the reasons for doubt."""
    fetch(stage.train, context)
    subject = Subject(stage, context)
    columns: dict[str, Any] = {}
    reasons: list[str] = []
    missing: dict[str, str] = {}
    with inferring(stage.inference.precision, context.device):
        for measure in PARTS:
            found = attempted(measure, subject, columns)
            columns |= found.columns
            reasons += found.reasons
            missing |= found.missing
            for name, content in found.kept.items():
                write_atomic(folder / name, json.dumps(content))
    columns["unmeasured"] = "; ".join(f"{column}: {why}" for column, why in missing.items())
    return {**columns, "trusted": not reasons, "reasons": "; ".join(reasons)}


def attempted(part: Part, subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Measure a part; an error of one that can be spared, such as a lack of memory, is why its columns are empty."""
    try:
        return part(subject, before)
    except (ImpossibleTime, DeviceLost):
        raise
    except Exception as error:
        if part not in SPARE:
            raise
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        return Findings({}, missing=dict.fromkeys(SPARE[part], why))
