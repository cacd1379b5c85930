"""The second stage: what it learns from, its losses by hand, its heads, and how raw outputs are decoded."""

import math

import pytest
import torch
import torchvision
from torch import nn

from tests.detectors.scenes import build, crowd_of, nothing, rectangles
from tradeoff.detectors.faster_rcnn import CropThenTail
from tradeoff.detectors.rfcn import ScoreThenCrop
from tradeoff.detectors.second_stage import Examples, SecondStageLoss, padded
from tradeoff.ops.structures import Batch, Targets
from tradeoff.recipes.inference import Inference


def loss(**options):
    usual = {
        "classes": 3,
        "positive_iou": 0.5,
        "append_ground_truth": False,
        "batch": None,
        "positive_fraction": 0.25,
        "hard_examples": None,
    }
    return SecondStageLoss(**usual | options)


OBJECT = Targets(torch.tensor([[10.0, 10, 30, 30]]), torch.tensor([1]), torch.tensor([False]))
PROPOSALS = torch.tensor([[10.0, 10, 30, 28], [60, 60, 80, 80], [8, 10, 28, 30], [12, 60, 40, 90]])


def test_proposals_learn_the_class_of_the_object_that_they_overlap():
    """IoU 0.9, 0, 18 × 20 / (2 × 400 - 360) = 0.82, 0; the third is 2 px left of the object: 10 × 2 / 20 = 1."""
    examples = loss().examples(PROPOSALS, OBJECT)
    assert examples.labels.tolist() == [1, 3, 1, 3]
    torch.testing.assert_close(examples.deltas[2], torch.tensor([1.0, 0, 0, 0]))
    torch.testing.assert_close(examples.deltas[1], torch.zeros(4))


def test_a_sample_holds_no_more_objects_than_its_share():
    many = PROPOSALS.repeat(10, 1)  # 20 objects, 20 background
    torch.manual_seed(0)
    labels = loss(batch=12).examples(many, OBJECT).labels
    assert (labels == 1).sum() == 3
    assert (labels == 3).sum() == 9


def test_proposals_in_a_crowd_are_no_background():
    targets = crowd_of([55.0, 55, 100, 100], OBJECT)
    for batch in (None, 64):
        assert sorted(loss(batch=batch).examples(PROPOSALS, targets).labels.tolist()) == [1, 1, 3]


def test_objects_are_appended_only_if_asked():
    assert len(loss().examples(PROPOSALS, OBJECT).boxes) == 4
    examples = loss(append_ground_truth=True).examples(PROPOSALS, OBJECT)
    assert examples.labels.tolist() == [1, 3, 1, 3, 1]
    torch.testing.assert_close(examples.boxes[4], OBJECT.boxes[0])
    targets = crowd_of([55.0, 55, 100, 100], OBJECT)
    assert len(loss(append_ground_truth=True).examples(PROPOSALS[:1], targets).boxes) == 2


def test_losses_are_per_box_learned_from():
    # Silent logits of 4 columns cost ln 4 each. Boxes: only the third, 1 off in one coordinate with the true class's
    # delta of 0, costs 0.5; the deltas of another class do not matter. The mean is over the four boxes.
    examples = Examples(
        PROPOSALS, torch.tensor([3, 3, 1, 3]), torch.tensor([[0.0] * 4] * 2 + [[1.0, 0, 0, 0]] + [[0.0] * 4])
    )
    deltas = torch.full((1, 4, 3, 4), 7.0)
    deltas[:, :, 1] = 0
    classes, boxes = loss()(torch.zeros(1, 4, 4), deltas, [examples])
    assert classes.item() == pytest.approx(math.log(4))
    assert boxes.item() == pytest.approx(0.5 / 4)


