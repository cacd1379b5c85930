"""How little memory a call still runs in, and how large a batch still runs: by trying."""

import gc
import time
from collections.abc import Callable
from typing import Protocol

import torch

from tradeoff.core.errors import NotMeasured

#: what CUDA's libraries say when they get no memory, beside torch.OutOfMemoryError
WORDS_OF_NO_MEMORY = (
    "out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "unable to find an engine",  # cuDNN, when no workspace can be had
)


class Device(Protocol):
    """Memory that can be capped. All in bytes."""

    def total(self) -> int:
        """Return what there is."""

    def in_use(self) -> int:
        """Return what tensors take now."""

    def peak(self, work: Callable[[], object]) -> int:
        """Do work and return the most that was taken from the device."""

    def cap(self, size: int) -> None:
        """Refuse to take more than this from now on; what is not in use is given back first."""


class CudaMemory:
    """PyTorch's allocator on a CUDA device; the driver's context, some 0.5 GB, is not its own."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def total(self) -> int:
        """Return the memory of the device."""
        return int(torch.cuda.get_device_properties(self.device).total_memory)

    def in_use(self) -> int:
        """Return what tensors take now."""
        return int(torch.cuda.memory_allocated(self.device))

    def peak(self, work: Callable[[], object]) -> int:
        """Do work and return the most that the allocator held, reserve included."""
        self.cap(self.total())
        torch.cuda.reset_peak_memory_stats(self.device)
        work()
        torch.cuda.synchronize(self.device)
        return int(torch.cuda.max_memory_reserved(self.device))

    def cap(self, size: int) -> None:
        """Let the allocator have no more than this."""
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction(min(1.0, (size + 1) / self.total()), self.device)  # + 1: rounding


def give_back() -> None:
    """Free what nobody holds, the copies that autocast keeps of weights, and the workspaces of cuBLAS."""
    gc.collect()
    torch.clear_autocast_cache()
    clear_workspaces = getattr(torch._C, "_cuda_clearCublasWorkspaces", None)  # none in a build without CUDA
    if clear_workspaces:
        clear_workspaces()


def fits(work: Callable[[], object]) -> bool:
    """Do work; tell whether the device had memory enough. Other errors go on their way, a full host's too."""
    try:
        work()
    except torch.OutOfMemoryError:
        return False
    except RuntimeError as error:
        if any(words in str(error) for words in WORDS_OF_NO_MEMORY):
            return False
        raise
    return True


def smallest_cap(work: Callable[[], object], device: Device, step: int) -> int:
    """Return the smallest cap, in bytes, under which work still runs, to within `step`; the cap is lifted again.

    It is above what is in use now and at most the peak without a cap. With less, the allocator keeps less in reserve
    and the libraries choose other algorithms, so it is below that peak.

    Raises:
        NotMeasured: when work does not even run under a cap of its own peak.
    """
    fails, runs = device.in_use(), device.peak(work)

    def runs_under(size: int) -> bool:
        device.cap(size)
        return fits(work)

    try:
        if not runs_under(runs):
            raise NotMeasured("a call ran out of memory under a cap of its own peak; close other programs on the GPU")
        while runs - fails > step:
            middle = (fails + runs) // 2
            fails, runs = (fails, middle) if runs_under(middle) else (middle, runs)
    finally:
        device.cap(device.total())
    return runs


def largest_batch(
    call: Callable[[int], object],
    device: Device,
    *,
    most: int,
    patience_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> tuple[int, str]:
    """Return the largest batch that runs, 0 if none does, and what else than memory has ended the search, if so.

    Doubled until one does not fit, then halved in between, to within a sixteenth. At most `most`, and no more than
    the first whose call takes longer than `patience_s`. Kernels have limits of their own: an error that only a larger
    batch meets ends the search as well.
    """

    def runs(batch: int) -> bool:
        device.cap(device.total())  # gives back what the last try has left
        return fits(lambda: call(batch))

    good, size = 0, 1
    while size <= most:
        begin_s = clock()
        try:
            if not runs(size):
                return _between(runs, good, size), ""
        except (RuntimeError, MemoryError) as error:
            if not good:
                raise
            words = "the memory of the host is full" if isinstance(error, MemoryError) else str(error).splitlines()[0]
            return good, f"larger batches end in another error: {words}"
        good, took_s = size, clock() - begin_s
        if took_s > patience_s:
            return good, f"larger batches were not tried, a call of {good} took {took_s:.0f} s"
        size *= 2
    return good, f"larger batches than {good} were not tried"


def _between(runs: Callable[[int], bool], good: int, bad: int) -> int:
    """Return the largest that runs of two, to within a sixteenth."""
    while bad - good > max(1, good // 16):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if runs(middle) else (good, middle)
    return good
