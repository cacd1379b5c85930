"""SSD: boxes and classes straight from several feature maps.

Legend: N images of S×S px, A anchors over all levels, C classes. Boxes are xyxy px of the network input.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tradeoff.detectors.dense import detections, initialise, rows
from tradeoff.detectors.extra_layers import ExtraLayers, predictors
from tradeoff.detectors.single_stage import SingleStageLoss
from tradeoff.ops.default_boxes import DefaultBoxes
from tradeoff.ops.learning import losses_of
from tradeoff.ops.matchers import Matcher, Matching
from tradeoff.ops.steps import Step, follow
from tradeoff.ops.structures import Batch
from tradeoff.recipes.inference import Inference


class SSD(nn.Module):
    """A single-shot detector; training with batch norm needs at least two images a step, for the 1×1 maps.

    Args:
        extractor: gives the first levels, finest first.
        classes: C.
        size: S, px.
        extra: the layers that give the further levels.
        default_boxes: the anchors.
        kernel: of the predictors.
        objective: losses; its coder and its scores are those of inference too.

    Source: Liu et al. 2016, section 2; layers, anchors and losses as in Huang et al. 2017, section 3, and the TF
    Object Detection API.
    Differs: sigmoid scores of the C classes without the API's column for the background, which its decoding throws
    away; torch's momentum of batch norm in the extra layers, for the API's 0.9997 needs a long training.
    """

    anchors: Tensor

    def __init__(
        self,
        *,
        extractor: nn.Module,
        classes: int,
        size: int,
        extra: ExtraLayers,
        default_boxes: DefaultBoxes,
        kernel: int,
        objective: SingleStageLoss,
    ) -> None:
        super().__init__()
        self.extractor, self.objective = extractor, objective
        self.columns = objective.classification.columns(classes)
        levels: Any = extractor.levels
        channels = [level.channels for level in levels] + list(extra.depths)
        counts = default_boxes.per_cell(len(channels))
        self.extra = extra.build(levels[-1].channels)
        self.logits = predictors(channels, [count * self.columns for count in counts], kernel)
        self.deltas = predictors(channels, [count * 4 for count in counts], kernel)
        levels_px = default_boxes.lay(map_shapes(self, size), (size, size), "cpu")
        self.anchors_per_level = [len(level) for level in levels_px]
        self.register_buffer("anchors", torch.cat(levels_px), persistent=False)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the feature maps of all levels, finest first, of images (N, 3, S, S) RGB 0..1."""
        maps = list(self.extractor(images).values())
        for layer in self.extra:
            maps.append(deeper(layer, maps[-1]))
        return maps

    def pieces(self, size: int) -> Iterator[tuple[nn.Module, tuple[int, ...]]]:
        """Yield the networks that run by themselves, with the shape of an input: the detector."""
        yield self, (1, 3, size, size)

    def predict(self, images: Tensor, sizes_px: Tensor, inference: Inference) -> dict[str, Tensor]:
        """Return what the network says of images (N, 3, S, S).

        Returns:
            logits (N, A, C), or (N, A, C + 1) with the background last under softmax; deltas (N, A, 4); anchors
            (A, 4) px.

        Raises:
            ValueError: for images of another size than the anchors were made for.
        """
        raw: dict[str, Tensor] = follow(self.steps(inference), (images, sizes_px))
        return raw

    def steps(self, inference: Inference) -> list[Step]:
        """Return `predict` in steps: backbone, which makes all feature maps, and heads; the first takes its input."""

        def backbone(given: tuple[Tensor, Tensor]) -> tuple[Tensor, list[Tensor]]:
            images, _ = given
            return images, self(images)

        return [("backbone", backbone), ("heads", self.said)]

    def said(self, given: tuple[Tensor, list[Tensor]]) -> dict[str, Tensor]:
        """Return what the predictors say of images and their feature maps, as `predict`."""
        images, maps = given
        logits = torch.cat([rows(layer(x), self.columns) for layer, x in zip(self.logits, maps, strict=True)], dim=1)
        deltas = torch.cat([rows(layer(x), 4) for layer, x in zip(self.deltas, maps, strict=True)], dim=1)
        if logits.shape[1] != len(self.anchors):
            raise ValueError(f"images of {tuple(images.shape[2:])} px: this SSD was built for another size")
        return {"logits": logits, "deltas": deltas, "anchors": self.anchors}

    def decode(
        self, raw: dict[str, Tensor], sizes_px: Tensor, inference: Inference
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return boxes (N, K, 4) px, scores, labels and validity (N, K) of the K best detections of each image."""
        boxes = self.objective.location.coder.decode(raw["deltas"], raw["anchors"])[:, :, None]
        return detections(boxes, self.objective.classification.scores(raw["logits"]), sizes_px, inference)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return both weighted losses: sums over the anchors learned from, per matched anchor of the batch."""
        raw = self.predict(batch.images, batch.sizes_px, Inference())
        classification, localization = self.objective(raw, batch.targets, self.anchors_per_level)
        return {"classification": classification, "localization": localization}


def deeper(layer: nn.Module, finer: Tensor) -> Tensor:
    """Return the next map (N, C, H', W') of a finer one (N, B, H, W); a last one of 1×1 in full precision on a CPU.

    Torch 2.15 on a CPU has wrong gradients, by half their size, of a 3×3 convolution at stride 2 over 1×1 px in bf16.
    """
    if not layer.training or finer.device.type != "cpu" or finer.shape[2:] != (1, 1):
        return layer(finer)
    with torch.autocast("cpu", enabled=False):
        return layer(finer.float())


def map_shapes(detector: SSD, size: int) -> list[tuple[int, int]]:
    """Return the (rows, columns) of each level for size×size px, found on the meta device: nothing is computed."""
    tensors = (*detector.named_parameters(), *detector.named_buffers())
    weights = {name: tensor.detach().to("meta") for name, tensor in tensors}
    with torch.no_grad():
        maps = torch.func.functional_call(detector, weights, torch.empty(2, 3, size, size, device="meta"))
    return [(level.shape[2], level.shape[3]) for level in maps]


def ssd(  # noqa: PLR0913 - every option of the recipe by its name
    *,
    extractor: nn.Module,
    classes: int,
    size: int,
    extra_depths: Sequence[int],
    extra_kernels: Sequence[int],
    extra_strides: Sequence[int],
    extra_paddings: Sequence[int],
    extra_batch_norm: bool,
    extra_activation: str,
    kernel: int,
    init_deviation: float | None,
    class_bias: float,
    scale_min: float,
    scale_max: float,
    scales: Sequence[float],
    aspect_ratios: Sequence[float],
    level_aspect_ratios: Sequence[Sequence[float]],
    reduce_boxes_in_lowest_level: bool,
    geometric_mean_anchor: bool,
    anchor_steps_px: Sequence[float],
    clip_anchor_sides: bool,
    matcher: Matching,
    matched_iou: float,
    negatives_per_positive: float | None,
    min_negatives: int,
    localization_weight: float,
    classification_weight: float,
    **learning: Any,
) -> SSD:
    """Build SSD from the options of its recipe, with their units, and draw the weights of what it adds.

    `learning` are the options of `losses_of`.
    """
    location, classification = losses_of(size=size, **learning)
    detector = SSD(
        extractor=extractor,
        classes=classes,
        size=size,
        extra=ExtraLayers(
            depths=tuple(extra_depths),
            kernels=tuple(extra_kernels),
            strides=tuple(extra_strides),
            paddings=tuple(extra_paddings),
            batch_norm=extra_batch_norm,
            relu6=extra_activation == "relu6",
        ),
        default_boxes=DefaultBoxes(
            scale_min=scale_min,
            scale_max=scale_max,
            scales=tuple(scales),
            ratios=tuple(aspect_ratios),
            level_ratios=tuple(map(tuple, level_aspect_ratios)),
            reduced=reduce_boxes_in_lowest_level,
            geometric_mean=geometric_mean_anchor,
            steps_px=tuple(anchor_steps_px),
            clip_sides=clip_anchor_sides,
        ),
        kernel=kernel,
        objective=SingleStageLoss(
            classes=classes,
            matcher=Matcher(kind=matcher, positive_iou=matched_iou, negative_iou=matched_iou),
            location=location,
            classification=classification,
            negatives_per_positive=negatives_per_positive,
            min_negatives=min_negatives,
            localization_weight=localization_weight,
            classification_weight=classification_weight,
        ),
    )
    for part in (detector.extra, detector.logits, detector.deltas):
        initialise(part, init_deviation)
    for name, parameter in detector.logits.named_parameters():
        if name.endswith("bias"):
            nn.init.constant_(parameter, class_bias)
    return detector
