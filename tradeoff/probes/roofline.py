"""How fast a machine can be at the most, and how long work must take on it at the least."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F

from tradeoff.probes.flops import Call

SIDE = {"cpu": 1024, "cuda": 8192}  # of the matrices: 2 and 1100 GFLOP a product
MAP = (256, 40)  # channels, cells on a side: 1.9 GFLOP
COPIED_BYTES = {"cpu": 2**27, "cuda": 2**30}  # more than caches hold
LEAST_COPIED_BYTES = 2**27
LEAST_S, LEAST_RUNS = 0.3, 6
# Multiplications of a direct 3×3 convolution to those of Winograd's F(2×2, 3×3), 36 / 16, and F(4×4, 3×3), 144 / 36.
# Source: Lavin and Gray 2016, sections 4.1 and 4.3
FEWER_BY_LIBRARIES, FEWER_BY_LARGE_TILES = 2.25, 4.0

Clock = Callable[[], int]  # nanoseconds, never backwards
Work = tuple[Callable[[], Any], float]  # and how many FLOPs or bytes it takes


@dataclass(frozen=True)
class Roof:
    """What a machine reached at its best. flops_per_s: of large products. bytes_per_s: of a large copy, both ways."""

    flops_per_s: float
    bytes_per_s: float

    def __or__(self, other: "Roof") -> "Roof":
        """Return the higher of two roofs: both have been reached."""
        return Roof(max(self.flops_per_s, other.flops_per_s), max(self.bytes_per_s, other.bytes_per_s))


def measure_roof(
    device: torch.device,
    dtypes: Sequence[torch.dtype],
    *,
    clock_ns: Clock = time.perf_counter_ns,
    busy_ns: Clock = time.thread_time_ns,
) -> Roof:
    """Measure both rates, in a second or two; the best run counts, as no disturbance makes a machine faster.

    On a CPU other programs would lower the roof, and a low one refuses what is right. So there one thread is measured
    in the time that it got, and its arithmetic counts for as many threads as torch takes; a copy counts as measured,
    by one thread or by all, whichever was quicker.

    Args:
        device: cpu or cuda.
        dtypes: of the products; the fastest counts, as a network in a short type may still compute in a long one.
        clock_ns: the time that passes.
        busy_ns: the time that this thread was at work.
    """
    side, copied_bytes = _sizes(device)
    products = [work for dtype in dtypes for work in _products(device, dtype, side)]
    copy = (_copy(device, copied_bytes), 2.0 * copied_bytes)
    if device.type == "cuda":
        return Roof(_best_rate(products, device, clock_ns), _best_rate([copy], device, clock_ns))
    threads = torch.get_num_threads()
    together = _best_rate([copy], device, clock_ns)
    with _one_thread():
        alone = Roof(_best_rate(products, device, busy_ns), _best_rate([copy], device, busy_ns))
    return Roof(threads * alone.flops_per_s, max(together, alone.bytes_per_s))


def bound_ms(calls: Iterable[Call], roof: Roof) -> float:
    """Return how long operators take one after the other, each as fast as its arithmetic or its traffic allows.

    Fast convolution algorithms, fusion and caches can beat it.

    Source: Williams et al. 2009, the roofline model.
    """
    return 1000 * sum(
        max(2 * (call.macs or 0) / roof.flops_per_s, call.moved_bytes / roof.bytes_per_s) for call in calls
    )


def loose_bound_ms(macs: int, moved_bytes: float, roof: Roof, fewer: float = FEWER_BY_LIBRARIES) -> float:
    """Return what nothing right can beat: all arithmetic by a fast algorithm, or all that must be moved, once.

    Args:
        macs: of the whole network, with direct convolutions.
        moved_bytes: its weights, input and output.
        roof: of the machine.
        fewer: by how much an algorithm may reduce the multiplications.
    """
    return 1000 * max(2 * macs / fewer / roof.flops_per_s, moved_bytes / roof.bytes_per_s)


def _sizes(device: torch.device) -> tuple[int, int]:
    """Return the side of the matrices and the bytes of the copy: less where they would fill a GPU."""
    side, copied_bytes = SIDE[device.type], COPIED_BYTES[device.type]
    if device.type == "cuda":
        torch.cuda.empty_cache()
        free_bytes, _ = torch.cuda.mem_get_info(device)
        while 2 * (18 * side**2 + 2 * copied_bytes) > free_bytes and copied_bytes > LEAST_COPIED_BYTES:
            side, copied_bytes = side // 2, copied_bytes // 2
    return side, copied_bytes


def _products(device: torch.device, dtype: torch.dtype, side: int) -> Iterator[Work]:
    """Yield a large matrix product and, on a CPU, where it is direct and comes nearer to the top, a convolution."""
    left, right = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(left)
    yield lambda: torch.mm(left, right, out=out), 2.0 * side**3
    if device.type == "cpu":
        channels, cells = MAP
        maps = torch.rand(1, channels, cells, cells).to(dtype, memory_format=torch.channels_last)
        weight = torch.rand(channels, channels, 3, 3).to(dtype, memory_format=torch.channels_last)
        yield lambda: F.conv2d(maps, weight, padding=1), 2.0 * 9 * channels**2 * cells**2


def _copy(device: torch.device, size: int) -> Callable[[], Any]:
    """Return a copy of so many bytes."""
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.ones_like(source)
    return lambda: target.copy_(source)


def _best_rate(works: Sequence[Work], device: torch.device, clock_ns: Clock) -> float:
    """Return the highest rate of some pieces of work, per second."""
    return max(amount / _fastest_s(work, device, clock_ns) for work, amount in works)


def _fastest_s(work: Callable[[], Any], device: torch.device, clock_ns: Clock) -> float:
    """Return the shortest time of some runs, after one that warms up."""
    work()
    times_s: list[float] = []
    while sum(times_s) < LEAST_S or len(times_s) < LEAST_RUNS:
        _wait(device)
        begin_ns = clock_ns()
        work()
        _wait(device)
        times_s.append((clock_ns() - begin_ns) / 1e9)
    return min(times_s)


def _wait(device: torch.device) -> None:
    """Wait until the device has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in this thread alone; afterwards as before."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
