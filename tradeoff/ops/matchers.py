"""Which anchor is responsible for which object: the three matchers of the literature.

Legend: M objects, A anchors over all levels. A match is the index of an object, `NEGATIVE` or `IGNORED`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from tradeoff.ops.assign import NEGATIVE, match
from tradeoff.ops.boxes import iou

Matching = Literal["argmax", "bipartite", "box_centre"]
SAME_CELL_PX = 1e-3  # centres nearer than this belong to one cell; rounding moves them by less
ANY_OVERLAP = 1e-9  # what an anchor of the right cell counts that does not touch the object


@dataclass(frozen=True, kw_only=True)
class Matcher:
    """How objects find their anchors.

    kind: argmax gives every anchor the object that it overlaps most, if enough, and every object its best anchor;
        bipartite gives every object one anchor; box_centre one anchor of the cells that hold its centre.
    positive_iou, negative_iou: thresholds of argmax; the others have none.

    Source: Huang et al. 2017, table 1.
    """

    kind: Matching = "argmax"
    positive_iou: float
    negative_iou: float

    def __call__(
        self, objects: Tensor, anchors: Tensor, levels: Sequence[int], allowed: Tensor | None = None
    ) -> Tensor:
        """Return the object (A,) int64 of each anchor, or `NEGATIVE`, or between the thresholds `IGNORED`.

        Args:
            objects: (M, 4) px.
            anchors: (A, 4) px.
            levels: how many anchors each level has; their sum is A.
            allowed: (A,) bool, anchors that may be matched; None is all.
        """
        overlaps = iou(objects, anchors)
        if self.kind == "box_centre":
            return bipartite(overlaps_in_cell(overlaps, objects, anchors, levels, allowed))
        overlaps = overlaps if allowed is None else overlaps * allowed
        if self.kind == "bipartite":
            return bipartite(overlaps)
        return match(overlaps, self.positive_iou, self.negative_iou, force=True)


def bipartite(overlaps: Tensor) -> Tensor:
    """Pair objects and anchors one to one, the largest overlap first.

    Args:
        overlaps: (M, A), at least 0; a pair of 0 is not made.

    Returns:
        (A,) int64: index of the object, or -1. Of equal overlaps the first object, then the first anchor.

    Source: Huang et al. 2017, section 3.2.1: greedy by overlap is what its table 1 calls bipartite; the matcher of
    the TF Object Detection API, on TensorFlow's `bipartite_match`, is greedy too.
    Differs: the API also makes pairs of overlap 0, and for its MultiBox ranks them by the squared distance of
    corners. The original (Erhan et al. 2014, whose training Szegedy et al. 2014, arXiv 1412.1441, take over) is not
    greedy: it assigns all objects at once, for the smallest sum of the location and the confidence loss.
    """
    objects, anchors = overlaps.shape
    matches = torch.full((anchors,), NEGATIVE, dtype=torch.int64, device=overlaps.device)
    left = overlaps.clone()
    for _ in range(min(objects, anchors)):
        best = left.argmax()[None]
        item, anchor = best // anchors, best % anchors
        found = torch.where(left.view(-1)[best] > 0, item, matches[anchor])
        matches.index_copy_(0, anchor, found)
        left.index_fill_(0, item, 0.0).index_fill_(1, anchor, 0.0)
    return matches


def overlaps_in_cell(
    overlaps: Tensor, objects: Tensor, anchors: Tensor, levels: Sequence[int], allowed: Tensor | None
) -> Tensor:
    """Keep the overlaps with anchors of the cell that holds the object's centre, one such cell per level.

    That is the cell whose centre is nearest; on the border of cells all of them count. Anchors that are not allowed
    make no cell.

    Returns:
        (M, A) above 0 in these cells, also where nothing overlaps, and 0 elsewhere.

    Source: Redmon et al. 2016, section 2: the cell that holds the centre of an object is responsible for it, in it
    the predictor of the largest overlap.
    Differs: the overlap is that of the anchor, where Redmon et al., who have none, take that of the box predicted at
    the time (section 2.2); with several levels each has such a cell, and the best anchor of them all is taken;
    objects that share a cell take different anchors.
    """
    mine, theirs = (boxes.float().unflatten(1, (2, 2)).mean(dim=1) for boxes in (objects, anchors))
    distance_px = (mine[:, None] - theirs).abs().amax(dim=2)
    if allowed is not None:
        distance_px = distance_px.masked_fill(~allowed, torch.inf)
    parts = [part for part in distance_px.split(list(levels), dim=1) if part.shape[1]]
    nearest = torch.cat([part <= part.amin(dim=1, keepdim=True) + SAME_CELL_PX for part in parts], dim=1)
    return torch.where(nearest & distance_px.isfinite(), overlaps.clamp(min=ANY_OVERLAP), 0.0)
