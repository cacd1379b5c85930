"""What a list of samples allows to be claimed, without assuming how they are distributed."""

import math
import statistics
from collections.abc import Sequence

LEVEL_INTERVAL = 0.025  # each side of a 95 % interval
LEVEL_QUANTILE = 0.01  # MLPerf Inference rules, appendix "Early stopping": 99 % confidence


def confident_rank(count: int, tail: float, level: float) -> int:
    """Return how many of `count` samples surely lie in a tail of a distribution.

    It is the largest t with P(Binomial(count, tail) <= t - 1) <= level, so the t-th sample from the end of that tail
    lies inside the tail with a confidence of 1 - level. 0 when nothing can be said.

    Args:
        count: number of independent samples.
        tail: 0..1, exclusive; the part of the distribution that the tail holds.
        level: 0..1, the probability of being wrong that is accepted.
    """
    mean, deviation = count * tail, math.sqrt(count * tail * (1 - tail))
    rank = max(0, int(mean - 9 * deviation))  # below, less than 1e-18 of the probability lies
    cumulative = 0.0
    while rank <= count:
        cumulative += _binomial(rank, count, tail)
        if cumulative > level:
            return rank
        rank += 1
    return count


def median_interval(samples: Sequence[float], inflation: float = 1.0) -> tuple[float, float] | None:
    """Return the 95 % confidence interval of the median by order statistics; None below 6 samples.

    Args:
        samples: in any order.
        inflation: how many samples tell as much as one independent one (`probes.correlation`). The ranks of the
            interval lie further from the middle by its root, up to the least and the greatest sample: where the
            machine changed but slowly, and by little, these still say how well the median is known.
    """
    independent = confident_rank(len(samples), 0.5, LEVEL_INTERVAL)
    if independent < 1:
        return None
    middle = (len(samples) + 1) / 2
    rank = max(1, math.floor(middle - (middle - independent) * math.sqrt(inflation)))
    ordered = sorted(samples)
    return ordered[rank - 1], ordered[-rank]


def median_precision(samples: Sequence[float], inflation: float = 1.0) -> float:
    """Return p so that the median is known to ±p of itself (0.02 is ±2 %); infinite when it is not known."""
    interval = median_interval(samples, inflation)
    median = statistics.median(samples) if samples else 0.0
    if interval is None or median <= 0:
        return math.inf
    return max(median - interval[0], interval[1] - median) / median


def upper_quantile(samples: Sequence[float], fraction: float, inflation: float = 1.0) -> float | None:
    """Return a value that the quantile is below with 99 % confidence; None where too few samples allow none.

    The t - 1 highest samples are dropped and the highest of the rest is reported. At least one is dropped, as one
    outlier shall not be the estimate: 0.9 needs 64 samples, 0.95 130 and 0.99 662, where they are independent.

    Source: MLPerf Inference rules, appendix "Early stopping".

    Args:
        samples: in any order.
        fraction: 0..1, exclusive; 0.9 is the 90th percentile.
        inflation: how many samples tell as much as one independent one. t lies further below the expected number of
            samples above the quantile by its root.
    """
    independent = confident_rank(len(samples), 1 - fraction, LEVEL_QUANTILE)
    expected = len(samples) * (1 - fraction)
    rank = math.floor(independent - (expected - independent) * (math.sqrt(inflation) - 1))
    return sorted(samples)[-rank] if rank >= 2 else None


def quartiles(samples: Sequence[float]) -> tuple[float, float]:
    """Return the first and the third quartile, interpolated; both are the sample when there is one only."""
    if len(samples) < 2:
        return samples[0], samples[0]
    first, _, third = statistics.quantiles(samples, n=4, method="inclusive")
    return first, third


def _binomial(successes: int, count: int, probability: float) -> float:
    """Return the probability of exactly so many successes."""
    ways = math.lgamma(count + 1) - math.lgamma(successes + 1) - math.lgamma(count - successes + 1)
    return math.exp(ways + successes * math.log(probability) + (count - successes) * math.log1p(-probability))
