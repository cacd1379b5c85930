"""How many multiply-adds a callable executes, and which of its operators could not be counted."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from tradeoff.probes.flop_formulas import FORMULAS, is_free


@dataclass(frozen=True)
class Count:
    """What was executed.

    macs: multiply-adds. flops: two per multiply-add. by_operator: MACs of each operator that has a formula, as in
    "aten.convolution". uncounted: operators that may cost something and have no formula, in the order of their names;
    if there are any, `macs` is a lower bound.
    """

    macs: int
    flops: int
    by_operator: dict[str, int]
    uncounted: tuple[str, ...]


def count(callable: Callable[..., Any], *args: Any) -> Count:
    """Run a callable once and count the multiply-adds of every operator that it executes.

    What is counted is what runs: data decide how many proposals there are, so count on real images. Works under
    `torch.inference_mode`, autocast and in channels_last. The fused fast path of transformer layers is off meanwhile,
    since it hides its products. A callable that runs no torch operator at all (an exported engine) is told in
    `uncounted`, not as 0 MACs.
    """
    mode = _CountingMode()
    with _no_fast_path(), mode:
        callable(*args)
    macs = sum(mode.by_operator.values())
    uncounted = sorted(mode.uncounted) if mode.has_run else ["no torch operator was seen"]
    return Count(macs=macs, flops=2 * macs, by_operator=dict(mode.by_operator), uncounted=tuple(uncounted))


class _CountingMode(TorchDispatchMode):
    """See every operator just before it runs."""

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()
        self.by_operator: dict[str, int] = {}
        self.uncounted: set[str] = set()
        self.has_run = False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        self.has_run = True
        if not isinstance(func, torch._ops.OpOverload):  # a higher-order operator
            self.uncounted.add(str(func))
            return func(*args, **kwargs)
        if not _has_formula(func):
            with self:  # under inference mode linear, matmul and convolutions arrive here in one piece
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        given = _by_name(func, args, kwargs)
        out = func(*args, **kwargs)
        self._add(func, args, kwargs, given, out)
        return out

    def _add(
        self,
        func: torch._ops.OpOverload,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        given: Mapping[str, Any],
        out: Any,
    ) -> None:
        """Enter one operator into the books."""
        name = str(func._overloadpacket)
        if name in FORMULAS:
            macs = FORMULAS[name](given, out)
        elif func._overloadpacket in flop_registry:
            macs = flop_registry[func._overloadpacket](*args, **kwargs, out_val=out) // 2
        elif is_free(func, given):
            return
        else:
            self.uncounted.add(name)
            return
        self.by_operator[name] = self.by_operator.get(name, 0) + macs


def _has_formula(func: torch._ops.OpOverload) -> bool:
    """Tell whether the operator is counted in one piece."""
    return str(func._overloadpacket) in FORMULAS or func._overloadpacket in flop_registry


def _by_name(func: torch._ops.OpOverload, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments by the names of the operator's schema, defaults filled in."""
    arguments = func._schema.arguments
    given = {argument.name: argument.default_value for argument in arguments if argument.has_default_value()}
    given.update(zip((argument.name for argument in arguments), args, strict=False))
    return {**given, **kwargs}


@contextmanager
def _no_fast_path() -> Iterator[None]:
    """Run transformer layers piece by piece; afterwards as before."""
    was_enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(was_enabled)
