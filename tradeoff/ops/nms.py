"""Exact greedy non-maximum suppression over all images and classes at once.

Legend: N images, A boxes, C classes, Q = A or A * C candidates of an image. Boxes are (x1, y1, x2, y2) px.

Greedy suppression walks down the scores, so the survivors among the best K candidates are the same however many
candidates follow. Hence the best few are taken first, and the next ones only where an image has found too few; the
survivors so far come along, the suppressed do not, as they suppress nothing. One call of `torchvision.ops.nms` serves
all images and classes: each group is moved to a place of its own, images along x and classes along y, in float64.

Order: by score, compared in float32; of equal scores the lower index (box, then class) goes first. Boxes and scores
that are infinite or NaN are no candidates. Boxes are expected near their window (see `boxes.clip`): a coordinate of
1e12 px would cost the others their precision.
"""

import torch
import torchvision
from torch import Tensor

NEVER = torch.iinfo(torch.int64).min  # the key of what is no candidate, or no longer
FIRST_CANDIDATES = 256  # per image, or four times what is kept; more would compare boxes across images
MAX_CANDIDATES = 32_768  # of all images in one call; on CUDA that call needs the square of it in bits


@torch.no_grad()
def select(boxes: Tensor, scores: Tensor, iou: float, keep: int) -> tuple[Tensor, Tensor]:
    """Pick the best boxes of each image that do not overlap, without classes, as for proposals.

    Args:
        boxes: (N, A, 4) px.
        scores: (N, A).
        iou: a box goes if it overlaps a better one by more than this.
        keep: how many to return per image, at least 1.

    Returns:
        Indices (N, keep) int64 into A, by descending score, and validity (N, keep) bool; where fewer survive, the
        index is 0 and the validity False.

    Source: Ren et al. 2015, section 3.1.4.
    """
    return _survivors(_keys(scores, _finite(boxes, scores)), boxes, 1, iou, keep)


@torch.no_grad()
def detect(
    boxes: Tensor, scores: Tensor, *, iou: float, score_threshold: float, keep: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Suppress per class, then return the best detections of each image over all classes.

    Args:
        boxes: (N, A, 4) px, shared by the classes, or (N, A, C, 4), one per class.
        scores: (N, A, C), without the background.
        iou: a box goes if it overlaps a better one of its class by more than this.
        score_threshold: lower scores are dropped; this one itself is not.
        keep: how many to return per image, at least 1.

    Returns:
        Boxes (N, keep, 4), scores (N, keep) descending, labels (N, keep) int64 and validity (N, keep) bool; where
        fewer survive, all of them are 0 and the validity False.
    """
    classes = scores.shape[2]
    eligible = _finite(boxes if boxes.dim() == 4 else boxes[:, :, None], scores) & (scores >= score_threshold)
    places, flat = boxes.flatten(1, -2), scores.flatten(1)
    found, valid = _survivors(_keys(flat, eligible.flatten(1)), places, classes, iou, keep)
    if flat.shape[1] == 0:
        return places.new_zeros(*found.shape, 4), flat.new_zeros(found.shape), found, valid
    image = torch.arange(len(flat), device=flat.device)
    chosen = _boxes_of(found, image, places, flat.shape[1]).masked_fill(~valid[:, :, None], 0)
    return chosen, flat.gather(1, found).masked_fill(~valid, 0), found % classes, valid


def _finite(boxes: Tensor, scores: Tensor) -> Tensor:
    """Tell which candidates have a finite box and a finite score; the shape of the scores."""
    return boxes.isfinite().all(dim=-1) & scores.isfinite()


def _keys(scores: Tensor, eligible: Tensor) -> Tensor:
    """Return (N, Q) int64 keys, all different, whose order is that of the scores, then of the indices.

    The upper half is the score's float32 pattern, made monotonic for negative scores; the lower half counts down.
    """
    pattern = (scores.float() + 0.0).view(torch.int32)  # + 0.0 turns -0.0 into 0.0
    monotonic = torch.where(pattern < 0, pattern ^ 0x7FFFFFFF, pattern).long()
    countdown = torch.arange(scores.shape[1] - 1, -1, -1, device=scores.device)
    return ((monotonic << 32) + countdown).masked_fill_(~eligible, NEVER)


def _survivors(keys: Tensor, boxes: Tensor, classes: int, iou: float, keep: int) -> tuple[Tensor, Tensor]:
    """Return the first `keep` survivors of each image as indices (N, keep) into Q, with validity (N, keep).

    On the meta device, where there are shapes alone, nothing is compared.
    """
    images, total = keys.shape
    found = torch.zeros(images, keep, dtype=torch.int64, device=keys.device)
    valid = torch.zeros_like(found, dtype=torch.bool)
    pending = torch.arange(images, device=keys.device)
    length, taken = max(4 * keep, FIRST_CANDIDATES), 0
    while len(pending) and total and not keys.is_meta:
        length = min(length, total, max(MAX_CANDIDATES // len(pending), 1))
        top, order = keys.topk(length, dim=1)
        candidates = torch.cat([found[pending], order], dim=1)
        alive = torch.cat([valid[pending], top > NEVER], dim=1)
        survive = _greedy(_boxes_of(candidates, pending, boxes, total), candidates % classes, alive, iou)
        first = survive.byte().sort(dim=1, descending=True, stable=True).indices[:, :keep]
        valid[pending] = survive.gather(1, first)
        found[pending] = candidates.gather(1, first) * valid[pending]
        keys.scatter_(1, order, NEVER)
        unfinished = ~valid[pending, -1] & (keys.amax(dim=1) > NEVER)
        pending, keys = pending[unfinished], keys[unfinished]
        taken += length
        length = taken  # as many again as all so far: mostly few more are needed, and they come few at a time
    return found, valid


def _boxes_of(candidates: Tensor, image: Tensor, boxes: Tensor, total: int) -> Tensor:
    """Look up the boxes (K, L, 4) of candidates (K, L) of the images (K,); classes may share a box of (N, B, 4)."""
    return boxes[image[:, None], candidates // (total // boxes.shape[1])]


def _greedy(boxes: Tensor, labels: Tensor, alive: Tensor, iou: float) -> Tensor:
    """Return the survivors (N, K) bool among the living candidates, which stand in order of score."""
    survive = torch.zeros_like(alive)
    image, rank = alive.nonzero(as_tuple=True)
    if len(image) == 0:
        return survive
    corners = boxes[alive].double()
    span = corners.amax() - corners.amin() + 1
    places = torch.stack([image, labels[alive]], dim=1) * span
    kept = torchvision.ops.nms(corners + places.repeat(1, 2), -rank.double(), iou)
    return survive.index_put((image[kept], rank[kept]), torch.ones_like(kept, dtype=torch.bool))
