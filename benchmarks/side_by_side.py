"""Two functions timed in turns in one process, so that what slows the machine slows both."""

import statistics
import time
from collections.abc import Callable

import torch


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
