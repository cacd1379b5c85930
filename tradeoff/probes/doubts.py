"""Why a list of latency samples is not to be trusted, in words."""

import math
import statistics
from collections.abc import Sequence

from tradeoff.probes.correlation import inflation
from tradeoff.probes.limits import Limits
from tradeoff.probes.order_statistics import median_interval, median_precision, quartiles
from tradeoff.probes.stopping import needed_s

FEWEST_SAMPLES = 11  # MLPerf, "Early stopping": one sample above a median that is claimed with 99 % confidence
SPREAD = 0.25  # torch.utils.benchmark: "significant environmental influence"
DRIFT = 0.10
LONG_S = 3600.0
AHEAD = 0.02  # what the two clocks may differ by
BEHIND, LAUNCH_MS = 0.10, 0.1  # what the events may miss of a call, and in any case: launching and waiting


def doubts(
    samples_ms: Sequence[float],
    inputs: int,
    *,
    limits: Limits,
    spent_s: float,
    gpu_ms: Sequence[float] | None = None,
    unseen_ms: float = 0.0,
) -> list[str]:
    """Say in words why samples are not to be trusted and what to do next; an empty list when they are.

    Args:
        samples_ms: end to end, by the host's clock.
        inputs: sample i took input i modulo so many.
        limits: what was asked for.
        spent_s: seconds that sampling took.
        gpu_ms: the same samples between events on CUDA.
        unseen_ms: what the host does of a sample before the first event.
    """
    median = statistics.median(samples_ms)
    if median <= 0:
        return ["one run is shorter than the clock can tell; time more work at once"]
    told = (
        _too_few(len(samples_ms), limits),
        _too_imprecise(samples_ms, inputs, limits, spent_s),
        _too_wide(samples_ms, inputs, median),
        _drifting(samples_ms, inputs),
        _not_waited_for(median, gpu_ms),
        _elsewhere(median, gpu_ms, unseen_ms),
    )
    return [reason for reason in told if reason]


def _too_few(count: int, limits: Limits) -> str | None:
    """Doubt a median of few samples."""
    if count < limits.min_samples:
        return f"only {count} of {limits.min_samples} samples fitted in; raise measure.max_s"
    if count < FEWEST_SAMPLES:
        return f"{count} samples are too few to claim a median; set measure.min_samples to {FEWEST_SAMPLES}"
    return None


def _too_imprecise(samples_ms: Sequence[float], inputs: int, limits: Limits, spent_s: float) -> str | None:
    """Doubt a median whose interval is wider than was asked for."""
    reached = median_precision(samples_ms, inflation(samples_ms, inputs))
    if not max(limits.precision, limits.doubted) < reached < math.inf:
        return None
    seconds = needed_s(spent_s, reached, limits.precision)
    time = f"about {math.ceil(seconds)} s" if seconds <= LONG_S else "more than an hour"
    return (
        f"the median is known to ±{100 * reached:.1f} % only, not to ±{100 * limits.precision:g} %, which would take "
        f"{time}; raise measure.max_s, or close other programs"
    )


def _too_wide(samples_ms: Sequence[float], inputs: int, median: float) -> str | None:
    """Doubt samples that scatter more than their inputs do."""
    first, third = quartiles(_without_inputs(samples_ms, inputs))
    spread = (third - first) / median
    if spread <= SPREAD:
        return None
    return f"the middle half of the samples spreads over {100 * spread:.0f} % of the median; close other programs"


def _without_inputs(samples_ms: Sequence[float], inputs: int) -> list[float]:
    """Return what the samples are above the median of their input; as they are where no input was taken twice."""
    if len(samples_ms) < 2 * inputs:
        return list(samples_ms)
    usual = {
        key: statistics.median(runs) for key, runs in _by_input(samples_ms, range(len(samples_ms)), inputs).items()
    }
    return [sample - usual[index % inputs] for index, sample in enumerate(samples_ms)]


def _drifting(samples_ms: Sequence[float], inputs: int) -> str | None:
    """Doubt samples that became slower or faster."""
    drift = drift_of(samples_ms, inputs)
    if abs(drift) <= DRIFT:
        return None
    return f"the second half of the samples is {100 * drift:+.0f} % off the first; let the machine settle, run again"


def _not_waited_for(median: float, gpu_ms: Sequence[float] | None) -> str | None:
    """Doubt a host that was done before its GPU."""
    if not gpu_ms or statistics.median(gpu_ms) <= (1 + AHEAD) * median:
        return None
    return (
        f"the GPU took {statistics.median(gpu_ms):.3g} ms of a call that took the host {median:.3g} ms: a step works "
        "on another stream or is not waited for; mend the detector"
    )


def _elsewhere(median: float, gpu_ms: Sequence[float] | None, unseen_ms: float) -> str | None:
    """Doubt events that did not see what the host has waited for."""
    if not gpu_ms:
        return None
    seen_ms, rest_ms = statistics.median(gpu_ms), median - unseen_ms
    if seen_ms >= rest_ms - BEHIND * median - LAUNCH_MS:
        return None
    return (
        f"events saw {seen_ms:.3g} ms of the {rest_ms:.3g} ms for which the host waited: a step works on another "
        "stream, so gpu_ms_p50 is not its time; mend the detector"
    )


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
