"""How much memory the tensors of a piece of work take at its peak, counted one by one."""

import weakref
from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def storages_bytes(module: nn.Module) -> int:
    """Return the bytes behind the parameters and buffers of a module, shared storages once."""
    storages = {_key(tensor): tensor for tensor in [*module.parameters(), *module.buffers()]}
    return sum(tensor.untyped_storage().nbytes() for tensor in storages.values())


class LiveTensors(TorchDispatchMode):
    """Sum the storages of all tensors that are made inside and alive, and keep the highest sum; a context manager.

    Views and in-place results share a storage, which counts once. What was there before does not count, nor does what
    an operator takes and gives back within itself, such as the columns or the reordered input of a convolution.

    Attributes: peak_bytes: the highest sum so far. live_bytes: the sum now.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live_bytes = self.peak_bytes = 0
        self._storages: dict[int, tuple[weakref.ref[Any], int]] = {}  # by key: what it is, and its bytes if made here

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def __torch_dispatch__(self, operator: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        for tensor in _tensors((args, kwargs)):
            self._know(tensor, 0)
        made = operator(*args, **kwargs)
        for tensor in _tensors(made):
            self._know(tensor, tensor.untyped_storage().nbytes())
        return made

    def _know(self, tensor: Tensor, size: int) -> None:
        """Count a storage that is not known yet, until it is freed."""
        key = _key(tensor)
        if key in self._storages:
            return
        reference = weakref.ref(tensor.untyped_storage(), lambda _: self._forget(key))
        self._storages[key] = reference, size
        self.live_bytes += size
        self.peak_bytes = max(self.peak_bytes, self.live_bytes)

    def _forget(self, key: int) -> None:
        """Take a freed storage off the sum."""
        self.live_bytes -= self._storages.pop(key)[1]


def _tensors(nest: Any) -> list[Tensor]:
    """Return the tensors of a nest that have a storage."""
    return [leaf for leaf in tree_leaves(nest) if isinstance(leaf, Tensor) and leaf.layout == torch.strided]


def _key(tensor: Tensor) -> int:
    """Return what tells a storage from all others that are alive."""
    return int(tensor.untyped_storage()._cdata)
