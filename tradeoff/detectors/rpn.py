"""The region proposal network: where something might be, at every cell of one feature map.

Legend: N images, A anchors of an image (cells × anchors per cell), P proposals. Boxes are xyxy px of the input.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.core.types import Level
from tradeoff.detectors.dense import initialise, proper, rows
from tradeoff.ops.anchors import grid_anchors
from tradeoff.ops.assign import IGNORED, NEGATIVE, inside_crowd, sample
from tradeoff.ops.boxes import clip
from tradeoff.ops.coders import BoxCoder
from tradeoff.ops.location import LocationLoss
from tradeoff.ops.matchers import Matcher
from tradeoff.ops.nms import select
from tradeoff.ops.structures import Targets


@dataclass(frozen=True)
class Scored:
    """Every anchor with its scores. logits: (N, A, 2) background, object. deltas: (N, A, 4). anchors: (A, 4) px."""

    logits: Tensor
    deltas: Tensor
    anchors: Tensor


class RPN(nn.Module):
    """A 3×3 convolution and two predictors that slide over one level.

    Args:
        level: that it slides over.
        depth: channels of the convolution.
        sides_px: sides of the square anchors.
        ratios: width to height of the anchors.
        nms_iou: overlap above which a proposal is dropped for a better one.
        anchor_stride_px: distance of neighbouring anchors; None is the stride of the level.
        coder: of the boxes.
        init_deviation: of the truncated normal initial weights; None is Xavier.

    Source: Ren et al. 2015, section 3.1; settings of the TF Object Detection API's faster_rcnn configurations.
    """

    def __init__(
        self,
        level: Level,
        *,
        depth: int,
        sides_px: Sequence[float],
        ratios: Sequence[float],
        nms_iou: float,
        anchor_stride_px: float | None = None,
        coder: BoxCoder | None = None,
        init_deviation: float | None = 0.01,
    ) -> None:
        super().__init__()
        self.stride_px, self.sides_px, self.ratios = level.stride_px, tuple(sides_px), tuple(ratios)
        self.nms_iou, self.coder = nms_iou, coder or BoxCoder()
        self.anchor_stride_px = anchor_stride_px or level.stride_px
        rate = 2 if level.stride_px == 8 else 1  # atrous where the extractor is
        count = len(self.sides_px) * len(self.ratios)
        self.convolution = nn.Conv2d(level.channels, depth, 3, padding=rate, dilation=rate)
        self.objectness = nn.Conv2d(depth, 2 * count, 1)
        self.boxes = nn.Conv2d(depth, 4 * count, 1)
        initialise(self, init_deviation)

    def forward(self, features: Tensor) -> Scored:
        """Score every anchor of a feature map (N, C, H, W)."""
        hidden = F.relu6(self.convolution(features))
        height, width = features.shape[2:]
        anchors = grid_anchors(height, width, self.anchor_stride_px, self.sides_px, self.ratios, features.device)
        return Scored(rows(self.objectness(hidden), 2), rows(self.boxes(hidden), 4), anchors)

    @torch.no_grad()
    def propose(self, scored: Scored, sizes_px: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Return the best boxes of each image that do not overlap much; no gradient goes through them.

        Returns:
            (N, count, 4) px, clipped to the image, and validity (N, count); where fewer survive, the box is 0.

        Source: Ren et al. 2015, section 3.1.4; no limit before suppression, as in the TF Object Detection API.
        Differs: boxes are clipped, in training too; the API clips anchors before decoding, and drops in training what
        comes from anchors that leave the image.
        """
        boxes = clip(self.coder.decode(scored.deltas, scored.anchors), sizes_px)
        objectness = scored.logits.float().softmax(dim=-1)[..., 1]
        indices, valid = select(boxes, proper(boxes, objectness), self.nms_iou, count)
        chosen = boxes.gather(1, indices[..., None].expand(-1, -1, 4))
        return chosen.masked_fill(~valid[..., None], 0), valid


@dataclass(frozen=True, kw_only=True)
class RPNLoss:
    """How the proposal network is trained, image by image.

    matcher: of anchors and objects.
    batch: anchors sampled per image, at most `positive_fraction` of them objects.
    location: the box loss; its coder is that of the network.

    Source: Ren et al. 2015, section 3.1.2 and 3.1.3; both losses per sampled anchor, as in the TF Object Detection
    API.
    """

    matcher: Matcher
    batch: int
    positive_fraction: float = 0.5
    location: LocationLoss = field(default_factory=LocationLoss)

    def __call__(self, scored: Scored, sizes_px: Tensor, targets: Sequence[Targets]) -> tuple[Tensor, Tensor]:
        """Return the class loss and the box loss, each the mean over the images."""
        logits, deltas = scored.logits.float(), scored.deltas.float()
        losses = [
            self.of_image(logits[i], deltas[i], scored.anchors, sizes_px[i], targets[i]) for i in range(len(targets))
        ]
        objectness, localization = zip(*losses, strict=True)
        return torch.stack(objectness).mean(), torch.stack(localization).mean()

    def of_image(
        self, logits: Tensor, deltas: Tensor, anchors: Tensor, size_px: Tensor, targets: Targets
    ) -> tuple[Tensor, Tensor]:
        """Return the class loss and the box loss of one image over a random sample of its anchors."""
        matches = self.assign(anchors, size_px, targets)
        positive, negative = sample(matches, self.batch, self.positive_fraction)
        sampled = torch.cat([positive, negative])
        labels = torch.cat([torch.ones_like(positive), torch.zeros_like(negative)])
        wanted = self.location.coder.encode(targets.objects().boxes[matches[positive]], anchors[positive])
        count = max(len(sampled), 1)
        objectness = F.cross_entropy(logits[sampled], labels, reduction="sum")
        return objectness / count, self.location(deltas[positive], wanted, anchors[positive]).sum() / count

    @torch.no_grad()
    def assign(self, anchors: Tensor, size_px: Tensor, targets: Targets) -> Tensor:
        """Return the object of each anchor, negative or ignored; anchors that leave the image are ignored.

        Every object has its best anchor among those inside, and anchors in a crowd are no background.
        """
        within = inside(anchors, size_px)
        matches = self.matcher(targets.objects().boxes, anchors, [len(anchors)], within)
        crowded = (matches == NEGATIVE) & inside_crowd(anchors, targets.boxes[targets.crowd])
        return matches.masked_fill(~within | crowded, IGNORED)


def inside(boxes: Tensor, size_px: Tensor) -> Tensor:
    """Tell which boxes (A, 4) lie within a window (height, width)."""
    return (boxes[:, :2] >= 0).all(dim=1) & (boxes[:, 2:] <= size_px.flip(0)).all(dim=1)
