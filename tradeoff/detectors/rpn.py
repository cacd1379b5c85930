"""The region proposal network: where something might be, at every cell of one feature map.

Legend: N images, A anchors of an image (cells × anchors per cell), P proposals. Boxes are xyxy px of the network input.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.core.types import Level
from tradeoff.detectors.maps import rows
from tradeoff.ops.anchors import grid_anchors
from tradeoff.ops.assign import inside_crowd, match, sample
from tradeoff.ops.boxes import clip, decode, encode, iou
from tradeoff.ops.losses import smooth_l1
from tradeoff.ops.nms import select
from tradeoff.ops.structures import Targets


@dataclass(frozen=True)
class Proposals:
    """boxes: (N, P, 4). valid: (N, P); where fewer survived, the box is zero."""

    boxes: Tensor
    valid: Tensor


@dataclass(frozen=True)
class Scored:
    """Every anchor with its scores. logits: (N, A, 2) background, object. deltas: (N, A, 4). anchors: (A, 4)."""

    logits: Tensor
    deltas: Tensor
    anchors: Tensor


class RPN(nn.Module):
    """Source: Ren et al. 2015, section 3.1; settings of the TF Object Detection API's faster_rcnn configurations.

    Differs: anchors grow with the image size (base `anchor_base_px` at 600 px), where the API keeps their pixels at
    every size; here an object meets the same anchor at every size, so that size changes the resolution alone.
    """

    def __init__(
        self,
        level: Level,
        *,
        size: int,
        anchor_base_px: float,
        anchor_scales: Sequence[float],
        anchor_ratios: Sequence[float],
        rpn_depth: int,
        rpn_nms_iou: float,
        rpn_positive_iou: float,
        rpn_negative_iou: float,
        rpn_batch: int,
    ) -> None:
        super().__init__()
        self.stride_px = level.stride_px
        self.sides_px = [scale * anchor_base_px * size / 600 for scale in anchor_scales]
        self.ratios = tuple(anchor_ratios)
        self.nms_iou, self.batch = rpn_nms_iou, rpn_batch
        self.positive_iou, self.negative_iou = rpn_positive_iou, rpn_negative_iou
        count = len(self.sides_px) * len(self.ratios)
        rate = 2 if level.stride_px == 8 else 1  # atrous where the extractor is
        self.convolution = nn.Conv2d(level.channels, rpn_depth, 3, padding=rate, dilation=rate)
        self.objectness = nn.Conv2d(rpn_depth, 2 * count, 1)
        self.boxes = nn.Conv2d(rpn_depth, 4 * count, 1)
        for layer in (self.convolution, self.objectness, self.boxes):
            nn.init.trunc_normal_(layer.weight, std=0.01, a=-0.02, b=0.02)
            nn.init.zeros_(layer.bias)

    def forward(self, features: Tensor) -> Scored:
        """Score every anchor of a feature map (N, C, H, W)."""
        hidden = F.relu6(self.convolution(features))
        height, width = features.shape[2:]
        anchors = grid_anchors(height, width, self.stride_px, self.sides_px, self.ratios, features.device)
        return Scored(rows(self.objectness(hidden), 2), rows(self.boxes(hidden), 4), anchors)

    @torch.no_grad()
    def propose(self, scored: Scored, sizes_px: Tensor, count: int) -> Proposals:
        """Return the `count` best boxes of each image after suppression, clipped to the image."""
        boxes = clip(decode(scored.deltas.float(), scored.anchors), sizes_px)
        scores = scored.logits.float().softmax(-1)[..., 1]
        indices, valid = select(boxes, scores, self.nms_iou, count)
        chosen = boxes.gather(1, indices[..., None].expand(-1, -1, 4))
        return Proposals(chosen * valid[..., None], valid)

    def losses(self, scored: Scored, sizes_px: Tensor, targets: Sequence[Targets]) -> tuple[Tensor, Tensor]:
        """Return the mean class loss and the mean box loss of the images."""
        parts = [
            self.image_losses(scored.logits[i].float(), scored.deltas[i].float(), scored.anchors, sizes_px[i], objects)
            for i, objects in enumerate(targets)
        ]
        objectness, boxes = zip(*parts, strict=True)
        return torch.stack(objectness).mean(), torch.stack(boxes).mean()

    def image_losses(
        self, logits: Tensor, deltas: Tensor, anchors: Tensor, size_px: Tensor, targets: Targets
    ) -> tuple[Tensor, Tensor]:
        """Return the class and box loss of one image over its sampled anchors, both per sampled anchor."""
        objects = targets.objects()
        matches = match(iou(objects.boxes, anchors), self.positive_iou, self.negative_iou, force=True)
        outside = ~inside(anchors, size_px) | inside_crowd(anchors, targets.boxes[targets.crowd])
        matches = torch.where(outside, -2, matches)
        positive, negative = sample(matches, self.batch, 0.5)
        sampled = torch.cat([positive, negative])
        labels = torch.cat([torch.ones_like(positive), torch.zeros_like(negative)])
        wanted = encode(objects.boxes[matches[positive]], anchors[positive])
        count = max(len(sampled), 1)
        objectness = F.cross_entropy(logits[sampled], labels, reduction="sum") / count
        return objectness, smooth_l1(deltas[positive], wanted).sum() / count


def inside(boxes: Tensor, size_px: Tensor) -> Tensor:
    """Tell which boxes (A, 4) lie within a window (height, width)."""
    height, width = size_px.unbind()
    return (boxes[:, 0] >= 0) & (boxes[:, 1] >= 0) & (boxes[:, 2] <= width) & (boxes[:, 3] <= height)
