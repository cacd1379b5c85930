"""SSD: boxes and classes straight from several feature maps.

Legend: N images of S×S px, A anchors over all levels, C classes. Boxes are xyxy px of the network input.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.detectors.dense import detections, rows, truncated_normal
from tradeoff.ops.anchors import anchors_per_cell, ssd_anchors
from tradeoff.ops.assign import IGNORED, NEGATIVE, inside_crowd, match
from tradeoff.ops.boxes import decode, encode, iou
from tradeoff.ops.losses import hard_negatives, smooth_l1
from tradeoff.ops.structures import Batch, Targets
from tradeoff.recipes.inference import Inference


class SSD(nn.Module):
    """A single-shot detector; training needs at least two images a step, for the batch norm of 1×1 maps.

    Source: Liu et al. 2016, section 2; layers, anchors and losses as in Huang et al. 2017, section 3, and the TF
    Object Detection API.
    Differs: sigmoid scores of the C classes without the API's column for the background, which its decoding throws
    away; torch's momentum of batch norm in the extra layers, for the API's 0.9997 needs a long training.
    """

    anchors: Tensor

    def __init__(  # noqa: PLR0913 - every option of the recipe by its name
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
        self.extractor, self.classes = extractor, classes
        self.matched_iou, self.negatives_per_positive = matched_iou, negatives_per_positive
        self.localization_weight, self.classification_weight = localization_weight, classification_weight
        levels: Any = extractor.levels
        channels = [level.channels for level in levels] + list(extra_depths)
        counts = anchors_per_cell(len(channels), aspect_ratios)
        self.extra = nn.ModuleList(extra_layers(levels[-1].channels, extra_depths))
        self.logits = predictors(channels, [count * classes for count in counts], kernel)
        self.deltas = predictors(channels, [count * 4 for count in counts], kernel)
        for part in (self.extra, self.logits, self.deltas):
            truncated_normal(part, 0.03)
        shapes = map_shapes(self, size)
        anchors = torch.cat(ssd_anchors(shapes, (size, size), scale_min, scale_max, aspect_ratios, "cpu"))
        self.register_buffer("anchors", anchors, persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps of all levels, finest first, of images (N, 3, S, S) RGB 0..1."""
        maps = list(self.extractor(images).values())
        for layer in self.extra:
            maps.append(layer(maps[-1]))
        return maps

    def predict(self, images: Tensor, sizes_px: Tensor, inference: Inference) -> dict[str, Tensor]:
        """Return what the network says of images (N, 3, S, S): logits (N, A, C), deltas (N, A, 4), anchors (A, 4) px.

        Raises:
            ValueError: for images of another size than the anchors were made for.
        """
        maps = self(images)
        logits = torch.cat([rows(layer(x), self.classes) for layer, x in zip(self.logits, maps, strict=True)], dim=1)
        deltas = torch.cat([rows(layer(x), 4) for layer, x in zip(self.deltas, maps, strict=True)], dim=1)
        if logits.shape[1] != len(self.anchors):
            raise ValueError(f"images of {tuple(images.shape[2:])} px: this SSD was built for another size")
        return {"logits": logits, "deltas": deltas, "anchors": self.anchors}

    def decode(
        self, raw: dict[str, Tensor], sizes_px: Tensor, inference: Inference
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return boxes (N, K, 4) px, scores, labels and validity (N, K) of the K best detections of each image."""
        boxes = decode(raw["deltas"], raw["anchors"])[:, :, None]
        return detections(boxes, raw["logits"].float().sigmoid(), sizes_px, inference)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return both weighted losses: sums over the anchors learned from, per matched anchor of the batch."""
        raw = self.predict(batch.images, batch.sizes_px, Inference())
        matches = torch.stack([self.assign(targets) for targets in batch.targets])
        labels, wanted = self.taught(matches, batch.targets)
        each = F.binary_cross_entropy_with_logits(raw["logits"].float(), labels, reduction="none").sum(dim=-1)
        positive = matches >= 0
        negative = hard_negatives(each, positive, matches == NEGATIVE, self.negatives_per_positive)
        matched = positive.sum().clamp(min=1)
        classification = (each * (positive | negative)).sum() / matched
        localization = smooth_l1(raw["deltas"][positive], wanted[positive]).sum() / matched
        return {
            "classification": self.classification_weight * classification,
            "localization": self.localization_weight * localization,
        }

    @torch.no_grad()
    def assign(self, targets: Targets) -> Tensor:
        """Return the object (A,) of each anchor for one image, negative, or ignored in a crowd."""
        overlaps = iou(targets.objects().boxes, self.anchors)
        matches = match(overlaps, self.matched_iou, self.matched_iou, force=True)
        crowded = inside_crowd(self.anchors, targets.boxes[targets.crowd])
        return matches.masked_fill((matches == NEGATIVE) & crowded, IGNORED)

    @torch.no_grad()
    def taught(self, matches: Tensor, targets: Sequence[Targets]) -> tuple[Tensor, Tensor]:
        """Return class targets (N, A, C), 0 or 1, and box targets (N, A, 4), both 0 where nothing is matched."""
        labels = self.anchors.new_zeros(*matches.shape, self.classes)
        deltas = self.anchors.new_zeros(*matches.shape, 4)
        for i, image in enumerate(targets):
            objects = image.objects()
            positive = (matches[i] >= 0).nonzero()[:, 0]
            mine = matches[i, positive]
            labels[i, positive, objects.labels[mine]] = 1
            deltas[i, positive] = encode(objects.boxes[mine], self.anchors[positive])
        return labels, deltas


def map_shapes(detector: SSD, size: int) -> list[tuple[int, int]]:
    """Return the (rows, columns) of each level for size×size px, found on the meta device: nothing is computed."""
    tensors = (*detector.named_parameters(), *detector.named_buffers())
    weights = {name: tensor.detach().to("meta") for name, tensor in tensors}
    with torch.no_grad():
        maps = torch.func.functional_call(detector, weights, torch.empty(2, 3, size, size, device="meta"))
    return [(level.shape[2], level.shape[3]) for level in maps]


def predictors(channels: Sequence[int], outputs: Sequence[int], kernel: int) -> nn.ModuleList:
    """Return one convolution per level that keeps the shape of its map."""
    pairs = zip(channels, outputs, strict=True)
    return nn.ModuleList(nn.Conv2d(before, after, kernel, padding=kernel // 2) for before, after in pairs)


def extra_layers(before: int, depths: Sequence[int]) -> list[nn.Module]:
    """Return the extra layers: each halves its depth by a 1×1 convolution, then the resolution by a 3×3 one."""
    pairs = zip((before, *depths), depths, strict=False)
    return [nn.Sequential(convolution(a, b // 2, 1, 1), convolution(b // 2, b, 3, 2)) for a, b in pairs]


def convolution(before: int, after: int, kernel: int, stride: int) -> nn.Sequential:
    """Return a convolution with batch norm and ReLU6; maps of n cells become ceil(n / stride)."""
    layer = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(after, eps=0.001), nn.ReLU6(inplace=True))
