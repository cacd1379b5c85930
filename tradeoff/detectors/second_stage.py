"""How the second stage is trained: which proposals it learns from, and its losses.

Legend: N images, P proposals of an image, C classes; label C is the background. Boxes are xyxy px of the network's
input.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tradeoff.ops.assign import IGNORED, NEGATIVE, inside_crowd, match, sample
from tradeoff.ops.boxes import iou
from tradeoff.ops.classification import ClassificationLoss
from tradeoff.ops.location import LocationLoss
from tradeoff.ops.structures import Targets


@dataclass(frozen=True)
class Examples:
    """What one image has to teach.

    boxes: (P, 4) px. labels: (P,) int64, C is the background. deltas: (P, 4), 0 for the background.
    """

    boxes: Tensor
    labels: Tensor
    deltas: Tensor


@dataclass(frozen=True, kw_only=True)
class SecondStageLoss:
    """How the second stage is trained, image by image.

    classes: C. positive_iou: overlap from which on a proposal is an object.
    append_ground_truth: whether the objects themselves are proposals too.
    batch: proposals sampled per image, at most `positive_fraction` of them objects; None takes them all.
    hard_examples: proposals of the largest loss that are learned from; None learns from all.
    location, classification: the losses; their weights are no part of what is hardest.

    Source: Girshick 2015 (Fast R-CNN), section 2.3; Shrivastava et al. 2016 for the hard examples, as in Dai et al.
    2016, section 3. As in the TF Object Detection API, everything below `positive_iou` is background.
    """

    classes: int
    positive_iou: float
    append_ground_truth: bool
    batch: int | None
    positive_fraction: float
    hard_examples: int | None
    location: LocationLoss = field(default_factory=LocationLoss)
    classification: ClassificationLoss = field(default_factory=ClassificationLoss)

    @torch.no_grad()
    def examples(self, boxes: Tensor, targets: Targets) -> Examples:
        """Choose what to learn from among the proposals (P, 4) of one image."""
        objects = targets.objects()
        if self.append_ground_truth:
            boxes = torch.cat([boxes, objects.boxes])
        matches = match(iou(objects.boxes, boxes), self.positive_iou, self.positive_iou, force=False)
        crowded = (matches == NEGATIVE) & inside_crowd(boxes, targets.boxes[targets.crowd])
        matches = matches.masked_fill(crowded, IGNORED)
        kept = (matches != IGNORED).nonzero()[:, 0]
        if self.batch is not None:
            kept = torch.cat(sample(matches, self.batch, self.positive_fraction))
        return self.taught(boxes[kept], matches[kept], objects)

    def taught(self, boxes: Tensor, matches: Tensor, objects: Targets) -> Examples:
        """Return what each chosen box should be told: its class and its deltas."""
        labels, deltas = torch.full_like(matches, self.classes), torch.zeros_like(boxes)
        positive = matches >= 0
        labels[positive] = objects.labels[matches[positive]]
        deltas[positive] = self.location.coder.encode(objects.boxes[matches[positive]], boxes[positive])
        return Examples(boxes, labels, deltas)

    def __call__(self, logits: Tensor, deltas: Tensor, examples: Sequence[Examples]) -> tuple[Tensor, Tensor]:
        """Return the class loss and the box loss, each the mean over the images.

        Args:
            logits: (N, P, columns), C + 1 for softmax.
            deltas: (N, P, C, 4).
            examples: N of them, each of at most P boxes; what follows in the rows is padding.
        """
        losses = [
            self.of_image(logits[i, : len(image.boxes)], deltas[i, : len(image.boxes)].float(), image)
            for i, image in enumerate(examples)
        ]
        classification, localization = zip(*losses, strict=True)
        return torch.stack(classification).mean(), torch.stack(localization).mean()

    def of_image(self, logits: Tensor, deltas: Tensor, examples: Examples) -> tuple[Tensor, Tensor]:
        """Return the class loss and the box loss of one image, both per box that is learned from."""
        labels = examples.labels
        own = deltas[torch.arange(len(labels), device=labels.device), labels.clamp(max=self.classes - 1)]
        classification = self.classification(logits, labels)
        localization = self.location(own, examples.deltas, examples.boxes) * (labels < self.classes)
        hardest = self.hardest(classification + localization)
        count = max(len(hardest), 1)
        return classification[hardest].sum() / count, localization[hardest].sum() / count

    def hardest(self, loss: Tensor) -> Tensor:
        """Return the indices of the boxes that are learned from."""
        kept = len(loss) if self.hard_examples is None else min(self.hard_examples, len(loss))
        return loss.detach().topk(kept).indices


def padded(examples: Sequence[Examples]) -> Tensor:
    """Stack the boxes of all images, with zero boxes where an image has fewer; at least one each: (N, P, 4)."""
    boxes = pad_sequence([image.boxes for image in examples], batch_first=True)
    return boxes if boxes.shape[1] else boxes.new_zeros(len(examples), 1, 4)
