"""SSD: boxes and classes straight from several feature maps.

Legend: N images, A anchors over all levels, C classes. Boxes are xyxy px of the network input.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.core.types import Level
from tradeoff.detectors.maps import rows
from tradeoff.ops.anchors import anchors_per_cell, ssd_anchors
from tradeoff.ops.assign import inside_crowd, match
from tradeoff.ops.boxes import clip, decode, encode, iou
from tradeoff.ops.losses import hard_negatives, smooth_l1
from tradeoff.ops.nms import detect
from tradeoff.ops.structures import Batch, Targets
from tradeoff.recipes.inference import Inference


class SSD(nn.Module):
    """Source: Liu et al. 2016; layers, anchors and losses as in Huang et al. 2017, section 3, and the TF OD API.

    Differs: sigmoid scores over the C classes without the API's background column, which its decoding throws away.
    """

    def __init__(
        self,
        *,
        extractor: nn.Module,
        classes: int,
        size: int,
        extra_depths: Sequence[int],
        kernel: int,
        scale_min: float,
        scale_max: float,
        aspect_ratios: Sequence[float],
        matched_iou: float,
        negatives_per_positive: float,
        localization_weight: float,
        classification_weight: float,
    ) -> None:
        super().__init__()
        self.extractor, self.size, self.count = extractor, size, classes
        self.scales, self.ratios = (scale_min, scale_max), tuple(aspect_ratios)
        self.matched_iou, self.negatives_per_positive = matched_iou, negatives_per_positive
        self.weights = (classification_weight, localization_weight)
        levels: Any = extractor.levels
        self.extras = nn.ModuleList(extra_layers(levels[-1], extra_depths))
        channels = [level.channels for level in levels] + list(extra_depths)
        cells = anchors_per_cell(len(channels), self.ratios)
        predictor = [(c, k) for c, k in zip(channels, cells, strict=True)]
        self.classes = nn.ModuleList(nn.Conv2d(c, k * classes, kernel, padding=kernel // 2) for c, k in predictor)
        self.boxes = nn.ModuleList(nn.Conv2d(c, k * 4, kernel, padding=kernel // 2) for c, k in predictor)
        for part in (self.extras, self.classes, self.boxes):
            part.apply(initialise)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return class logits (N, A, C), deltas (N, A, 4) and anchors (A, 4) of images (N, 3, H, W)."""
        maps = list(self.extractor(images).values())
        for layer in self.extras:
            maps.append(layer(maps[-1]))
        logits = [rows(head(x), self.count) for head, x in zip(self.classes, maps, strict=True)]
        deltas = [rows(head(x), 4) for head, x in zip(self.boxes, maps, strict=True)]
        shapes = [(x.shape[2], x.shape[3]) for x in maps]
        size_px = (images.shape[2], images.shape[3])
        anchors = ssd_anchors(shapes, size_px, *self.scales, self.ratios, images.device)
        return torch.cat(logits, 1), torch.cat(deltas, 1), torch.cat(anchors)

    def predict(self, images: Tensor, sizes_px: Tensor, inference: Inference) -> dict[str, Tensor]:
        """Return what the network says of images (N, 3, H, W): logits, deltas and anchors."""
        logits, deltas, anchors = self(images)
        return {"logits": logits, "deltas": deltas, "anchors": anchors}

    def decode(
        self, raw: dict[str, Tensor], sizes_px: Tensor, inference: Inference
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return boxes (N, K, 4), scores, labels and validity (N, K) of the K best detections of each image."""
        boxes = clip(decode(raw["deltas"].float(), raw["anchors"]), sizes_px)
        scores = raw["logits"].float().sigmoid()
        threshold = inference.score_threshold
        return detect(boxes, scores, iou=inference.nms_iou, score_threshold=threshold, keep=inference.detections)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return both weighted losses, each a sum over the anchors kept, per matched anchor of the batch."""
        logits, deltas, anchors = self(batch.images)
        assigned = [self.assign(anchors, targets) for targets in batch.targets]
        matches = torch.stack(assigned)
        labels, wanted = self.wanted(matches, anchors, batch.targets)
        classes = F.binary_cross_entropy_with_logits(logits.float(), labels, reduction="none").sum(-1)
        positive = matches >= 0
        negative = hard_negatives(classes.detach(), positive, matches == -1, self.negatives_per_positive)
        matched = positive.sum().clamp(min=1)
        localization = smooth_l1(deltas.float()[positive], wanted[positive]).sum() / matched
        classification = (classes * (positive | negative)).sum() / matched
        return {"classification": self.weights[0] * classification, "localization": self.weights[1] * localization}

    @torch.no_grad()
    def assign(self, anchors: Tensor, targets: Targets) -> Tensor:
        """Return the object (A,) of each anchor of one image, -1 for background, -2 to ignore."""
        matches = match(iou(targets.objects().boxes, anchors), self.matched_iou, self.matched_iou, force=True)
        return torch.where((matches < 0) & inside_crowd(anchors, targets.boxes[targets.crowd]), -2, matches)

    @torch.no_grad()
    def wanted(self, matches: Tensor, anchors: Tensor, targets: Sequence[Targets]) -> tuple[Tensor, Tensor]:
        """Return the class targets (N, A, C), 0 or 1, and the box targets (N, A, 4), 0 where nothing is matched."""
        labels = torch.zeros(*matches.shape, self.count, device=anchors.device)
        deltas = torch.zeros(*matches.shape, 4, device=anchors.device)
        for i, image in enumerate(targets):
            objects = image.objects()
            positive = (matches[i] >= 0).nonzero().flatten()
            mine = matches[i][positive]
            labels[i, positive, objects.labels[mine]] = 1
            deltas[i, positive] = encode(objects.boxes[mine], anchors[positive])
        return labels, deltas


def extra_layers(level: Level, depths: Sequence[int]) -> list[nn.Module]:
    """Return the extra layers: each halves the depth by a 1×1 convolution, then the resolution by a 3×3 one."""
    layers: list[nn.Module] = []
    before = level.channels
    for depth in depths:
        layers.append(nn.Sequential(convolution(before, depth // 2, 1, 1), convolution(depth // 2, depth, 3, 2)))
        before = depth
    return layers


def convolution(before: int, after: int, kernel: int, stride: int) -> nn.Sequential:
    """Return a convolution with batch norm and ReLU6; maps of n cells become ceil(n / stride)."""
    layer = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(after, eps=0.001, momentum=0.03), nn.ReLU6(inplace=True))


def initialise(module: nn.Module) -> None:
    """Initialise a convolution by a truncated normal of deviation 0.03, as the released SSD configurations do."""
    if isinstance(module, nn.Conv2d):
        nn.init.trunc_normal_(module.weight, std=0.03, a=-0.06, b=0.06)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
