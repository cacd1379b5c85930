"""Why detections miss: the errors of TIDE, and the average precision that each kind costs."""

from dataclasses import dataclass, replace

import numpy as np

from tradeoff.metrics import coco, matching, ranked
from tradeoff.metrics.boxes import Bools, Floats, Found, Ints, Truth
from tradeoff.metrics.matching import IGNORED, RIGHT, WRONG

#: IoU from which a detection is at the place of an object, and up to which it is of the background
FOREGROUND, BACKGROUND = 0.5, 0.1
#: the errors that a detection can be, in the order in which they are looked for; 0 is none
KINDS = ("none", "loc", "cls", "dupe", "bkg", "both")
NONE, LOC, CLS, DUPE, BKG, BOTH = range(len(KINDS))


@dataclass(frozen=True, eq=False)
class Errors:
    """What N detections and M objects are.

    outcome: (N,) RIGHT, WRONG or IGNORED. kind: (N,) places in `KINDS`, NONE unless WRONG. target: (N,) the
    object that a detection of kind loc or cls was meant for, else -1. mends: (N,) whether it would find its target.
    found: (M,) the objects that are found. missed: (M,) those that no better place or class would find either.
    """

    outcome: Ints
    kind: Ints
    target: Ints
    mends: Bools
    found: Bools
    missed: Bools


def costs(truth: Truth, found: Found) -> dict[str, float | None]:
    """Return the AP at IoU 0.5 that each kind of error costs, 0..1, or None where there is no object to find.

    It is the AP without the errors of one kind, all others as they are, less the AP as it is. Costs do not add up.

    - `tide_loc`: on an object of its class by an IoU of 0.1 to 0.5; moved onto it.
    - `tide_cls`: else on an object of another class by 0.5 or more; given its class.
    - `tide_dupe`: else on an object of its class that a better scored one has found; taken away.
    - `tide_bkg`: else on no object by more than 0.1; taken away.
    - `tide_both`: what is left, on an object of another class by 0.1 to 0.5; taken away.
    - `tide_miss`: objects that neither `tide_loc` nor `tide_cls` would find; taken from the objects to find.
    - `tide_fp`: every detection that is wrong; taken away. `tide_fn`: every object not found; taken away.

    Of the detections that are meant for one object the best scored is mended, be it loc or cls, and the others are
    taken away; all are if the object has been found. A class without an object left to find is left out of the mean;
    where none is left at all the AP is 1.

    Source: Bolya et al., TIDE, ECCV 2020, section 2, and the order of the kinds as in their program tidecv 1.0.1.
    Differs: detections count and crowds are matched as in COCO's AP, so that `ap50` is what the costs are of: 100
    detections of an image and a class (tidecv: of an image), what lies in a crowd is no error (tidecv counts it among
    the errors and may mend it), a class without objects is no part of the mean (tidecv: 0 if it has detections), and
    the 101 recalls are COCO's to the last bit.
    """
    found = shown(found, truth.classes)
    errors = find(truth, found)
    objects = truth.objects(~truth.crowd)
    before = average(found, errors.outcome, objects)
    mended = {
        **{f"tide_{KINDS[kind]}": mend(truth, found, errors, kind) for kind in (CLS, LOC, BOTH, DUPE, BKG)},
        "tide_miss": average(found, errors.outcome, objects - truth.objects(errors.missed)),
        "tide_fp": average(found, np.where(errors.outcome == WRONG, IGNORED, errors.outcome), objects),
        "tide_fn": average(found, errors.outcome, truth.objects(errors.found)),
    }
    if before is None:
        return dict.fromkeys(mended)
    return {name: (1.0 if after is None else after) - before for name, after in mended.items()}


def shown(found: Found, classes: int) -> Found:
    """Return the detections that count: of each image and class the best scored, as many as COCO takes."""
    order = found.ranking[np.argsort((found.image * classes + found.label)[found.ranking], kind="stable")]
    key = (found.image * classes + found.label)[order]
    counts = np.arange(len(key)) - np.searchsorted(key, key) < coco.LIMITS[-1]
    if counts.all():
        return found
    kept = np.sort(order[counts])
    return Found(found.image[kept], found.label[kept], found.box[kept], found.score[kept])


