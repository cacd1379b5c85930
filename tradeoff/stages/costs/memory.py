"""Memory: what the weights take, and how much a call takes at its peak."""

from collections.abc import Mapping
from typing import Any

from tradeoff.probes.memory import PeakMemory, weights_mb
from tradeoff.stages.costs.subject import Findings, Subject

CALLS = 2  # the first may set up what later calls reuse


def measure(subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Measure the peak of a detector that is loaded anew, on the batch of the most pixels."""
    empty, peak = PeakMemory(subject.device), PeakMemory(subject.device)
    first = subject.chain  # what torch sets up once is no memory of the detector; kept, so that none of it is reused
    largest = max(subject.batches, key=lambda images: sum(image.size for image in images))
    first(largest)
    with empty:
        chain = subject.build()
    with peak:  # a window of its own, so that building and loading the network do not count
        for _ in range(CALLS):
            chain(largest)
    return Findings(
        {"weights_mb": weights_mb(subject.as_trained()), "peak_memory_mb": above(peak, empty)},
    )


def above(peak: PeakMemory, empty: PeakMemory) -> float | None:
    """Return the peak of one window above what was taken before another began, MB; None where not measured."""
    if peak.peak_mb is None or peak.before_mb is None or empty.before_mb is None:
        return None
    return max(0.0, peak.before_mb + peak.peak_mb - empty.before_mb)
