"""A chain of steps that is run and timed, whole or step by step."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

Step = tuple[str, Callable[[Any], Any]]
Run = tuple[float, float | None]  # milliseconds of the host, and between events on CUDA


class Chain:
    """The steps one after the other, timed in two ways."""

    def __init__(self, steps: Sequence[Step], device: torch.device, clock_ns: Callable[[], int]) -> None:
        self.functions = [function for _, function in steps]
        self.head = 1 if len(steps) > 1 else 0
        self.device, self.clock_ns = device, clock_ns
        self.is_cuda = device.type == "cuda"

    def synchronize(self) -> None:
        """Wait until the device has done all that was asked of it."""
        if self.is_cuda:
            torch.cuda.synchronize(self.device)

    def end_to_end(self, value: Any) -> Run:
        """Run all steps and synchronise once; milliseconds of the host and, on CUDA, between events."""
        events = [torch.cuda.Event(enable_timing=True) for _ in range(2)] if self.is_cuda else None
        begin_ns = self.clock_ns()
        for function in self.functions[: self.head]:
            value = function(value)
        if events:
            events[0].record(torch.cuda.current_stream(self.device))
        for function in self.functions[self.head :]:
            value = function(value)
        if events:
            events[1].record(torch.cuda.current_stream(self.device))
        self.synchronize()
        host_ms = (self.clock_ns() - begin_ns) / 1e6
        return host_ms, events[0].elapsed_time(events[1]) if events else None

    def staged(self, value: Any) -> list[float]:
        """Run all steps and synchronise after each; milliseconds of each."""
        times = []
        for function in self.functions:
            begin_ns = self.clock_ns()
            value = function(value)
            self.synchronize()
            times.append((self.clock_ns() - begin_ns) / 1e6)
        return times


@contextmanager
def collector_off() -> Iterator[None]:
    """Collect garbage now and not again inside; afterwards the collector is as it was."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def first_of_each_shape(inputs: Sequence[Any]) -> list[Any]:
    """Return the first input of every shape, in order."""
    found: dict[Any, Any] = {}
    for value in inputs:
        found.setdefault(_shape(value), value)
    return list(found.values())


def _shape(value: Any) -> Any:
    """Return what decides which kernels run: shapes and types of tensors, arrays, images and nests of them."""
    if hasattr(value, "shape"):
        return tuple(value.shape), str(getattr(value, "dtype", ""))
    if isinstance(value, Mapping):
        return tuple((key, _shape(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(_shape(item) for item in value)
    size = getattr(value, "size", None)  # a PIL image
    return size if isinstance(size, tuple) else type(value)
