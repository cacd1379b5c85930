"""Peak: how fast this machine can be at its best, in one precision."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from tradeoff.core.store import Context
from tradeoff.probes.roofline import Roof, measure_roof
from tradeoff.recipes.stages import Peak
from tradeoff.stages.network import DTYPES, inferring


def run(stage: Peak, folder: Path, context: Context) -> dict[str, Any]:
    """Measure the rates once for all cells of a machine."""
    return asdict(measured(stage.precision, context.device))


def measured(precision: str, device: str) -> Roof:
    """Measure the rates now."""
    dtypes = {torch.float32, DTYPES.get(precision, torch.float32)}
    with inferring(precision, device):
        return measure_roof(torch.device(device), list(dtypes))
