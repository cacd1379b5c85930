"""Measure: what a trained detector costs on this machine, one part after the other."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tradeoff.core import nvml
from tradeoff.core.errors import DeviceLost, ImpossibleTime
from tradeoff.core.files import write_atomic
from tradeoff.core.store import Context, fetch
from tradeoff.probes.gpu_processes import find_own
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
#: those of them without which nobody knows whether the row's times can be, and what is said then
NEEDED: dict[Part, str] = {
    arithmetic.measure: "the arithmetic was not counted",
    bound.measure: "the physical limit was not checked",
}


def run(stage: Measure, folder: Path, context: Context) -> dict[str, Any]:
    """Measure every part, keep its files, and return the columns of cost with the reasons for doubt."""
    subject = Subject(stage, context)
    find_own(subject.device)  # before anything works there
    fetch(stage.train, context)
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
    """Measure a part; an error of one that can be spared, such as a lack of memory, is why its columns are empty.

    Raises:
        DeviceLost: when the GPU is gone, whatever error that has caused.
        ImpossibleTime: when a time is below the physical limit.
    """
    try:
        found = part(subject, before)
    except DeviceLost:
        raise
    except Exception as error:
        refuse_lost(subject.device)
        if part not in SPARE or isinstance(error, ImpossibleTime):
            raise
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        doubt = [f"{NEEDED[part]}: {why}; run again"] if part in NEEDED else []
        return Findings({}, doubt, missing=dict.fromkeys(SPARE[part], why))
    if found.missing:
        refuse_lost(subject.device)
    return found


def refuse_lost(device: torch.device) -> None:
    """Ask NVML once whether the device is still there.

    Raises:
        DeviceLost: when it is not.
    """
    if device.type == "cuda" and nvml.is_lost(device.index or 0):
        raise DeviceLost(nvml.LOST)
