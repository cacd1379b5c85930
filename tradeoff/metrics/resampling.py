"""COCO's average precision of weighted images: of a part of them, or with some several times."""

import numpy as np
from numpy.typing import NDArray

from tradeoff.metrics.coco import RECALLS
from tradeoff.metrics.matches import Matches
from tradeoff.metrics.matching import IGNORED, RIGHT

#: numbers that an array of one class holds at a time
HELD = 400_000

#: of either precision, in which all is computed
Real = NDArray[np.floating]


def average_precision(matches: Matches, weights: Real) -> Real:
    """Return the AP of each class at each threshold and area as if every image were there so many times.

    Args:
        matches: of I images.
        weights: (B, I), at least 0; float32 takes somewhat less time.

    Returns:
        (B, A, T, C), of the type of the weights; NaN where a class has no object of positive weight.

    Differs: equal scores within one image and class count one after the other, each so many times; of several copies
        of that image pycocotools takes them in turns.
    """
    areas, levels, _ = matches.outcome.shape
    told = np.empty((len(weights), areas, levels, len(matches.category_ids)), weights.dtype)
    ends = np.searchsorted(matches.label, np.arange(told.shape[-1] + 1))
    for label, rows in enumerate(map(slice, ends[:-1], ends[1:])):
        mine = matches.object_label == label
        owners = [matches.object_image[mine & inside] for inside in matches.inside]
        step = max(1, HELD // max(1, rows.stop - rows.start))
        for part in (slice(begin, begin + step) for begin in range(0, len(weights), step)):
            of_image = np.ascontiguousarray(weights[part].T)
            found, objects = of_image[matches.image[rows]], [of_image[owner].sum(axis=0) for owner in owners]
            for area, level in np.ndindex(areas, levels):
                outcome = matches.outcome[area, level, rows]
                told[part, area, level, label] = of_class(found, outcome, objects[area])
    return told


def of_class(weights: Real, outcome: NDArray[np.int8], objects: Real) -> Real:
    """Return the AP of one class, area and threshold, (B,).

    The best precision from a recall on is always that of a right detection, so only these are looked at. Recalls are
    float64 whatever the weights are, for they must meet the points exactly: 7/10 does not reach 0.7000000000000001.

    Args:
        weights: (D, B) of the image of each detection, best first.
        outcome: (D,).
        objects: (B,) weight of the objects.
    """
    counted = np.flatnonzero(outcome != IGNORED)
    right = np.flatnonzero(outcome[counted] == RIGHT)
    weights = weights[counted]
    hits, total = weights[right].cumsum(axis=0), weights.cumsum(axis=0)[right]
    with np.errstate(invalid="ignore", divide="ignore"):
        precision, recall = hits / total, np.divide(hits, objects, dtype=np.float64)
    precision[total == 0] = 0  # before the first image that has a weight
    best = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    reached = np.searchsorted(RECALLS, recall.ravel(), side="right").reshape(recall.shape)
    points = np.diff(reached, axis=0, prepend=0).astype(weights.dtype)
    ap: Real = np.where(objects > 0, np.einsum("kb,kb->b", best, points) / len(RECALLS), np.nan)
    return ap
