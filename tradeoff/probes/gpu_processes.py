"""By which number NVML lists this process, so that others can be told from it; in a container it may be another."""

import os
from typing import Any

import torch

from tradeoff.core import nvml

_OWN: dict[int, int] = {}  # by the index of the GPU


def own_number(index: int) -> int:
    """Return the number by which NVML lists this process on a GPU: the one that was found, else the process id."""
    return _OWN.get(index, os.getpid())


def find_own(device: torch.device, binding: Any = None) -> None:
    """Begin to use a GPU, and find by which number NVML lists this process there.

    Where processes go by numbers of their own, as in most containers, it is the one that has come to the list
    meanwhile, if that is a single one. So this comes before all else that uses a GPU; later it finds nothing, nor
    does it on a CPU. An error of the device is left to the first who has work for it.

    Args:
        device: where the work will be.
        binding: stands in for the module `pynvml`.
    """
    if device.type != "cuda" or torch.cuda.is_initialized():
        return
    index = device.index or 0
    with nvml.opened(binding) as driver:
        if index >= len(driver.gpus):
            return
        before = driver.gpus[index].processes_mb()
        try:
            torch.zeros(1, device=device).add_(1).item()
        except RuntimeError:
            return
        after = driver.gpus[index].processes_mb()
    if before is None or after is None or os.getpid() in after:
        return
    new = after.keys() - before.keys()
    if len(new) == 1:
        _OWN[index] = new.pop()
