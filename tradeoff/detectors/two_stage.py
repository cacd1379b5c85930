"""The one body of Faster R-CNN and R-FCN: propose, then classify every proposal with a head.

Legend: N images, P proposals of an image, C classes; class C of the C + 1 logits is the background.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.detectors.rpn import RPN
from tradeoff.ops.assign import inside_crowd, match, sample
from tradeoff.ops.boxes import clip, decode, encode, iou
from tradeoff.ops.losses import smooth_l1
from tradeoff.ops.nms import detect
from tradeoff.ops.structures import Batch, Targets
from tradeoff.recipes.inference import Inference


class Head(Protocol):
    """What a two-stage detector does with its proposals."""

    tail: nn.Module

    def prepare(self, features: Tensor) -> Any:
        """Do once per image what does not depend on the proposals."""

    def classify(self, prepared: Any, boxes: Tensor, image_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return logits (N, P, C + 1) and deltas (N, P, C, 4) of boxes (N, P, 4)."""


class TwoStage(nn.Module):
    """Source: Ren et al. 2015; joint training and settings as in Huang et al. 2017, section 3.

    Args:
        extractor: gives one level.
        head: classifies proposals.
        rpn: proposes.
        options: see `recipes.detectors.TwoStage`.
        hard_examples: train on these many proposals of the largest loss (Shrivastava et al. 2016); None samples.
    """

    def __init__(
        self, extractor: nn.Module, head: nn.Module, rpn: RPN, options: dict[str, Any], hard_examples: int | None
    ) -> None:
        super().__init__()
        self.extractor, self.rpn, self.head = extractor, rpn, head
        self.options, self.hard_examples = options, hard_examples

    def features(self, images: Tensor) -> Tensor:
        """Return the feature map (N, C, H, W) that both stages share."""
        (found,) = self.extractor(images).values()
        return found

    def predict(self, images: Tensor, sizes_px: Tensor, inference: Inference) -> dict[str, Tensor]:
        """Return what the network says of images (N, 3, H, W): proposals, their validity, logits and deltas."""
        features = self.features(images)
        proposals = self.rpn.propose(self.rpn(features), sizes_px, inference.proposals or 1)
        prepared = self.head.prepare(features)
        logits, deltas = self.head.classify(prepared, proposals.boxes, (images.shape[2], images.shape[3]))
        return {"proposals": proposals.boxes, "valid": proposals.valid, "logits": logits, "deltas": deltas}

    def decode(
        self, raw: dict[str, Tensor], sizes_px: Tensor, inference: Inference
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return boxes (N, K, 4), scores, labels and validity (N, K) of the K best detections of each image."""
        scores = raw["logits"].float().softmax(-1)[..., :-1] * raw["valid"][..., None]
        boxes = clip(decode(raw["deltas"].float(), raw["proposals"][:, :, None]), sizes_px)
        threshold = max(inference.score_threshold, torch.finfo(torch.float32).tiny)  # invalid proposals score 0
        return detect(boxes, scores, iou=inference.nms_iou, score_threshold=threshold, keep=inference.detections)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the four weighted losses, each a mean over the images."""
        features = self.features(batch.images)
        scored = self.rpn(features)
        objectness, rpn_boxes = self.rpn.losses(scored, batch.sizes_px, batch.targets)
        classes, boxes = self.second_stage(features, scored, batch)
        weight = self.options
        return {
            "rpn_objectness": weight["rpn_objectness_weight"] * objectness,
            "rpn_localization": weight["rpn_localization_weight"] * rpn_boxes,
            "box_classification": weight["box_classification_weight"] * classes,
            "box_localization": weight["box_localization_weight"] * boxes,
        }

    def second_stage(self, features: Tensor, scored: Any, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the class and box loss of the second stage; no gradient goes through the proposals."""
        proposals = self.rpn.propose(scored, batch.sizes_px, self.options["train_proposals"])
        chosen = [
            self.choose(proposals.boxes[i][proposals.valid[i]], targets) for i, targets in enumerate(batch.targets)
        ]
        longest = max(len(boxes) for boxes, _ in chosen)
        padded = torch.stack([F.pad(boxes, (0, 0, 0, longest - len(boxes))) for boxes, _ in chosen])
        image_size = (batch.images.shape[2], batch.images.shape[3])
        logits, deltas = self.head.classify(self.head.prepare(features), padded, image_size)
        parts = [
            self.image_losses(logits[i, : len(boxes)].float(), deltas[i, : len(boxes)].float(), boxes, matches, targets)
            for i, ((boxes, matches), targets) in enumerate(zip(chosen, batch.targets, strict=True))
        ]
        classes, boxes = zip(*parts, strict=True)
        return torch.stack(classes).mean(), torch.stack(boxes).mean()

    @torch.no_grad()
    def choose(self, boxes: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
        """Choose the proposals of one image to train on; return boxes (P, 4) and their objects, -1 for background.

        Differs: with `append_ground_truth`, the objects themselves are proposals too, which the TF Object Detection
        API does not do; it shortens short trainings.
        """
        objects = targets.objects()
        if self.options["append_ground_truth"]:
            boxes = torch.cat([boxes, objects.boxes])
        threshold = self.options["box_positive_iou"]
        matches = match(iou(objects.boxes, boxes), threshold, threshold, force=False)
        matches = torch.where((matches < 0) & inside_crowd(boxes, targets.boxes[targets.crowd]), -2, matches)
        if self.hard_examples is not None:
            keep = (matches > -2).nonzero().flatten()
        else:
            keep = torch.cat(sample(matches, self.options["box_batch"], self.options["box_positive_fraction"]))
        return boxes[keep], matches[keep]

    def image_losses(
        self, logits: Tensor, deltas: Tensor, boxes: Tensor, matches: Tensor, targets: Targets
    ) -> tuple[Tensor, Tensor]:
        """Return the class and box loss of one image, both per proposal that is trained on."""
        objects = targets.objects()
        labels = torch.full_like(matches, logits.shape[1] - 1)
        positive = (matches >= 0).nonzero().flatten()
        labels[positive] = objects.labels[matches[positive]]
        classes = F.cross_entropy(logits, labels, reduction="none")
        wanted = encode(objects.boxes[matches[positive]], boxes[positive])
        localization = torch.zeros_like(classes)
        localization[positive] = smooth_l1(deltas[positive, labels[positive]], wanted)
        kept = self.hardest(classes.detach() + localization.detach())
        count = max(len(kept), 1)
        return classes[kept].sum() / count, localization[kept].sum() / count

    def hardest(self, loss: Tensor) -> Tensor:
        """Return the indices of the proposals with the largest loss, or of all where they were sampled."""
        if self.hard_examples is None or self.hard_examples >= len(loss):
            return torch.arange(len(loss), device=loss.device)
        return loss.topk(self.hard_examples).indices


def body_options(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split the options of a two-stage recipe into those of the proposal network and those of the body."""
    own = {"anchor_base_px", "anchor_scales", "anchor_ratios", "rpn_depth", "rpn_nms_iou"}
    own |= {"rpn_positive_iou", "rpn_negative_iou", "rpn_batch"}
    return {k: v for k, v in options.items() if k in own}, {k: v for k, v in options.items() if k not in own}


def assemble(
    extractor: nn.Module, head: nn.Module, *, size: int, options: dict[str, Any], hard_examples: int | None = None
) -> TwoStage:
    """Put extractor, proposal network and head together."""
    levels: Sequence[Any] = extractor.levels
    proposing, rest = body_options(options)
    return TwoStage(extractor, head, RPN(levels[0], size=size, **proposing), rest, hard_examples)
