"""Which anchor learns which object, and which of them are looked at in a step.

Legend: M objects, A anchors, K crowds. A match is the index of an object, `NEGATIVE` or `IGNORED`.
"""

import torch
from torch import Tensor

from tradeoff.ops.boxes import area, intersection

NEGATIVE = -1
IGNORED = -2


def match(overlaps: Tensor, positive_iou: float, negative_iou: float, force: bool) -> Tensor:
    """Give every anchor the object that it overlaps most, or none.

    Args:
        overlaps: (M, A) IoU of objects and anchors, 0..1.
        positive_iou: from here on an anchor is positive (>=).
        negative_iou: below it an anchor is negative (<); between the two it is ignored.
        force: let each object with any overlap claim its best anchor, however small the overlap.

    Returns:
        (A,) int64: index of the object, -1 negative, -2 ignored. All -1 where there are no objects.
        Ties: an anchor takes the first of equal objects; an object claims the first of equal anchors; of several
        objects that claim one anchor, the one with the largest overlap has it, and the first of equal ones.

    Source: Ren et al. 2015, section 3.1.2; claims as in Liu et al. 2016, section 2.2, "Matching strategy".
    """
    objects, anchors = overlaps.shape
    if objects == 0 or anchors == 0:
        return torch.full((anchors,), NEGATIVE, dtype=torch.int64, device=overlaps.device)
    best = overlaps.argmax(dim=0)
    peak = overlaps.gather(0, best[None])[0]
    matches = torch.where(peak >= positive_iou, best, IGNORED)
    matches = torch.where(peak < negative_iou, NEGATIVE, matches)
    return _claim(matches, overlaps) if force else matches


def _claim(matches: Tensor, overlaps: Tensor) -> Tensor:
    """Return the matches after every object has claimed its best anchor, where no stronger claim stands."""
    claimed = overlaps.argmax(dim=1)
    strength = overlaps.gather(1, claimed[:, None])[:, 0]
    index = torch.arange(len(overlaps), device=overlaps.device)
    stronger = (strength > strength[:, None]) | ((strength == strength[:, None]) & (index < index[:, None]))
    beaten = ((claimed == claimed[:, None]) & stronger).any(dim=1)
    wins = ~beaten & (strength > 0)
    return matches.index_put((claimed[wins],), index[wins])


def sample(matches: Tensor, count: int, positive_fraction: float) -> tuple[Tensor, Tensor]:
    """Draw positive and negative anchors at random, for a balanced loss.

    Args:
        matches: (A,) as `match` returns them.
        count: how many to draw in all, at most.
        positive_fraction: the largest part of them that may be positive, 0..1; negatives fill the rest.

    Returns:
        Indices of positives and of negatives, int64, drawn without repetition from torch's global generator.

    Source: Ren et al. 2015, section 3.1.3.
    """
    positives = _draw(matches >= 0, int(count * positive_fraction))
    return positives, _draw(matches == NEGATIVE, count - len(positives))


def _draw(mask: Tensor, count: int) -> Tensor:
    """Return at most `count` random indices at which the mask (A,) is true."""
    indices = mask.nonzero()[:, 0]
    return indices[torch.randperm(len(indices), device=mask.device)[:count]]


def inside_crowd(boxes: Tensor, crowds: Tensor) -> Tensor:
    """Tell which boxes lie in a crowd, so that they are no negatives.

    Args:
        boxes: (A, 4) px.
        crowds: (K, 4) px.

    Returns:
        (A,) bool: at least half of the box's own area is shared with one crowd. False for a box without area.

    Source: the overlap that pycocotools uses for crowds; TF Object Detection API ignores crowds likewise.
    """
    own = area(boxes)
    shared = intersection(boxes, crowds)
    return ((shared >= 0.5 * own[:, None]) & (own[:, None] > 0)).any(dim=1)