def find(truth: Truth, found: Found) -> Errors:
    """Match detections to objects as COCO does at IoU 0.5, and say what is wrong with those that are."""
    detection, candidate, iou = near(truth, found)
    same = found.label[detection] == truth.label[candidate]
    own, own_iou = closest(detection[same], candidate[same], iou[same], len(found.image))
    other, other_iou = closest(detection[~same], candidate[~same], iou[~same], len(found.image))
    matched = match(found, detection[same], candidate[same], iou[same])
    _, within = matching.closest(truth, found, truth.crowd, matching.share_of)
    outcome = np.where(matched >= 0, RIGHT, np.where(within >= FOREGROUND, IGNORED, WRONG))
    kind = kinds(outcome, own_iou, other_iou)
    target = np.select((kind == LOC, kind == CLS), (own, other), -1)
    taken = np.zeros(len(truth.label), np.bool_)
    taken[matched[matched >= 0]] = True
    hopeful = target >= 0
    hopeful[hopeful] = ~taken[target[hopeful]]
    missed = ~taken & ~truth.crowd
    missed[target[hopeful]] = False
    return Errors(outcome, kind, target, matching.first(found, target, hopeful), taken, missed)


def kinds(outcome: Ints, own_iou: Floats, other_iou: Floats) -> Ints:
    """Return the kind of each detection, (N,), from its largest IoU with objects of its class and of others."""
    tests = (
        outcome != WRONG,
        (own_iou >= BACKGROUND) & (own_iou <= FOREGROUND),
        other_iou >= FOREGROUND,
        own_iou >= FOREGROUND,
        other_iou <= BACKGROUND,
    )
    return np.select(tests, range(BOTH), BOTH)


def near(truth: Truth, found: Found) -> tuple[Ints, Ints, Floats]:
    """Return the pairs of a detection and an object that is no crowd with an IoU of at least `BACKGROUND`, and it."""
    parts = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    for detection, candidate in matching.pairs(~truth.crowd, truth.image, found.image):
        iou = matching.iou_of(found.box[detection], truth.box[candidate])
        kept = iou >= BACKGROUND
        parts.append((detection[kept], candidate[kept], iou[kept]))
    detections, candidates, ious = (np.concatenate(column) for column in zip(*parts, strict=True))
    return detections, candidates, ious


def closest(detection: Ints, candidate: Ints, iou: Floats, count: int) -> tuple[Ints, Floats]:
    """Return the object that each detection overlaps most, of equal ones the first, and the IoU; else -1 and 0."""
    order = np.lexsort((candidate, -iou, detection))
    chosen, places = np.unique(detection[order], return_index=True)
    target, best = np.full(count, -1), np.zeros(count)
    target[chosen], best[chosen] = candidate[order][places], iou[order][places]
    return target, best


def match(found: Found, detection: Ints, candidate: Ints, iou: Floats) -> Ints:
    """Return the object that each detection finds, (N,), -1 where none.

    The best scored chooses first, among those left; of equal IoU the last is taken, as pycocotools does.
    """
    rank = np.empty(len(found.score), np.int64)
    rank[found.ranking] = np.arange(len(rank))
    order = np.lexsort((-candidate, -iou, rank[detection]))
    order = order[iou[order] >= FOREGROUND]
    target, taken = np.full(len(rank), -1), set[int]()
    for row, thing in zip(detection[order].tolist(), candidate[order].tolist(), strict=True):
        if target[row] < 0 and thing not in taken:
            target[row] = thing
            taken.add(thing)
    return target


def mend(truth: Truth, found: Found, errors: Errors, kind: int) -> float | None:
    """Return the AP without the errors of one kind."""
    chosen = errors.kind == kind
    mended = chosen & errors.mends
    outcome = np.where(mended, RIGHT, np.where(chosen, IGNORED, errors.outcome))
    if kind == CLS:
        label = found.label.copy()
        label[mended] = truth.label[errors.target[mended]]
        found = replace(found, label=label)
    return average(found, outcome, truth.objects(~truth.crowd))


def average(found: Found, outcome: Ints, objects: Ints) -> float | None:
    """Return COCO's AP of outcomes: the mean over the classes that have objects, None if none has."""
    return coco.mean(ranked.by_class(found, outcome, objects, ranked.recall_points))
