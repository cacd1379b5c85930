"""What the reference work takes on a machine: the drift of all rows of a results folder is told from it."""

import json
import statistics
from pathlib import Path
from typing import Any

import torch

from tradeoff.core.files import write_atomic
from tradeoff.core.store import Context
from tradeoff.probes import reference
from tradeoff.recipes.stages import Reference

SAMPLES = "samples.json"
READINGS = 5


def run(stage: Reference, folder: Path, context: Context) -> dict[str, Any]:
    """Time the reference work as it is timed before and after a cell, several times; keep every time.

    Returned is the median of these readings, each the least of its takes: what a cell finds on a machine that is as
    it was is then above it as often as below.
    """
    readings = [reference.takes_ms(torch.device(context.device)) for _ in range(READINGS)]
    write_atomic(folder / SAMPLES, json.dumps({"takes_ms": readings}))
    return {"reference_ms": statistics.median(map(reference.least_ms, readings))}