def test_padding_is_not_learned_from():
    short = Examples(PROPOSALS[:1], torch.tensor([3]), torch.zeros(1, 4))
    long = Examples(PROPOSALS, torch.tensor([3, 3, 3, 3]), torch.zeros(4, 4))
    boxes = padded([short, long])
    assert boxes.shape == (2, 4, 4)
    assert boxes[0, 1:].abs().sum() == 0
    logits = torch.zeros(2, 4, 4)
    logits[0, 1:, 0] = 50.0  # would cost 50 each
    classes, _ = loss()(logits, torch.zeros(2, 4, 3, 4), [short, long])
    assert classes.item() == pytest.approx(math.log(4))


def test_an_image_without_proposals_is_padded_to_one_box():
    none = Examples(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 4))
    assert padded([none, none]).shape == (2, 1, 4)
    classes, boxes = loss(hard_examples=5)(torch.zeros(1, 1, 4), torch.zeros(1, 1, 3, 4), [none])
    assert (classes.item(), boxes.item()) == (0, 0)


def test_hard_examples_are_those_of_the_largest_sum_of_both_losses():
    # The second costs ln 4 for its class and 5 - 0.5 for its box, 5.9 in all; the fourth, whose wrong class has a
    # logit of 4, ln(3 + e⁴) = 4.1; the first and the third are sure of the background and cost less than 0.2.
    examples = Examples(
        PROPOSALS, torch.tensor([3, 1, 3, 3]), torch.tensor([[0.0] * 4, [5.0, 0, 0, 0], [0.0] * 4, [0.0] * 4])
    )
    logits = torch.zeros(1, 4, 4, requires_grad=True)
    raised = logits + torch.tensor([[[0.0, 0, 0, 9], [0, 0, 0, 0], [0, 0, 0, 3], [4, 0, 0, 0]]])
    classes, boxes = loss(hard_examples=2)(raised, torch.zeros(1, 4, 3, 4), [examples])
    assert boxes.item() == pytest.approx(4.5 / 2)
    assert classes.item() == pytest.approx((math.log(4) + math.log(3 + math.exp(4))) / 2)
    classes.backward()
    assert logits.grad[0].abs().sum(dim=1).gt(0).tolist() == [False, True, False, True]


class Doubling(nn.Module):
    """A tail that doubles."""

    out_channels = 3

    def forward(self, features):
        return 2 * features


def test_crop_then_tail_averages_what_lies_in_each_box():
    # A ramp over 0..100 px is linear, so the mean of a crop is its value in the middle of the box, and the tail
    # doubles it: 2 × 20 / 100 and 2 × 70 / 100, summed over 3 channels.
    head = CropThenTail(Doubling(), classes=3, columns=4, crop=4, maxpool=1)
    head.classes.weight.data = torch.ones(4, 3)
    ramp = torch.linspace(0, 1, 11).expand(2, 3, 11, 11)
    boxes = torch.tensor([[[10.0, 0, 30, 100], [50, 20, 90, 60]]]).repeat(2, 1, 1)
    logits, deltas = head.classify(head.prepare(ramp), boxes, (100, 100))
    assert deltas.shape == (2, 2, 3, 4)
    torch.testing.assert_close(logits, torch.tensor([0.2, 0.7]).mul(6)[None, :, None].expand(2, 2, 4))
    pooled = CropThenTail(Doubling(), classes=3, columns=4, crop=4, maxpool=2)
    pooled.classes.weight.data = torch.ones(4, 3)
    larger, _ = pooled.classify(ramp, boxes, (100, 100))  # of each pair of columns the right one, 1/6 of the width on
    torch.testing.assert_close(larger[0, :, 0], 6 * torch.tensor([0.2 + 0.2 / 6, 0.7 + 0.4 / 6]))


