"""A fixed piece of work, always the same, that tells how fast the machine is just now.

Three convolutions and a matrix product of about a hundred million multiply-adds each, in full precision whatever the
detector runs in, so that it can be set beside itself between cells, studies and weeks. A change here makes all
earlier times of it void: raise `recipes.stages.Reference.VERSION` then.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F

#: channels and side of the maps of the convolutions, 3×3: 116 million multiply-adds each; side of the matrices
MAPS = ((64, 56), (128, 28), (256, 14))
MATRIX = 512
#: images at once; a GPU is hardly busy with one
IMAGES = {"cpu": 1, "cuda": 32}
TAKES, SECONDS = 3, 0.1
WARM_UP, FEWEST = 3, 5


def takes_ms(device: torch.device, *, clock_ns: Callable[[], int] = time.perf_counter_ns) -> list[list[float]]:
    """Do the work again and again in a few takes; return what each run of each take took, in ms.

    A take lasts a tenth of a second, and five runs at least.
    """
    work = workload(device)
    with torch.inference_mode(), full_precision(device):
        for _ in range(WARM_UP):
            work()
        return [_take_ms(work, clock_ns) for _ in range(TAKES)]


def least_ms(takes: Sequence[Sequence[float]]) -> float:
    """Return the least of the medians of some takes.

    The least, for what disturbs a take makes it longer. It is the lower the more takes there are, so only what comes
    from as many can be set beside each other.
    """
    return min(map(statistics.median, takes))


def _take_ms(work: Callable[[], None], clock_ns: Callable[[], int]) -> list[float]:
    """Return what the runs of a take took."""
    times: list[float] = []
    begin_ns = clock_ns()
    while len(times) < FEWEST or clock_ns() - begin_ns < 1e9 * SECONDS:
        start_ns = clock_ns()
        work()
        times.append((clock_ns() - start_ns) / 1e6)
    return times


def workload(device: torch.device) -> Callable[[], None]:
    """Return the work; a call of it ends when the device has done it."""
    images = IMAGES[device.type]
    maps = [torch.ones(images, channels, side, side, device=device) for channels, side in MAPS]
    kernels = [torch.ones(channels, channels, 3, 3, device=device) for channels, _ in MAPS]
    matrix = torch.ones(images, MATRIX, MATRIX, device=device)

    def work() -> None:
        for pixels, kernel in zip(maps, kernels, strict=True):
            F.conv2d(pixels, kernel, padding=1)
        torch.bmm(matrix, matrix)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return work


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Compute in float32 without TF32 inside; afterwards precision is as it was."""
    switches: tuple[Any, ...] = (torch.backends.cuda.matmul, torch.backends.cudnn)
    before = [switch.allow_tf32 for switch in switches]
    for switch in switches:
        switch.allow_tf32 = False
    try:
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        for switch, allowed in zip(switches, before, strict=True):
            switch.allow_tf32 = allowed
