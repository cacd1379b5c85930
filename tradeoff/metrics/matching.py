"""Which detections are right at one overlap, by the rules of Pascal VOC and of the Open Images challenge.

Unlike COCO's, both rules compare a detection with the one object that it overlaps most, whether that object is taken
or not; so no match depends on another, and all images are done at once.
"""

from collections.abc import Callable, Iterator

import numpy as np

from tradeoff.metrics.boxes import Bools, Floats, Found, Ints, Truth

#: outcomes of a detection
RIGHT, WRONG, IGNORED = 1, 0, -1
#: pairs of a detection and an object that are compared at a time; bounds the memory
PAIRS = 1_000_000

Overlap = Callable[[Floats, Floats], Floats]


def voc(truth: Truth, found: Found, iou: float = 0.5) -> Ints:
    """Return the outcome of each detection, (N,): RIGHT, WRONG or IGNORED.

    A detection belongs to the object of its image and class that it overlaps most, of equal ones the first. If the
    IoU is at least `iou`, it is right when it is the best scored of that object and wrong as a double; if the object
    is a crowd, which stands for VOC's "difficult", it is ignored.

    Source: Everingham et al. 2010, section 4.2, and the development kit of VOC 2012.
    Differs: sides are x2 - x1, without the one pixel that the kit adds to whole-numbered boxes.
    """
    target, overlap = closest(truth, found, np.ones_like(truth.crowd), iou_of)
    near = overlap >= iou
    crowd = near.copy()
    crowd[near] = truth.crowd[target[near]]
    outcome = np.where(crowd, IGNORED, WRONG)
    outcome[first(found, target, near & ~crowd)] = RIGHT
    return outcome


def open_images(truth: Truth, found: Found, iou: float = 0.5) -> Ints:
    """Return the outcome of each detection, (N,): RIGHT, WRONG or IGNORED.

    Objects that are no crowd come first, as in `voc`. What is not right by them and lies by at least `iou` of its own
    area in a crowd belongs to the crowd that it lies in most: the best scored of a crowd is right and the others are
    ignored. A crowd, which stands for "group of", is thus an object to find.

    Source: the Open Images challenge's detection track, as in the TF Object Detection API's
    `OpenImagesDetectionChallengeEvaluator` (group_of_weight 1).
    Differs: there is no hierarchy of classes, and every class counts as verified in every image.
    """
    target, overlap = closest(truth, found, ~truth.crowd, iou_of)
    right = first(found, target, overlap >= iou)
    group, within = closest(truth, found, truth.crowd, share_of)
    grouped = (within >= iou) & ~right
    outcome = np.where(grouped, IGNORED, WRONG)
    outcome[right | first(found, group, grouped)] = RIGHT
    return outcome


def first(found: Found, target: Ints, chosen: Bools) -> Bools:
    """Mark, of the chosen detections of each target, the one that ranks first."""
    ranked = found.ranking[chosen[found.ranking]]
    _, places = np.unique(target[ranked], return_index=True)
    marked = np.zeros(len(target), np.bool_)
    marked[ranked[places]] = True
    return marked


def closest(truth: Truth, found: Found, allowed: Bools, overlap: Overlap) -> tuple[Ints, Floats]:
    """Find the allowed object that each detection overlaps most, of its image and class; of equal ones the first.

    Returns:
        The object (N,), -1 where there is none, and the overlap (N,), 0 where there is none.
    """
    target, best = np.full(len(found.image), -1), np.zeros(len(found.image))
    key = (truth.image * truth.classes + truth.label, found.image * truth.classes + found.label)
    for detection, candidate in pairs(allowed, *key):
        values = overlap(found.box[detection], truth.box[candidate])
        begins = np.flatnonzero(np.diff(detection, prepend=-1))
        best[detection[begins]] = np.maximum.reduceat(values, begins)
        winner = np.flatnonzero(values == best[detection])[::-1]
        target[detection[winner]] = candidate[winner]  # of several assignments the last, which is the first object
    return target, best


def pairs(allowed: Bools, object_key: Ints, detection_key: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield the pairs of a detection and an allowed object of the same key, in parts.

    A part has all pairs of its detections, in their order, and for each its objects in theirs.
    """
    objects = np.flatnonzero(allowed)
    objects = objects[np.argsort(object_key[objects], kind="stable")]
    starts, ends = (np.searchsorted(object_key[objects], detection_key, side=side) for side in ("left", "right"))
    counts = ends - starts
    for rows in blocks(counts):
        begins = np.cumsum(counts[rows]) - counts[rows]
        detection = np.repeat(rows, counts[rows])
        yield detection, objects[np.arange(len(detection)) + np.repeat(starts[rows] - begins, counts[rows])]


def blocks(counts: Ints) -> Iterator[Ints]:
    """Yield the rows with candidates, in parts of about `PAIRS` pairs."""
    rows = np.flatnonzero(counts)
    ends = np.cumsum(counts[rows])
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.searchsorted(ends, np.arange(PAIRS, total, PAIRS))
    yield from (part for part in np.split(rows, np.unique(cuts)) if len(part))


def iou_of(box: Floats, other: Floats) -> Floats:
    """Return the intersection over union of pairs of boxes (P, 4) x, y, width, height, (P,)."""
    common = shared(box, other)
    return common / (box[:, 2] * box[:, 3] + other[:, 2] * other[:, 3] - common)


def share_of(box: Floats, other: Floats) -> Floats:
    """Return the share of the first box that lies in the second, of pairs (P, 4), (P,); 0 for one without area."""
    area = box[:, 2] * box[:, 3]
    return np.divide(shared(box, other), area, out=np.zeros(len(area)), where=area > 0)


def shared(box: Floats, other: Floats) -> Floats:
    """Return the area that pairs of boxes share, (P,)."""
    sides = np.minimum(box[:, :2] + box[:, 2:], other[:, :2] + other[:, 2:]) - np.maximum(box[:, :2], other[:, :2])
    return np.prod(np.maximum(sides, 0), axis=1)
