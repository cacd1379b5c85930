"""How much memory a model's weights take, and how much a piece of work takes at its peak."""

import gc
from pathlib import Path
from types import TracebackType
from typing import Self

import torch
from torch import nn

from tradeoff.core.errors import NotMeasured
from tradeoff.probes.gauges import gauge_of


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
        self._gauge = gauge_of(device, process)

    def __enter__(self) -> Self:
        gc.collect()
        try:
            self.before_mb = self._gauge.reset() / 1e6
        except NotMeasured as error:
            self.reason = str(error)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.reason = f"not measured: the work ended in {kind.__name__}"
        elif self.before_mb is not None:
            self.peak_mb = max(0.0, self._gauge.peak() / 1e6 - self.before_mb)
