"""Known work: a product of known FLOPs, and an allocation of known size."""

import time
from collections.abc import Callable, Iterator

import torch

from tradeoff.checkup.result import Result, judged
from tradeoff.probes.flops import count
from tradeoff.probes.memory import PeakMemory

SIDE = 1024
REPEATS = 5
KNOWN_MB = 96 * 2**20 / 1e6  # whole lots of 2 MiB: of other sizes CUDA's allocator takes more
OFF_MB = 1.0


def check(device: torch.device) -> Iterator[Result]:
    """Check both on a device."""
    yield product(device)
    yield allocation(PeakMemory(device), device)


def product(device: torch.device, clock: Callable[[], float] = time.perf_counter) -> Result:
    """Multiply two square matrices: the multiply-adds are side³; the speed is told, the best of a few."""
    left, right = torch.rand(2, SIDE, SIDE, device=device)
    counted = count(lambda: left @ right)
    seconds = min(_seconds(lambda: left @ right, device, clock) for _ in range(REPEATS))
    gflops = counted.flops / seconds / 1e9 if seconds > 0 else 0.0
    return judged(
        "product",
        counted.macs == SIDE**3 and not counted.uncounted and gflops > 0,
        f"{counted.macs:,} multiply-adds, {gflops:,.0f} GFLOP/s",
        f"{SIDE**3:,} multiply-adds",
        "the installed torch counts otherwise than the one that this was written for; see constraints.txt",
        macs=counted.macs,
        gflops_per_s=gflops,
    )


def _seconds(work: Callable[[], object], device: torch.device, clock: Callable[[], float]) -> float:
    """Return how long work takes."""
    begin = clock()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - begin


def allocation(peak: PeakMemory, device: torch.device) -> Result:
    """Allocate a known size, touch it, and free it; on CUDA it is to be read to the byte."""
    allowed_mb = 0.0 if device.type == "cuda" else OFF_MB
    with peak:
        torch.empty(round(1e6 * KNOWN_MB), dtype=torch.uint8, device=device).fill_(1)
    if peak.peak_mb is None:
        return Result("allocation", "warning", "not measured", f"{KNOWN_MB:.2f} MB", str(peak.reason))
    return judged(
        "allocation",
        abs(peak.peak_mb - KNOWN_MB) <= allowed_mb + 1e-6,
        f"{peak.peak_mb:.2f} MB",
        f"{KNOWN_MB:.2f} ± {allowed_mb:g} MB",
        "peak_memory_mb is wrong here; run where the process has memory enough and is not swapped",
        read_mb=peak.peak_mb,
    )
