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
SECONDS = 0.9


def run(stage: Reference, folder: Path, context: Context) -> dict[str, Any]:
    """Time the reference work, keep every time and return the median."""
    times = reference.times_ms(torch.device(context.device), seconds=SECONDS)
    write_atomic(folder / SAMPLES, json.dumps({"samples_ms": times}))
    return {"reference_ms": statistics.median(times)}
