"""What COCO's 101 points of recall leave of the area under the curve of precision.

A curve of precision 1 that ends at recall r has the area r and the AP of the points up to r, 100/101 for any r from
0.99 to below 1: AP goes in steps where the area is smooth. From one point to the next the area leaves AP behind, and
where the next is reached AP catches up by p / 101, p being the precision at the end of the curve.
"""

import numpy as np
from numpy.typing import NDArray

from tradeoff.metrics.boxes import Floats
from tradeoff.metrics.coco import RECALLS
from tradeoff.metrics.matches import Matches
from tradeoff.metrics.matching import IGNORED, RIGHT


def left(matches: Matches) -> Floats:
    """Return the area under the curve, its dips filled, less the AP, and p / 101, the step at its end.

    Returns:
        (2, A, C), means over thresholds; NaN where a class has no object.
    """
    classes = len(matches.category_ids)
    ends = np.searchsorted(matches.label, np.arange(classes + 1))
    told = np.full((2, len(matches.inside), classes), np.nan)
    for area, inside in enumerate(matches.inside):
        objects = np.bincount(matches.object_label[inside], minlength=classes)
        for label in np.flatnonzero(objects):
            outcomes = matches.outcome[area, :, ends[label] : ends[label + 1]]
            told[:, area, label] = np.mean([of_class(outcome, int(objects[label])) for outcome in outcomes], axis=0)
    return told


def of_class(outcome: NDArray[np.int8], objects: int) -> tuple[float, float]:
    """Return what `left` does of one class, area and threshold.

    Args:
        outcome: (D,) of its detections, best first.
        objects: that there are to find, at least 1.
    """
    right = np.flatnonzero(outcome[outcome != IGNORED] == RIGHT)
    if not len(right):
        return 0.0, 0.0
    hits = np.arange(1, len(right) + 1)
    best = np.maximum.accumulate((hits / (right + 1))[::-1])[::-1]
    points = np.diff(np.searchsorted(RECALLS, hits / objects, side="right"), prepend=0)
    return float(best @ (1 / objects - points / len(RECALLS))), float(best[-1]) / len(RECALLS)
