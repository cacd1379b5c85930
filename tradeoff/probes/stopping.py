"""When samples suffice: the median is known well enough, or more of them could not make it so in time."""

import math
import statistics
from collections import deque
from collections.abc import Sequence
from typing import Literal

from tradeoff.probes.correlation import inflation
from tradeoff.probes.limits import Limits
from tradeoff.probes.order_statistics import median_precision

LOOKS, STEADY = 5, 0.05  # the noise has settled when its last five estimates spread by less than 5 %; nvbench, stdrel
GROWTH = 1.1  # samples at a look, of those at the look before


class Stopping:
    """Looks at the samples now and then, at the end of a round over all inputs, so that each counts as often.

    Attributes:
        look_at: the number of samples at which to look next.
    """

    def __init__(self, limits: Limits, inputs: int) -> None:
        self.limits, self.inputs = limits, inputs
        self.look_at = self._whole_rounds(max(limits.min_samples, 1))
        self._noises: deque[float] = deque(maxlen=LOOKS)

    def look(
        self, samples_ms: Sequence[float], spent_s: float, left_s: float
    ) -> Literal["precision", "noise"] | None:
        """Say why to stop: "precision" is reached, or "noise" is known to be too much for the time; None to go on.

        Args:
            samples_ms: all of them so far.
            spent_s: seconds that they took.
            left_s: seconds that may still be spent.
        """
        self.look_at = self._whole_rounds(math.ceil(GROWTH * len(samples_ms)))
        if spent_s < self.limits.min_s:
            return None
        reached = median_precision(samples_ms, inflation(samples_ms, self.inputs))
        if reached <= self.limits.precision:
            return "precision"
        self._noises.append(reached * math.sqrt(len(samples_ms)))
        out_of_reach = needed_s(spent_s, reached, self.limits.precision) > spent_s + left_s
        return "noise" if out_of_reach and self.is_steady() else None

    def is_steady(self) -> bool:
        """Tell whether the noise has settled: its last estimates agree."""
        if len(self._noises) < LOOKS or not math.isfinite(sum(self._noises)):
            return False
        return statistics.stdev(self._noises) <= STEADY * statistics.fmean(self._noises)

    def _whole_rounds(self, count: int) -> int:
        """Return the next number of samples at which every input was taken as often."""
        return -(-count // self.inputs) * self.inputs


def unmet(samples_ms: Sequence[float], inputs: int, limits: Limits, spent_s: float, is_steady: bool) -> list[str]:
    """Say which criteria of a good end were not met, such as "precision ±8.9 % > ±1 %"; none where all were.

    Args:
        samples_ms: all of them.
        inputs: sample i took input i modulo so many.
        limits: what was asked for.
        spent_s: seconds that sampling took.
        is_steady: whether the noise has settled, which counts where the precision was not reached.
    """
    reached = median_precision(samples_ms, inflation(samples_ms, inputs))
    known = f"±{100 * reached:.3g} %" if math.isfinite(reached) else "unknown"
    is_precise = reached <= limits.precision
    criteria = {
        f"{len(samples_ms)} samples < {limits.min_samples}": len(samples_ms) >= limits.min_samples,
        f"{spent_s:.2g} s < {limits.min_s:g} s": spent_s >= limits.min_s,
        f"precision {known} > ±{100 * limits.precision:g} %": is_precise,
        "noise not settled": is_precise or is_steady,
    }
    return [words for words, is_met in criteria.items() if not is_met]


def needed_s(spent_s: float, reached: float, wanted: float) -> float:
    """Return how long it takes to know a median to a wanted precision; it falls with the root of the samples."""
    return spent_s * (reached / wanted) ** 2
