"""Losses that classification in torch does not have: box regression and hard negative mining.

Legend: N images, A anchors.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def smooth_l1(predicted: Tensor, target: Tensor, delta: float = 1.0) -> Tensor:
    """Return the smooth L1 loss of box offsets, summed over the coordinates.

    Args:
        predicted: (..., 4).
        target: (..., 4).
        delta: where the parabola x² / 2 turns into the line delta * (|x| - delta / 2).

    Returns:
        (...) float32 (float64 where both are float64), at least 0.

    Source: Girshick 2015 (Fast R-CNN), section 2.3, eq. 3; delta as in Huber's loss, as the TF Object Detection API
    has it.
    """
    dtype = torch.promote_types(predicted.dtype, torch.float32)
    return F.huber_loss(predicted.to(dtype), target.to(dtype), reduction="none", delta=delta).sum(dim=-1)


def hard_negatives(loss: Tensor, positive: Tensor, candidates: Tensor, ratio: float, *, minimum: int = 0) -> Tensor:
    """Pick in each image the negatives with the largest loss.

    Args:
        loss: (N, A) per anchor; not differentiated here.
        positive: (N, A) bool; these are counted and never picked.
        candidates: (N, A) bool; only these may be picked, so ignored anchors are left out.
        ratio: negatives per positive; the product is rounded down.
        minimum: negatives that an image has at least, also without positives, if it has that many candidates.

    Returns:
        (N, A) bool. Of equal losses the anchor with the lower index goes first.

    Source: Liu et al. 2016, section 2.2, "Hard negative mining".
    """
    allowed = candidates & ~positive
    quota = (positive.sum(dim=1) * ratio).long().clamp(min=minimum)
    hardness = loss.detach().masked_fill(~allowed, -torch.inf)
    order = hardness.argsort(dim=1, descending=True, stable=True)
    places = torch.arange(loss.shape[1], device=loss.device).expand_as(order)
    rank = torch.empty_like(order).scatter_(1, order, places)
    return allowed & (rank < quota[:, None])
