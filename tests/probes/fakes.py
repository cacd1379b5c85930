"""A clock that stands still unless told, steps that take scripted times on it, and a CUDA device made of it."""

import itertools
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tradeoff.probes.latency import Timing, time_steps
from tradeoff.probes.limits import Limits

CPU = torch.device("cpu")


class FakeClock:
    """Nanoseconds that pass only by `advance`."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns

    def advance(self, milliseconds: float) -> None:
        self.now_ns += round(milliseconds * 1e6)


class FakeStep:
    """Takes scripted milliseconds, the last of them for ever; remembers what it was given."""

    def __init__(self, clock: FakeClock, durations_ms: float | Iterable[float]) -> None:
        script = [durations_ms] if isinstance(durations_ms, int | float) else durations_ms
        self.clock, self.seen = clock, []
        self._script = iter(script)
        self._last = 0.0

    def __call__(self, value: Any) -> Any:
        self._last = next(self._script, self._last)
        self.clock.advance(self._last)
        self.seen.append(value)
        return value


def forever(durations_ms: Iterable[float]) -> Iterable[float]:
    """Repeat a script."""
    return itertools.cycle(durations_ms)


class FakeCuda:
    """A queue that works beside the host, put in the place of torch.cuda."""

    stream = SimpleNamespace(name="current")

    def __init__(self, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.ready_ns, self.syncs, self.events = clock, 0, 0, 0
        self.away_ns = 0
        monkeypatch.setattr(torch.cuda, "synchronize", self.synchronize)
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device: self.stream)
        monkeypatch.setattr(torch.cuda, "Event", self.event)

    def synchronize(self, device: torch.device) -> None:
        self.syncs += 1
        self.clock.now_ns = max(self.clock.now_ns, self.ready_ns, self.away_ns)

    def event(self, *, enable_timing: bool) -> "FakeEvent":
        assert enable_timing
        self.events += 1
        return FakeEvent(self)

    def step(self, host_ms: float, gpu_ms: float) -> Callable[[Any], Any]:
        """Return a step that keeps the host for a while, then leaves work in the queue."""

        def run(value: Any) -> Any:
            self.clock.advance(host_ms)
            self.ready_ns = max(self.ready_ns, self.clock.now_ns) + round(gpu_ms * 1e6)
            return value

        return run

    def elsewhere(self, gpu_ms: float) -> Callable[[Any], Any]:
        """Return a step that leaves work on another stream; to wait for the device is to wait for that too."""

        def run(value: Any) -> Any:
            self.away_ns = max(self.away_ns, self.clock.now_ns) + round(gpu_ms * 1e6)
            return value

        return run


class FakeEvent:
    """The moment at which the queue gets to it."""

    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda, self.at_ns = cuda, 0

    def record(self, stream: Any) -> None:
        assert stream is self.cuda.stream, "events must be on the stream that runs the work"
        self.at_ns = max(self.cuda.ready_ns, self.cuda.clock.now_ns)

    def elapsed_time(self, end: "FakeEvent") -> float:
        if max(self.at_ns, end.at_ns) > self.cuda.clock.now_ns:
            raise RuntimeError("Both events must be completed before calculating elapsed time.")
        return (end.at_ns - self.at_ns) / 1e6


def limits_of(**changes: float) -> Limits:
    """Limits of ten seconds and twenty samples, but for what is given."""
    asked = {"max_s": 10.0, "min_samples": 20, "warmup_iterations": 3, "warmup_s": 0.0, "precision": 0.02}
    return Limits(**{**asked, **changes})  # type: ignore[arg-type]


def timed(clock: FakeClock, step: FakeStep, inputs: list | None = None, **changes: float) -> Timing:
    """Time one step on the CPU, by a clock that it moves."""
    limits = limits_of(**changes)
    return time_steps([("all", step)], inputs or [torch.zeros(1)], device=CPU, limits=limits, clock_ns=clock)
