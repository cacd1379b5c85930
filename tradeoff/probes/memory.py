"""How much memory a model's weights take, and how much a piece of work takes at its peak."""

import ctypes
import gc
import os
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import torch
from torch import nn

RESET_SLACK_BYTES = 4_000_000  # what the kernel may be behind in its own account of a process


def parameters(module: nn.Module) -> int:
    """Return the number of parameters, shared ones once, trainable or not."""
    return sum(parameter.numel() for parameter in module.parameters())


def weights_mb(module: nn.Module) -> float:
    """Return the memory of all that a checkpoint of a module holds, in MB of 10^6 bytes, shared tensors once."""
    tensors = {tensor.data_ptr(): tensor for tensor in module.state_dict().values()}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) / 1e6


class PeakMemory:
    """Measure by how much memory rises, at its peak, over what it was on entering; a context manager.

    CPU: resident memory of this process. The kernel's own high-water mark (VmHWM) is reset on entering, so it sees
    the shortest peak and nothing of what came before. `ru_maxrss` would start at the peak of the parent, and sampling
    would miss peaks. Freed pages that the allocator still keeps would hide what is allocated next, so they are given
    back first. What a first run sets up (thread pools, kernels made at run time) counts if it happens inside. Good to
    about 1 MB: the kernel accounts in lots of pages. Other threads' memory counts too, so use a process of its own.
    CUDA: what the allocator of this process has handed out on the device; not the context, not what it keeps in
    reserve.

    Attributes:
        peak_mb: MB of 10^6 bytes above `before_mb`; None before the end and where it could not be measured.
        before_mb: what was taken on entering; None where it could not be measured.
        reason: why there is no value, else None.
    """

    def __init__(self, device: torch.device, *, process: Path = Path("/proc/self")) -> None:
        self.peak_mb: float | None = None
        self.before_mb: float | None = None
        self.reason: str | None = None
        self._gauge = _gauge_of(device, process)

    def __enter__(self) -> Self:
        gc.collect()
        try:
            self.before_mb = self._gauge.reset() / 1e6
        except _NotMeasured as error:
            self.reason = str(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.reason = f"not measured: the work ended in {kind.__name__}"
        elif self.before_mb is not None:
            self.peak_mb = max(0.0, self._gauge.peak() / 1e6 - self.before_mb)


class _NotMeasured(Exception):
    """The peak cannot be had here; says why."""


class _Gauge(Protocol):
    """Something that knows a peak, in bytes."""

    def reset(self) -> int:
        """Forget the peak and return what is taken now."""

    def peak(self) -> int:
        """Return the most that was taken since the reset."""


def _gauge_of(device: torch.device, process: Path) -> _Gauge:
    """Return what measures a kind of device."""
    if device.type == "cpu":
        return _Resident(process)
    return _Allocated(device) if device.type == "cuda" else _Unknown(device)


class _Unknown:
    """A device without a known counter."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def reset(self) -> int:
        raise _NotMeasured(f"peak memory of device {self.device} is not measured; expected cpu or cuda")

    def peak(self) -> int:
        return 0


class _Allocated:
    """Tensors on a CUDA device, as the caching allocator counts them."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def reset(self) -> int:
        torch.cuda.synchronize(self.device)
        torch.cuda.reset_peak_memory_stats(self.device)
        return torch.cuda.memory_allocated(self.device)

    def peak(self) -> int:
        torch.cuda.synchronize(self.device)
        return torch.cuda.max_memory_allocated(self.device)


class _Resident:
    """Resident pages of a process, as Linux counts them."""

    def __init__(self, process: Path) -> None:
        self.process = process

    def reset(self) -> int:
        _return_freed_pages()
        try:
            handle = os.open(self.process / "clear_refs", os.O_WRONLY)
            try:
                os.write(handle, b"5")  # "reset the peak resident set size", man 5 proc_pid_clear_refs
            finally:
                os.close(handle)
            before, high = self._field("VmRSS"), self._field("VmHWM")
        except OSError as error:
            raise _NotMeasured(
                f"peak memory not measured: {error.strerror} at {error.filename or self.process}; "
                "it needs Linux and the right to write /proc/self/clear_refs"
            ) from error
        if high - before > RESET_SLACK_BYTES:
            raise _NotMeasured(
                f"peak memory not measured: the kernel's peak stayed {(high - before) / 1e6:.0f} MB above what is "
                "resident after a reset; run on a Linux kernel that honours /proc/self/clear_refs"
            )
        return before

    def peak(self) -> int:
        return self._field("VmHWM")

    def _field(self, name: str) -> int:
        """Return a field of the process status, which is in kibibytes, as bytes."""
        for line in (self.process / "status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise _NotMeasured(f"peak memory not measured: {self.process / 'status'} has no {name}")


def _return_freed_pages() -> None:
    """Have the C library give freed memory back to the system, where it can."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc; TypeError on Windows
        return
    trim(0)
