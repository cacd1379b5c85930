"""How a single-stage detector is trained: what each anchor is told, which of them are learned from, and the losses.

Legend: N images, A anchors over all levels, C classes; label C is the background. Boxes are xyxy px.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tradeoff.ops.assign import IGNORED, NEGATIVE, inside_crowd
from tradeoff.ops.classification import ClassificationLoss
from tradeoff.ops.location import LocationLoss
from tradeoff.ops.losses import hard_negatives
from tradeoff.ops.matchers import Matcher
from tradeoff.ops.structures import Targets


@dataclass(frozen=True, kw_only=True)
class SingleStageLoss:
    """How SSD is trained.

    classes: C. matcher: of anchors and objects. location, classification: the losses.
    negatives_per_positive: of each image, the background anchors of the largest class loss that are learned from;
        None learns from all.
    min_negatives: fewest of them in an image.
    localization_weight, classification_weight: factors of the losses.

    Source: Liu et al. 2016, section 2.2, "Training objective" and "Hard negative mining".
    Differs: the miner of the TF Object Detection API looks at no more than 3,000 anchors, and drops those whose boxes
    overlap a harder one's by more than 0.99.
    """

    classes: int
    matcher: Matcher
    location: LocationLoss
    classification: ClassificationLoss
    negatives_per_positive: float | None
    min_negatives: int
    localization_weight: float
    classification_weight: float

    def __call__(
        self, raw: dict[str, Tensor], targets: Sequence[Targets], levels: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Return both weighted losses: sums over the anchors learned from, per matched anchor of the batch.

        Args:
            raw: logits (N, A, columns), deltas (N, A, 4) and anchors (A, 4) px.
            targets: N of them.
            levels: how many anchors each level has.
        """
        anchors = raw["anchors"]
        matches = torch.stack([self.assign(image, anchors, levels) for image in targets])
        labels, wanted = self.taught(matches, targets, anchors)
        each = self.classification(raw["logits"], labels)
        positive = matches >= 0
        matched = positive.sum().clamp(min=1)
        own = anchors.expand(len(matches), -1, -1)[positive]
        localization = self.location(raw["deltas"][positive], wanted[positive], own).sum() / matched
        classification = (each * (positive | self.negatives(each, matches))).sum() / matched
        return self.classification_weight * classification, self.localization_weight * localization

    def negatives(self, each: Tensor, matches: Tensor) -> Tensor:
        """Return the background anchors (N, A) that are learned from, given the class loss (N, A) of each."""
        background = matches == NEGATIVE
        if self.negatives_per_positive is None:
            return background
        return hard_negatives(each, matches >= 0, background, self.negatives_per_positive, minimum=self.min_negatives)

    @torch.no_grad()
    def assign(self, targets: Targets, anchors: Tensor, levels: Sequence[int]) -> Tensor:
        """Return the object (A,) of each anchor for one image, negative, or ignored in a crowd."""
        matches = self.matcher(targets.objects().boxes, anchors, levels)
        crowded = inside_crowd(anchors, targets.boxes[targets.crowd])
        return matches.masked_fill((matches == NEGATIVE) & crowded, IGNORED)

    @torch.no_grad()
    def taught(self, matches: Tensor, targets: Sequence[Targets], anchors: Tensor) -> tuple[Tensor, Tensor]:
        """Return the labels (N, A), C where nothing is matched, and the wanted deltas (N, A, 4), 0 there."""
        labels = torch.full_like(matches, self.classes)
        deltas = anchors.new_zeros(*matches.shape, 4)
        for i, image in enumerate(targets):
            objects = image.objects()
            positive = (matches[i] >= 0).nonzero()[:, 0]
            mine = matches[i, positive]
            labels[i, positive] = objects.labels[mine]
            deltas[i, positive] = self.location.coder.encode(objects.boxes[mine], anchors[positive])
        return labels, deltas
