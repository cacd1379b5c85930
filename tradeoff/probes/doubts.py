"""Why a list of latency samples is not to be trusted, in words."""

import math
import statistics
from collections.abc import Sequence

from tradeoff.probes.order_statistics import median_interval, median_precision, quartiles

FEWEST_SAMPLES = 11  # MLPerf, "Early stopping": one sample above a median that is claimed with 99 % confidence
SPREAD = 0.25  # torch.utils.benchmark: "significant environmental influence"
DRIFT = 0.10


def doubts(samples_ms: Sequence[float], inputs: int, *, min_samples: int, precision: float) -> list[str]:
    """Say in words why samples are not to be trusted and what to do next; an empty list when they are."""
    count, median = len(samples_ms), statistics.median(samples_ms)
    if median <= 0:
        return ["one run is shorter than the clock can tell; time more work at once"]
    reasons = []
    if count < min_samples:
        reasons.append(f"only {count} of {min_samples} samples fitted in; raise measure.max_s")
    elif count < FEWEST_SAMPLES:
        reasons.append(f"{count} samples are too few to claim a median; set measure.min_samples to {FEWEST_SAMPLES}")
    reached = median_precision(samples_ms)
    if precision < reached < math.inf:
        reasons.append(f"the median is known to ±{100 * reached:.1f} % only; raise measure.max_s")
    first, third = quartiles(samples_ms)
    if (third - first) / median > SPREAD:
        spread_pct = 100 * (third - first) / median
        reasons.append(
            f"the middle half of the samples spreads over {spread_pct:.0f} % of the median; close other programs"
        )
    drift = drift_of(samples_ms, inputs)
    if abs(drift) > DRIFT:
        reasons.append(
            f"the second half of the samples is {100 * drift:+.0f} % off the first; let the machine settle, run again"
        )
    return reasons


def drift_of(samples_ms: Sequence[float], inputs: int) -> float:
    """Return by how much the second half of the samples is slower than the first, 0.1 is 10 %.

    Like is compared with like: the median over the inputs that both halves have run. Where no input ran in both, the
    halves differ in content too, so a difference counts only if the intervals of their medians do not meet.
    """
    half = len(samples_ms) // 2
    first, second = _by_input(samples_ms, range(half), inputs), _by_input(samples_ms, range(half, 2 * half), inputs)
    ratios = [
        statistics.median(second[key]) / usual
        for key, runs in first.items()
        if key in second and (usual := statistics.median(runs)) > 0
    ]
    if ratios:
        return statistics.median(ratios) - 1
    before, after = samples_ms[:half], samples_ms[half : 2 * half]
    intervals = median_interval(before), median_interval(after)
    if intervals[0] is None or intervals[1] is None:
        return 0.0
    apart = intervals[0][1] < intervals[1][0] or intervals[1][1] < intervals[0][0]
    return statistics.median(after) / statistics.median(before) - 1 if apart else 0.0


def _by_input(samples_ms: Sequence[float], indices: range, inputs: int) -> dict[int, list[float]]:
    """Group the samples of some indices by the input that they took."""
    groups: dict[int, list[float]] = {}
    for index in indices:
        groups.setdefault(index % inputs, []).append(samples_ms[index])
    return groups
