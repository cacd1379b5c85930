"""Average precision, precision and recall from the outcomes of ranked detections."""

from collections.abc import Callable, Iterator

import numpy as np

from tradeoff.metrics.boxes import Bools, Floats, Found, Ints
from tradeoff.metrics.coco import RECALLS
from tradeoff.metrics.matching import IGNORED, RIGHT, WRONG


def by_class(found: Found, outcome: Ints, objects: Ints, average: Callable[[Bools, int], float]) -> Floats:
    """Return the average precision of each class, (C,); NaN for one without objects.

    Args:
        found: N detections.
        outcome: (N,) of each.
        objects: (C,) that there are to find.
        average: `area`, `eleven_points` or `recall_points`.
    """
    told = np.full(len(objects), np.nan)
    for label, hits in ranked(found, outcome, len(objects)):
        if objects[label]:
            told[label] = average(hits, int(objects[label]))
    return told


def ranked(found: Found, outcome: Ints, classes: int) -> Iterator[tuple[int, Bools]]:
    """Yield for each class whether its detections are right, best scored first, without those that are ignored."""
    order = found.ranking[outcome[found.ranking] != IGNORED]
    order = order[np.argsort(found.label[order], kind="stable")]
    ends = np.searchsorted(found.label[order], np.arange(1, classes))
    yield from enumerate(np.split(outcome[order] == RIGHT, ends))


def area(hits: Bools, objects: int) -> float:
    """Return the area below the curve of precision over recall, its dips filled, 0..1.

    Source: Everingham et al., the development kit of VOC 2010 and later.
    """
    return float(envelope(hits)[hits].sum() / objects)


def eleven_points(hits: Bools, objects: int) -> float:
    """Return the mean of the best precision at a recall of at least 0, 0.1, ..., 1, 0..1.

    The recalls are compared in whole numbers, so 3 of 10 reach 0.3.

    Source: Everingham et al. 2010, section 4.2, as in VOC 2007.
    """
    places = np.searchsorted(10 * np.cumsum(hits), np.arange(11) * objects)
    return float(np.append(envelope(hits), 0.0)[places].mean())


def recall_points(hits: Bools, objects: int) -> float:
    """Return the mean of the best precision at a recall of at least 0, 0.01, ..., 1, 0..1.

    The recalls are compared in floating point, so 3 of 10 do not reach the point 0.30000000000000004.

    Source: Lin et al. 2014, as in pycocotools.
    """
    places = np.searchsorted(np.cumsum(hits) / objects, RECALLS)
    return float(np.append(envelope(hits), 0.0)[places].mean())


def envelope(hits: Bools) -> Floats:
    """Return the best precision at each rank or a later one."""
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    best: Floats = np.maximum.accumulate(precision[::-1])[::-1]
    return best


def at_score(found: Found, outcome: Ints, objects: Ints, threshold: float) -> dict[str, Floats]:
    """Return precision, recall and F1 of the detections of at least a score, each (C + 1,): by class, then of all.

    "Of all" counts the detections and the objects of all classes together. Precision is right / (right + wrong), NaN
    without detections that count; recall is right / objects, NaN without objects; F1, their harmonic mean, is
    2 right / (right + wrong + objects), NaN where there is neither.
    """
    kept = found.score >= threshold
    right, wrong = (
        np.bincount(found.label[kept & (outcome == kind)], minlength=len(objects)) for kind in (RIGHT, WRONG)
    )
    right, wrong, objects = (np.append(counts, counts.sum()) for counts in (right, wrong, objects))
    return {
        "precision": ratio(right, right + wrong),
        "recall": ratio(right, objects),
        "f1": ratio(2 * right, right + wrong + objects),
    }


def ratio(part: Ints, whole: Ints) -> Floats:
    """Return part / whole, NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
