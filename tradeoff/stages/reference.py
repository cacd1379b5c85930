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
TAKES, SECONDS = 5, 0.2


def run(stage: Reference, folder: Path, context: Context) -> dict[str, Any]:
    """Time the reference work in a few takes, keep every time, and return the median of the best take.

    The best, for what disturbs a take makes it longer: one that nobody disturbed is what the machine can do.
    """
    takes = [reference.times_ms(torch.device(context.device), seconds=SECONDS) for _ in range(TAKES)]
    write_atomic(folder / SAMPLES, json.dumps({"takes_ms": takes}))
    return {"reference_ms": min(map(statistics.median, takes))}
