"""When timing is to stop, and how much of its time has gone."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields

Progress = Callable[[float, float], None]

PROGRESS_S = 0.2
WARMUP_SHARE = 0.5  # of max_s, at most


@dataclass(frozen=True)
class Limits:
    """When to stop.

    max_s: seconds of timing; warm-up may take half as long again. min_samples: fewest end-to-end samples.
    warmup_iterations, warmup_s: least warm-up, both. precision: stop when the 95 % interval of the median lies within
    this part of it, 0.02 is ±2 %. min_s: fewest seconds of timing. doubted: a median known to less than precision is
    doubted only where it is known to less than this as well.

    Raises: ValueError: a limit is not above 0, or not finite.
    """

    max_s: float
    min_samples: int
    warmup_iterations: int
    warmup_s: float
    precision: float
    min_s: float = 0.0
    doubted: float = 0.0

    def __post_init__(self) -> None:
        for spec in fields(self):
            value = getattr(self, spec.name)
            lowest_is_zero = spec.name.startswith("warmup") or spec.name in ("min_s", "doubted")
            if not math.isfinite(value) or value < 0 or (value == 0 and not lowest_is_zero):
                expected = "0 or more" if lowest_is_zero else "more than 0"
                raise ValueError(f"Limits.{spec.name}: got {value}, expected a finite number, {expected}")

    @property
    def warmup_cap_s(self) -> float:
        """The most that warm-up may take."""
        return WARMUP_SHARE * self.max_s

    @property
    def budget_s(self) -> float:
        """The most that warm-up and timing may take together, but for the run in hand."""
        return (1 + WARMUP_SHARE) * self.max_s


class Watch:
    """Seconds since it was made; tells the progress in passing."""

    def __init__(self, clock_ns: Callable[[], int], budget_s: float, progress: Progress | None) -> None:
        self.clock_ns, self.budget_s, self.progress = clock_ns, budget_s, progress
        self.begin_ns, self.told_s = clock_ns(), -math.inf

    def elapsed_s(self) -> float:
        """Return the seconds gone."""
        seconds = (self.clock_ns() - self.begin_ns) / 1e9
        if self.progress is not None and seconds - self.told_s >= PROGRESS_S:
            self.told_s = seconds
            self.progress(seconds, self.budget_s)
        return seconds

    def moment_ns(self, seconds: float) -> int:
        """Return what the clock shows so many seconds after the watch was made."""
        return self.begin_ns + math.ceil(seconds * 1e9)
