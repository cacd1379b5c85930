"""Two functions timed in turns in one process, so that what slows the machine slows both."""

import csv
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from tradeoff.core.machine import code_version, cpu_name, installed

MEASURED = Path(__file__).parents[1] / "results" / "measured"


def compare(theirs: Callable[[], object], ours: Callable[[], object], pairs: int = 15) -> dict[str, float]:
    """Return the median of each in ms and the median ratio of the pairs, ours to theirs; two more pairs warm up."""
    with torch.inference_mode():
        timed = [(elapsed_ms(theirs), elapsed_ms(ours)) for _ in range(pairs + 2)][2:]
    return {
        "torchvision_ms": round(statistics.median(a for a, _ in timed), 2),
        "ours_ms": round(statistics.median(b for _, b in timed), 2),
        "ratio": round(statistics.median(b / a for a, b in timed), 3),
    }


def elapsed_ms(function: Callable[[], object]) -> float:
    """Return how long one call takes; on a GPU, until its work is done."""
    began = time.perf_counter()
    function()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - began)


def write(name: str, rows: Sequence[dict[str, Any]]) -> Path:
    """Write rows as results/measured/NAME.csv, each with hardware, versions and date."""
    common = {
        "device_name": torch.cuda.get_device_name() if torch.cuda.is_available() else cpu_name(),
        "threads": torch.get_num_threads(),
        "torch_version": installed("torch"),
        "torchvision_version": installed("torchvision"),
        "code_version": code_version(),
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    path = MEASURED / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], *common], lineterminator="\n")
        writer.writeheader()
        writer.writerows([row | common for row in rows])
    return path
