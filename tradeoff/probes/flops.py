"""How many multiply-adds a callable executes, and which of its operators could not be counted."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from tradeoff.probes.flop_formulas import FORMULAS
from tradeoff.probes.operators import is_free
from tradeoff.probes.traffic import moved_bytes

ALL = "all"


@dataclass(frozen=True)
class Call:
    """One operator that ran.

    part: what it is a part of. operator: as in "aten.convolution". macs: multiply-adds; None for an operator
    that is free by convention. moved_bytes: the least that it reads and writes.
    """

    part: str
    operator: str
    macs: int | None
    moved_bytes: int


@dataclass(frozen=True)
class Count:
    """What was executed.

    calls: every operator that could be counted, in their order. uncounted: operators that may cost
    something and have no formula, in the order of their names; if there are any, `macs` is a lower bound.
    """

    calls: tuple[Call, ...]
    uncounted: tuple[str, ...]

    def __add__(self, other: "Count") -> "Count":
        """Return what two callables execute one after the other."""
        return Count(self.calls + other.calls, tuple(sorted({*self.uncounted, *other.uncounted})))

    @property
    def macs(self) -> int:
        """Multiply-adds."""
        return sum(call.macs or 0 for call in self.calls)

    @property
    def flops(self) -> int:
        """Two per multiply-add."""
        return 2 * self.macs

    @property
    def by_operator(self) -> dict[str, int]:
        """MACs of each operator that has a formula, such as "aten.convolution"."""
        return _sums((call.operator, call.macs) for call in self.calls if call.macs is not None)

    @property
    def by_part(self) -> dict[str, int]:
        """MACs of each part that ran."""
        return _sums((call.part, call.macs or 0) for call in self.calls)


def count(callable: Callable[..., Any], *args: Any, part: str = ALL) -> Count:
    """Run a callable once and count the multiply-adds of every operator that it executes.

    What is counted is what runs: data decide how many proposals there are, so count on real images. Works under
    `torch.inference_mode`, autocast and in channels_last. The fused fast path of transformer layers is off meanwhile,
    since it hides its products. A callable that runs no torch operator at all (an exported engine) is told in
    `uncounted`, not as 0 MACs. What depends on shapes alone can be counted on the meta device, where nothing is
    computed.

    Args:
        callable: what is run.
        *args: what it takes.
        part: what its work is entered under.
    """
    mode = _CountingMode(part)
    with _no_fast_path(), mode:
        callable(*args)
    uncounted = sorted(mode.uncounted) if mode.has_run else ["no torch operator was seen"]
    return Count(tuple(mode.calls), tuple(uncounted))


class _CountingMode(TorchDispatchMode):
    """See every operator just before it runs."""

    supports_higher_order_operators = True

    def __init__(self, part: str) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.uncounted: set[str] = set()
        self.has_run = False
        self.part = part

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
        macs = None
        if name in FORMULAS:
            macs = FORMULAS[name](given, out)
        elif func._overloadpacket in flop_registry:
            macs = flop_registry[func._overloadpacket](*args, **kwargs, out_val=out) // 2
        elif not is_free(func, given):
            self.uncounted.add(name)
            return
        self.calls.append(Call(self.part, name, macs, moved_bytes(func, given, out)))


def _sums(entries: Any) -> dict[str, int]:
    """Add up (name, number)."""
    sums: Counter[str] = Counter()
    for name, number in entries:
        sums[name] += number
    return dict(sums)


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
