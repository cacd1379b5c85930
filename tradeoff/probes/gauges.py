"""What knows the peak of memory on a kind of device, in bytes."""

import ctypes
import os
from pathlib import Path
from typing import Protocol

import torch

from tradeoff.core.errors import NotMeasured

RESET_SLACK_BYTES = 4_000_000  # what the kernel may be behind in its own account of a process


class Gauge(Protocol):
    """Something that knows a peak, in bytes."""

    def reset(self) -> int:
        """Forget the peak and return what is taken now."""

    def peak(self) -> int:
        """Return the most that was taken since the reset."""


def gauge_of(device: torch.device, process: Path) -> Gauge:
    """Return what measures a kind of device."""
    if device.type == "cpu":
        return Resident(process)
    return Allocated(device) if device.type == "cuda" else Unknown(device)


class Unknown:
    """A device without a known counter."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def reset(self) -> int:
        """Refuse."""
        raise NotMeasured(f"peak memory of device {self.device} is not measured; expected cpu or cuda")

    def peak(self) -> int:
        """Return nothing; `reset` has refused."""
        return 0


class Allocated:
    """Tensors on a CUDA device, as the caching allocator counts them."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def reset(self) -> int:
        """Forget the peaks, give back what is held in reserve, and return what is in use."""
        torch.cuda.synchronize(self.device)
        torch.cuda.empty_cache()  # so that the peak of what is held in reserve starts at what is in use
        torch.cuda.reset_peak_memory_stats(self.device)
        return torch.cuda.memory_allocated(self.device)

    def peak(self) -> int:
        """Return the most that was in use."""
        torch.cuda.synchronize(self.device)
        return torch.cuda.max_memory_allocated(self.device)


class Resident:
    """Resident pages of a process, as Linux counts them."""

    def __init__(self, process: Path) -> None:
        self.process = process

    def reset(self) -> int:
        """Have the kernel forget its high-water mark, and return what is resident."""
        _return_freed_pages()
        try:
            handle = os.open(self.process / "clear_refs", os.O_WRONLY)
            try:
                os.write(handle, b"5")  # "reset the peak resident set size", man 5 proc_pid_clear_refs
            finally:
                os.close(handle)
            before, high = self._field("VmRSS"), self._field("VmHWM")
        except OSError as error:
            raise NotMeasured(
                f"peak memory not measured: {error.strerror} at {error.filename or self.process}; "
                "it needs Linux and the right to write /proc/self/clear_refs"
            ) from error
        if high - before > RESET_SLACK_BYTES:
            raise NotMeasured(
                f"peak memory not measured: the kernel's peak stayed {(high - before) / 1e6:.0f} MB above what is "
                "resident after a reset; run on a Linux kernel that honours /proc/self/clear_refs"
            )
        return before

    def peak(self) -> int:
        """Return the kernel's high-water mark."""
        return self._field("VmHWM")

    def _field(self, name: str) -> int:
        """Return a field of the process status, which is in kibibytes, as bytes."""
        for line in (self.process / "status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise NotMeasured(f"peak memory not measured: {self.process / 'status'} has no {name}")


def _return_freed_pages() -> None:
    """Have the C library give freed memory back to the system, where it can."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # not glibc; TypeError on Windows
        return
    trim(0)
