"""A chain of steps that is run and timed, whole or step by step."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from tradeoff.ops.steps import Step

Run = tuple[float, float | None]  # milliseconds of the host, and between events on CUDA


class Chain:
    """The steps one after the other, timed in two ways.

    Attributes:
        last: what the last end-to-end run put out.
        ended_ns: what the clock showed when the last run of either kind ended.
    """

    def __init__(self, steps: Sequence[Step], device: torch.device, clock_ns: Callable[[], int]) -> None:
        self.functions = [function for _, function in steps]
        self.head = 1 if len(steps) > 1 else 0
        self.device, self.clock_ns = device, clock_ns
        self.is_cuda = device.type == "cuda"
        self.last: Any = None
        self.ended_ns = clock_ns()
        self.events = [self._event() for _ in range(2)] if self.is_cuda else []

    def _event(self) -> torch.cuda.Event:
        """Return an event that the driver has made: it does so when one is recorded first, which takes time."""
        event = torch.cuda.Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self.device))
        return event

    def synchronize(self) -> None:
        """Wait until the device has done all that was asked of it."""
        if self.is_cuda:
            torch.cuda.synchronize(self.device)

    def end_to_end(self, value: Any) -> Run:
        """Run all steps and synchronise once; milliseconds of the host and, on CUDA, between events."""
        if self.is_cuda:
            return self._between_events(value)
        clock_ns = self.clock_ns
        begin_ns = clock_ns()
        for function in self.functions:
            value = function(value)
        self.ended_ns = ended_ns = clock_ns()
        self.last = value
        return (ended_ns - begin_ns) / 1e6, None

    def _between_events(self, value: Any) -> Run:
        """Run all steps on CUDA; events stand on the stream that works, after the first step and after the last."""
        events = self.events
        begin_ns = self.clock_ns()
        for function in self.functions[: self.head]:
            value = function(value)
        events[0].record(torch.cuda.current_stream(self.device))
        for function in self.functions[self.head :]:
            value = function(value)
        events[1].record(torch.cuda.current_stream(self.device))
        self.synchronize()
        self.ended_ns = self.clock_ns()
        self.last = value
        return (self.ended_ns - begin_ns) / 1e6, events[0].elapsed_time(events[1])

    def staged(self, value: Any) -> list[float]:
        """Run all steps and synchronise after each; milliseconds of each."""
        clock_ns, times = self.clock_ns, []
        for function in self.functions:
            begin_ns = clock_ns()
            value = function(value)
            self.synchronize()
            self.ended_ns = clock_ns()
            times.append((self.ended_ns - begin_ns) / 1e6)
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


def shape_of(value: Any) -> Any:
    """Return what decides which kernels run: shapes and types of tensors, arrays, images and nests of them."""
    if hasattr(value, "shape"):
        return tuple(value.shape), str(getattr(value, "dtype", ""))
    if isinstance(value, Mapping):
        return tuple((key, shape_of(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(shape_of(item) for item in value)
    size = getattr(value, "size", None)  # a PIL image
    return size if isinstance(size, tuple) else type(value)
