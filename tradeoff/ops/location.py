"""Location losses: how far predicted boxes are from what they should be.

Legend: K boxes; deltas are what a `BoxCoder` makes of boxes (x1, y1, x2, y2) px.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from tradeoff.ops.boxes import area
from tradeoff.ops.coders import BoxCoder
from tradeoff.ops.losses import smooth_l1

LocationLossKind = Literal["smooth_l1", "l1", "l2", "iou", "giou"]


@dataclass(frozen=True, kw_only=True)
class LocationLoss:
    """What a wrong box costs.

    kind: smooth_l1, l1 and l2 compare the four coded numbers; iou and giou the boxes themselves.
    delta: of smooth_l1, where the parabola x² / 2 turns into a line; that is Huber's loss.
    coder: of the deltas.

    Source: the location losses of the TF Object Detection API.
    """

    kind: LocationLossKind = "smooth_l1"
    delta: float = 1.0
    coder: BoxCoder = field(default_factory=BoxCoder)

    def __call__(self, deltas: Tensor, wanted: Tensor, anchors: Tensor) -> Tensor:
        """Return the loss of each box, (K,) float32, at least 0.

        Args:
            deltas: (K, 4) predicted.
            wanted: (K, 4) to be predicted.
            anchors: (K, 4) px, what both are relative to.
        """
        if self.kind == "smooth_l1":
            return smooth_l1(deltas, wanted, self.delta)
        if self.kind in ("l1", "l2"):
            errors = deltas.float() - wanted.float()
            return (errors.abs() if self.kind == "l1" else errors.square() / 2).sum(dim=-1)
        overlap = paired_giou if self.kind == "giou" else paired_iou
        return 1 - overlap(self.coder.decode(deltas, anchors), self.coder.decode(wanted, anchors))


def paired_iou(a: Tensor, b: Tensor) -> Tensor:
    """Return the intersection over union 0..1 of each box of a (K, 4) with its partner in b (K, 4), as (K,).

    Source: Yu et al. 2016 (UnitBox); 1 - IoU is the loss of the TF Object Detection API.
    """
    shared = area(torch.cat([torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])], dim=1))
    return shared / _above_zero(area(a) + area(b) - shared)


def paired_giou(a: Tensor, b: Tensor) -> Tensor:
    """Return the generalised intersection over union -1..1 of each box of a (K, 4) with its partner in b (K, 4).

    It is less than the IoU by the share of the smallest common frame that neither box covers, so that boxes apart
    learn too.

    Source: Rezatofighi et al. 2019, algorithm 1.
    """
    shared = area(torch.cat([torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])], dim=1))
    union = area(a) + area(b) - shared
    frame = area(torch.cat([torch.minimum(a[:, :2], b[:, :2]), torch.maximum(a[:, 2:], b[:, 2:])], dim=1))
    return shared / _above_zero(union) - (frame - union) / _above_zero(frame)


def _above_zero(areas: Tensor) -> Tensor:
    """Return areas that can be divided by: a box that both think empty overlaps nothing, and is no NaN."""
    return areas.clamp(min=torch.finfo(areas.dtype).tiny)
