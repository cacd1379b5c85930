"""How much less a list of samples tells of its median because neighbours are alike."""

from collections.abc import Sequence

import numpy as np


def inflation(samples: Sequence[float], inputs: int = 1) -> float:
    """Return how many samples tell as much of the median as one would, were they independent; at least 1.

    What a machine does lasts for some calls, so a slow call is followed by a slow one, and the median of n calls
    scatters like that of n / inflation independent ones. The number is four times the long-run variance of
    "is above the median" (a quarter, where samples are independent): its autocovariances are summed as long as those
    of two neighbouring lags are together above 0, and grow no more.

    What the inputs differ by is no noise of the machine: where each was taken twice or more, "is above the median" is
    told from what is usual for its input. Inputs that differ so leave less scatter, which never counts as more than
    independent samples would tell.

    Source: Geyer, "Practical Markov chain Monte Carlo", 1992, section 3.3, the initial monotone sequence.

    Args:
        samples: in the order in which they were taken.
        inputs: sample i took input i modulo so many.
    """
    values = np.asarray(samples, dtype=float)
    if len(values) < 2:
        return 1.0
    covariances = _autocovariances(_above_median(values, inputs if len(values) >= 2 * inputs else 1))
    pairs = covariances[: len(covariances) // 2 * 2].reshape(-1, 2).sum(axis=1)
    ended = np.flatnonzero(pairs <= 0)
    positive = np.minimum.accumulate(pairs[: ended[0]] if len(ended) else pairs)
    return max(1.0, 4 * float(2 * positive.sum() - covariances[0]))


def _above_median(values: np.ndarray, inputs: int) -> np.ndarray:
    """Return of each sample whether it is above the median (1, 0.5, 0), less the mean of that over its input."""
    median = np.median(values)
    above = ((values > median) + 1.0 * (values >= median)) / 2
    index = np.arange(len(values)) % inputs
    usual = np.bincount(index, above) / np.bincount(index)
    free = 1 - inputs / len(values)  # means that were fitted take scatter away
    return np.asarray((above - usual[index]) / np.sqrt(free))


def _autocovariances(deviations: np.ndarray) -> np.ndarray:
    """Return the autocovariances at the lags 0, 1, ... up to half of the samples, by Fourier transform."""
    count = len(deviations)
    spectrum = np.fft.rfft(deviations, 2 * count)
    return np.asarray(np.fft.irfft(np.abs(spectrum) ** 2, 2 * count)[: count // 2 + 1] / count)
