"""COCO's average precision of weighted images: a part of them, or several times some."""

from collections.abc import Iterator

import numpy as np

from tradeoff.metrics.boxes import Floats, Ints
from tradeoff.metrics.coco import RECALLS
from tradeoff.metrics.matches import Matches
from tradeoff.metrics.matching import IGNORED, RIGHT

#: numbers that are held at a time, for each of a few arrays
HELD = 4_000_000


def average_precision(matches: Matches, weights: Floats) -> Floats:
    """Return the AP of each class at each threshold and area as if every image were there so many times.

    Args:
        matches: of I images.
        weights: (B, I), at least 0.

    Returns:
        (B, A, T, C); NaN where a class has no object of positive weight.
    """
    areas, levels, _ = matches.outcome.shape
    told = np.full((len(weights), areas, levels, len(matches.category_ids)), np.nan)
    ends = np.searchsorted(matches.label, np.arange(told.shape[-1] + 1))
    for label in range(told.shape[-1]):
        rows = slice(ends[label], ends[label + 1])
        objects = np.stack([weights[:, matches.object_image[mine]].sum(axis=1) for mine in owned(matches, label)])
        for part in parts(len(weights), rows.stop - rows.start):
            found = weights[part][:, matches.image[rows]]
            for area, level in np.ndindex(areas, levels):
                told[part, area, level, label] = of_class(
                    found, matches.outcome[area, level, rows], objects[area, part]
                )
    return told


def owned(matches: Matches, label: int) -> Iterator[Ints]:
    """Yield for each area the objects of a class that are to be found."""
    for inside in matches.inside:
        yield np.flatnonzero(inside & (matches.object_label == label))


def parts(rows: int, columns: int) -> Iterator[slice]:
    """Cut rows so that a part has about `HELD` numbers."""
    step = max(1, HELD // max(1, columns))
    yield from (slice(begin, begin + step) for begin in range(0, rows, step))


def of_class(weights: Floats, outcome: Ints, objects: Floats) -> Floats:
    """Return the AP of one class, area and threshold, (B,).

    Args:
        weights: (B, D) of the image of each detection, best first.
        outcome: (D,).
        objects: (B,) weight of the objects.
    """
    counted = np.flatnonzero(outcome != IGNORED)
    right = outcome[counted] == RIGHT
    all_, hits = weights[:, counted].cumsum(axis=1)[:, right], weights[:, counted[right]].cumsum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(all_ > 0, hits / all_, 0.0)
        recall = hits / objects[:, None]
    best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    reached = np.searchsorted(RECALLS, recall.ravel(), side="right").reshape(recall.shape)
    points = np.diff(reached, axis=1, prepend=0)
    return np.where(objects > 0, (best * points).sum(axis=1) / len(RECALLS), np.nan)