def test_score_then_crop_votes_with_the_bin_of_each_part_of_a_box():
    # The map of bin b and logit c is b + 10 c throughout, so the mean over 2 × 2 bins is 1.5 + 10 c for any box.
    head = ScoreThenCrop(Doubling(), classes=3, columns=4, bins=2, crop=4, depth=5)
    values = torch.zeros(4, 16)
    values[:, :4] = torch.arange(4.0)[:, None] + 10 * torch.arange(4.0)
    values[:, 4:] = 100 + torch.arange(12.0)
    maps = values.flatten()[None, :, None, None].expand(1, 64, 6, 6)
    logits, deltas = head.classify(maps, torch.tensor([[[0.0, 0, 50, 50], [30, 10, 90, 95]]]), (96, 96))
    torch.testing.assert_close(logits[0, 0], torch.tensor([1.5, 11.5, 21.5, 31.5]))
    torch.testing.assert_close(deltas[0, 1], 100 + torch.arange(12.0).view(3, 4))
    assert head.prepare(torch.rand(1, 3, 6, 6)).shape == (1, 64, 6, 6)


def test_proposals_are_padded_to_the_number_asked_for_and_padding_is_never_detected():
    torch.manual_seed(0)
    detector = build("faster_rcnn").eval()
    batch = rectangles(2)
    inference = Inference(proposals=2000, detections=50)
    with torch.inference_mode():
        raw = detector.predict(batch.images, batch.sizes_px, inference)
        assert raw["proposals"].shape == (2, 2000, 4)
        assert not raw["valid"].all()
        assert raw["proposals"][~raw["valid"]].abs().sum() == 0
        raw["logits"][~raw["valid"]] = torch.tensor([9.0, 0, 0])
        _, scores, _, valid = detector.decode(raw, batch.sizes_px, inference)
    assert scores[valid].max() < 0.9


def test_a_number_of_proposals_is_needed():
    batch = rectangles(1)
    with pytest.raises(ValueError, match="needs a number of proposals"):
        build("rfcn").predict(batch.images, batch.sizes_px, Inference(proposals=None))


def test_decoding_is_that_of_a_loop_over_classes():
    torch.manual_seed(0)
    detector = build("faster_rcnn", classes=4)
    corners = torch.rand(1, 30, 2) * 60
    proposals = torch.cat([corners, corners + 10 + 25 * torch.rand(1, 30, 2)], dim=2)
    raw = {
        "proposals": proposals,
        "valid": torch.ones(1, 30, dtype=torch.bool),
        "logits": 2 * torch.randn(1, 30, 5),
        "deltas": torch.randn(1, 30, 4, 4),
    }
    boxes, scores, labels, valid = detector.decode(raw, torch.tensor([[90.0, 80.0]]), Inference(detections=15))
    coder = torchvision.models.detection._utils.BoxCoder((10.0, 10.0, 5.0, 5.0))
    found = []
    for label in range(4):
        decoded = coder.decode_single(raw["deltas"][0, :, label], proposals[0]).clamp(min=0)
        decoded = torch.minimum(decoded, torch.tensor([80.0, 90.0, 80.0, 90.0]))
        score = raw["logits"][0].softmax(dim=1)[:, label]
        kept = torchvision.ops.nms(decoded, score, 0.6)
        found += [(float(score[k]), label, decoded[k]) for k in kept]
    found = sorted(found, key=lambda each: -each[0])[:15]
    assert valid.all()
    assert labels[0].tolist() == [label for _, label, _ in found]
    torch.testing.assert_close(scores[0], torch.tensor([score for score, _, _ in found]))
    torch.testing.assert_close(boxes[0], torch.stack([box for _, _, box in found]), rtol=1e-4, atol=1e-3)


def test_no_gradient_goes_through_the_proposals():
    """The box predictor of the proposal network learns from its own loss alone: without objects it gets none."""
    torch.manual_seed(0)
    detector = build("faster_rcnn")
    batch = rectangles(2)
    parts = detector.losses(Batch(batch.images, batch.sizes_px, batch.targets))
    (parts["box_classification"] + parts["box_localization"]).backward()
    assert detector.rpn.boxes.weight.grad is None
    assert detector.extractor.body.block1[0].weight.grad.abs().sum() > 0


def test_an_empty_image_teaches_only_background():
    examples = loss(batch=64).examples(PROPOSALS, nothing())
    assert examples.labels.tolist() == [3, 3, 3, 3]
