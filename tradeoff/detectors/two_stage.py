"""The one body of Faster R-CNN and R-FCN: propose, then classify every proposal with a head.

Legend: N images, P proposals of an image, C classes; columns are C + 1 logits with the background last under softmax,
and C without it under sigmoid and focal.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tradeoff.core.errors import CombinationError
from tradeoff.detectors.dense import detections
from tradeoff.detectors.rpn import RPN, RPNLoss
from tradeoff.detectors.second_stage import SecondStageLoss, padded
from tradeoff.ops.learning import losses_of
from tradeoff.ops.matchers import Matcher, Matching
from tradeoff.ops.steps import Step, follow
from tradeoff.ops.structures import Batch
from tradeoff.recipes.inference import Inference


@dataclass(frozen=True, kw_only=True)
class Training:
    """What only training needs. proposals: regions per image. The others weigh and compute the four losses."""

    proposals: int
    rpn: RPNLoss
    box: SecondStageLoss
    rpn_objectness_weight: float
    rpn_localization_weight: float
    box_classification_weight: float
    box_localization_weight: float


class TwoStage(nn.Module):
    """A two-stage detector.

    Args:
        extractor: gives one level.
        rpn: proposes regions of that level.
        head: `prepare(features)` does once per image what does not depend on the proposals; `classify(prepared,
            boxes (N, P, 4), image_size)` returns logits (N, P, columns) and deltas (N, P, C, 4). Its `tail` is the
            extractor's.
        training: losses; the scores and the coder of the second stage are those of inference too.

    Source: Ren et al. 2015; joint training as in Huang et al. 2017, section 3.
    """

    def __init__(self, *, extractor: nn.Module, rpn: RPN, head: nn.Module, training: Training) -> None:
        super().__init__()
        self.extractor, self.rpn, self.head = extractor, rpn, head
        self.objective = training

    def pieces(self, size: int) -> Iterator[tuple[nn.Module, tuple[int, ...]]]:
        """Yield the networks that run by themselves, with the shape of an input: the extractor and the tail."""
        body: Any = self.extractor
        head: Any = self.head
        cells = head.tail_cells(-(-size // body.levels[0].stride_px))
        yield body, (1, 3, size, size)
        yield head.tail, (1, body.levels[0].channels, cells, cells)

    def features(self, images: Tensor) -> Tensor:
        """Return the feature map (N, D, H / stride, W / stride) that both stages share."""
        (found,) = self.extractor(images).values()
        return found

    def classify(self, features: Tensor, boxes: Tensor, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, P, columns) and deltas (N, P, C, 4) of boxes (N, P, 4)."""
        head: Any = self.head
        logits, deltas = head.classify(head.prepare(features), boxes, (images.shape[2], images.shape[3]))
        return logits, deltas

    def predict(self, images: Tensor, sizes_px: Tensor, inference: Inference) -> dict[str, Tensor]:
        """Return what the network says, before anything is decoded or suppressed but the proposals.

        Args:
            images: (N, 3, H, W) RGB 0..1.
            sizes_px: (N, 2) height and width of each image within H×W.
            inference: says P.

        Returns:
            proposals (N, P, 4) px, valid (N, P), logits (N, P, columns), deltas (N, P, C, 4).

        Raises:
            ValueError: if the number of proposals is None, as for single-stage detectors.
        """
        raw: dict[str, Tensor] = follow(self.steps(inference), (images, sizes_px))
        return raw

    def steps(self, inference: Inference) -> list[Step]:
        """Return `predict` in steps: backbone, proposals and heads; the first takes (images, sizes_px).

        Raises:
            ValueError: as `predict`.
        """
        count = inference.proposals
        if count is None:
            raise ValueError("inference.proposals is None: a two-stage detector needs a number of proposals")

        def backbone(given: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
            images, sizes_px = given
            return images, sizes_px, self.features(images)

        def proposals(given: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            images, sizes_px, features = given
            return images, features, *self.rpn.propose(self.rpn(features), sizes_px, count)

        def heads(given: tuple[Tensor, Tensor, Tensor, Tensor]) -> dict[str, Tensor]:
            images, features, boxes, valid = given
            logits, deltas = self.classify(features, boxes, images)
            return {"proposals": boxes, "valid": valid, "logits": logits, "deltas": deltas}

        return [("backbone", backbone), ("proposals", proposals), ("heads", heads)]

    def decode(
        self, raw: dict[str, Tensor], sizes_px: Tensor, inference: Inference
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return boxes (N, K, 4) px, scores, labels and validity (N, K) of the K best detections of each image."""
        second = self.objective.box
        scores = second.classification.scores(raw["logits"]).masked_fill(~raw["valid"][..., None], -float("inf"))
        boxes = second.location.coder.decode(raw["deltas"], raw["proposals"][:, :, None])
        return detections(boxes, scores, sizes_px, inference)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Return the four weighted losses, each a mean over the images."""
        objective = self.objective
        features = self.features(batch.images)
        scored = self.rpn(features)
        objectness, rpn_boxes = objective.rpn(scored, batch.sizes_px, batch.targets)
        proposals, valid = self.rpn.propose(scored, batch.sizes_px, objective.proposals)
        examples = [objective.box.examples(proposals[i][valid[i]], batch.targets[i]) for i in range(len(valid))]
        logits, deltas = self.classify(features, padded(examples), batch.images)
        classes, boxes = objective.box(logits, deltas, examples)
        return {
            "rpn_objectness": objective.rpn_objectness_weight * objectness,
            "rpn_localization": objective.rpn_localization_weight * rpn_boxes,
            "box_classification": objective.box_classification_weight * classes,
            "box_localization": objective.box_localization_weight * boxes,
        }


def two_stage(  # noqa: PLR0913 - every option of the recipe by its name
    *,
    extractor: nn.Module,
    head: Callable[..., nn.Module],
    classes: int,
    size: int,
    anchor_base_px: float,
    anchors_grow: bool,
    anchor_scales: Sequence[float],
    anchor_ratios: Sequence[float],
    anchor_stride_px: float | None,
    matcher: Matching,
    rpn_depth: int,
    rpn_init_deviation: float | None,
    rpn_nms_iou: float,
    rpn_positive_iou: float,
    rpn_negative_iou: float,
    rpn_batch: int,
    rpn_positive_fraction: float,
    box_positive_iou: float,
    rpn_localization_weight: float,
    rpn_objectness_weight: float,
    box_localization_weight: float,
    box_classification_weight: float,
    train_proposals: int = 300,
    append_ground_truth: bool = False,
    box_batch: int | None = None,
    box_positive_fraction: float = 1.0,
    hard_examples: int | None = None,
    **learning: Any,
) -> TwoStage:
    """Put extractor, proposal network and head together.

    The extractor has one level. `head` takes its tail, the number of `classes` and that of `columns`, which the
    classification loss decides. The options are those of the recipe `TwoStage`, with their units, `learning` those
    of `losses_of`; of them `size` px scales the anchors, `train_proposals` are regions per image in training, to
    which `append_ground_truth` adds the objects. With `box_batch` None the second stage takes them all; with
    `hard_examples` None it learns from all it takes.

    Differs: with `anchors_grow` they are size / 600 times their sides, where the TF Object Detection API keeps their
    pixels; so an object meets the same anchor at every size, which changes the resolution alone. The paper does not
    say which; at 600 px the two agree.
    """
    body: Any = extractor
    location, classification = losses_of(size=size, **learning)
    grown_px = size if anchors_grow else 600
    second = head(body.tail(), classes=classes, columns=classification.columns(classes))
    rpn = RPN(
        body.levels[0],
        depth=rpn_depth,
        sides_px=[anchor_base_px * scale * grown_px / 600 for scale in anchor_scales],
        ratios=anchor_ratios,
        nms_iou=rpn_nms_iou,
        anchor_stride_px=anchor_stride_px,
        coder=location.coder,
        init_deviation=rpn_init_deviation,
    )
    training = Training(
        proposals=train_proposals,
        rpn=RPNLoss(
            matcher=Matcher(kind=matcher, positive_iou=rpn_positive_iou, negative_iou=rpn_negative_iou),
            batch=rpn_batch,
            positive_fraction=rpn_positive_fraction,
            location=location,
        ),
        box=SecondStageLoss(
            classes=classes,
            positive_iou=box_positive_iou,
            append_ground_truth=append_ground_truth,
            batch=box_batch,
            positive_fraction=box_positive_fraction,
            hard_examples=hard_examples,
            location=location,
            classification=classification,
        ),
        rpn_objectness_weight=rpn_objectness_weight,
        rpn_localization_weight=rpn_localization_weight,
        box_classification_weight=box_classification_weight,
        box_localization_weight=box_localization_weight,
    )
    detector = TwoStage(extractor=extractor, rpn=rpn, head=second, training=training)
    check_tail(detector, size)
    return detector


def check_tail(detector: TwoStage, size: int) -> None:
    """Refuse a tail that does not run on what it is given; it is tried on the meta device, nothing is computed.

    Raises:
        CombinationError: when it does not.
    """
    *_, (tail, (_, *shape)) = detector.pieces(size)
    tensors = (*tail.named_parameters(), *tail.named_buffers())
    state = {name: tensor.detach().to("meta") for name, tensor in tensors}
    try:
        with torch.no_grad():
            torch.func.functional_call(tail, state, torch.empty(2, *shape, device="meta"))
    except RuntimeError as error:
        raise CombinationError(
            f"the last stage of this extractor does not run on {shape[1]}×{shape[2]} cells ({error}); give others by "
            "meta_arch.crop and meta_arch.maxpool, or another meta_arch"
        ) from error
