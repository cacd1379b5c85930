"""The proposal network: anchors, sampling, losses and proposals against numbers by hand."""

import math

import pytest
import torch
import torchvision

from tests.detectors.scenes import crowd_of, nothing
from tradeoff.core.machine import Machine
from tradeoff.core.types import Level
from tradeoff.detectors.rpn import RPN, RPNLoss, Scored, inside
from tradeoff.ops.matchers import Matcher
from tradeoff.ops.structures import Targets
from tradeoff.run import enumerate_cells
from tradeoff.stages.network import build

LOSS = RPNLoss(matcher=Matcher(positive_iou=0.7, negative_iou=0.3), batch=16)
SIZE = torch.tensor([100.0, 100.0])


def rpn(stride=16, channels=8, size=300):
    sides = [256 * scale * size / 600 for scale in (0.25, 0.5, 1, 2)]
    return RPN(Level("x", channels, stride), depth=8, sides_px=sides, ratios=(0.5, 1, 2), nms_iou=0.7)


@pytest.mark.parametrize(
    ("size", "stride", "anchors"),
    # 12 per cell of ceil(size / stride)²: 19², 38², 38², 75²
    [(300, 16, 4_332), (300, 8, 17_328), (600, 16, 17_328), (600, 8, 67_500)],
)
def test_the_study_has_these_anchors(size, stride, anchors):
    cells = math.ceil(size / stride)
    scored = rpn(stride)(torch.rand(1, 8, cells, cells))
    assert scored.anchors.shape == (anchors, 4)
    assert scored.logits.shape == (1, anchors, 2)
    assert scored.deltas.shape == (1, anchors, 4)


@pytest.mark.parametrize(("stride", "rows", "columns", "anchors"), [(16, 38, 64, 29_184), (8, 75, 128, 115_200)])
def test_the_study_has_these_anchors_at_600_by_1024(stride, rows, columns, anchors):
    assert rpn(stride)(torch.rand(1, 8, rows, columns)).anchors.shape == (anchors, 4)


def test_anchors_may_stand_closer_than_the_cells():
    network = RPN(Level("x", 8, 16), depth=8, sides_px=[32], ratios=(1,), nms_iou=0.7, anchor_stride_px=4)
    anchors = network(torch.rand(1, 8, 1, 3)).anchors
    assert anchors[:, 0].tolist() == [-16, -12, -8]


def test_the_convolution_is_atrous_where_the_extractor_is():
    assert rpn(stride=8).convolution.dilation == (2, 2)
    assert rpn(stride=16).convolution.dilation == (1, 1)


def test_rows_follow_the_anchors():
    # The cell in row 1, column 2 alone sees a 1. With 12 anchors a cell and 4 columns its rows are (1 × 4 + 2) × 12
    # to + 11, and each holds the two channels of its own anchor.
    network = rpn(channels=1)
    network.convolution.weight.data.zero_()[:, :, 1, 1] = 1
    network.objectness.weight.data.zero_()
    network.objectness.weight.data[:, 0, 0, 0] = torch.arange(24.0)
    features = torch.zeros(1, 1, 3, 4)
    features[0, 0, 1, 2] = 1
    logits = network(features).logits[0]
    assert logits.abs().sum(dim=1).nonzero()[:, 0].tolist() == list(range(72, 84))
    torch.testing.assert_close(logits[72:84], torch.arange(24.0).view(12, 2))


def proposing(boxes, logits, sizes=None):
    """Let the network propose from given boxes, as anchors without offsets."""
    anchors = torch.tensor(boxes)
    scored = Scored(torch.tensor([[[0.0, logit] for logit in logits]]), torch.zeros(1, len(boxes), 4), anchors)
    return rpn().propose(scored, torch.tensor([[100.0, 100.0]]) if sizes is None else sizes, 4)


def test_proposals_are_suppressed_clipped_and_padded():
    """The second overlaps the first by 81 / 100 > 0.7; the third is cut to the window; the fourth lies outside."""
    boxes = [[10.0, 10, 20, 20], [10, 10, 20, 18.1], [90, 90, 120, 130], [101, 0, 120, 10]]
    proposals, valid = proposing(boxes, [3.0, 2.0, 1.0, 9.0])
    assert valid[0].tolist() == [True, True, False, False]
    torch.testing.assert_close(
        proposals[0], torch.tensor([[10.0, 10, 20, 20], [90, 90, 100, 100], [0, 0, 0, 0], [0, 0, 0, 0]])
    )


def test_proposals_are_those_of_torchvision():
    torch.manual_seed(0)
    network = rpn()
    scored = network(torch.rand(2, 8, 5, 6))
    sizes = torch.tensor([[80.0, 96.0], [60.0, 70.0]])
    proposals, valid = network.propose(scored, sizes, 20)
    for i, (height, width) in enumerate(sizes.tolist()):
        coder = torchvision.models.detection._utils.BoxCoder((10.0, 10.0, 5.0, 5.0))
        boxes = coder.decode_single(scored.deltas[i], scored.anchors)
        boxes = torchvision.ops.clip_boxes_to_image(boxes, (height, width))
        scores = scored.logits[i].softmax(dim=1)[:, 1]
        proper = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(dim=1).nonzero()[:, 0]
        kept = proper[torchvision.ops.nms(boxes[proper], scores[proper], 0.7)][:20]
        assert valid[i].sum() == len(kept)
        torch.testing.assert_close(proposals[i][valid[i]], boxes[kept], rtol=1e-4, atol=1e-3)


ANCHORS = torch.tensor([[0.0, 0, 20, 20], [40, 40, 60, 60], [-5, 40, 15, 60], [80, 80, 100, 100], [90, 10, 110, 30]])


def objects(*boxes):
    count = len(boxes)
    return Targets(torch.tensor(boxes), torch.zeros(count, dtype=torch.int64), torch.zeros(count, dtype=torch.bool))


def test_anchors_that_leave_the_image_are_ignored():
    assert inside(ANCHORS, SIZE).tolist() == [True, True, False, True, False]
    assert LOSS.assign(ANCHORS, SIZE, nothing()).tolist() == [-1, -1, -2, -1, -2]
    smaller = torch.tensor([90.0, 100.0])  # (height, width): the fourth reaches y = 100
    assert LOSS.assign(ANCHORS, smaller, nothing()).tolist() == [-1, -1, -2, -2, -2]


def test_an_object_claims_its_best_anchor_among_those_inside():
    # Object 0 overlaps anchor 2 best, which leaves the image, and shares 2 × 15 px with anchor 0, which it claims.
    matches = LOSS.assign(ANCHORS, SIZE, objects([0.0, 18, 15, 60], [41, 41, 60, 60]))
    assert matches.tolist() == [0, 1, -2, -1, -2]


def test_anchors_in_a_crowd_are_no_background_but_may_be_objects():
    targets = crowd_of([30.0, 30, 100, 100], objects([40.0, 40, 60, 60]))
    assert LOSS.assign(ANCHORS, SIZE, targets).tolist() == [-1, 0, -2, -2, -2]


def test_both_losses_are_per_sampled_anchor():
    # Three anchors are inside: one is the object, 1 px left of it, two are background. Of silent logits each costs
    # ln 2, so the mean is ln 2; the box costs (10 × 1 / 20)² / 2 = 0.125 over three.
    scored = Scored(torch.zeros(1, 5, 2), torch.zeros(1, 5, 4), ANCHORS)
    objectness, boxes = LOSS(scored, SIZE[None], [objects([41.0, 40, 61, 60])])
    assert objectness.item() == pytest.approx(math.log(2))
    assert boxes.item() == pytest.approx(0.125 / 3)


def test_at_most_half_of_the_sample_are_objects():
    # 300 anchors on the object, 300 on the ground, and an object is held for e times as likely as none
    # everywhere: half of the sample is right, half is wrong.
    at, off = torch.tensor([40.0, 40, 60, 60]), torch.tensor([0.0, 0, 20, 20])
    anchors = torch.cat([at.repeat(300, 1), off.repeat(300, 1)])
    scored = Scored(torch.tensor([0.0, 1.0]).repeat(1, 600, 1), torch.zeros(1, 600, 4), anchors)
    objectness, _ = LOSS(scored, SIZE[None], [objects([40.0, 40, 60, 60])])
    right, wrong = math.log(1 + math.exp(-1)), math.log(1 + math.exp(1))
    assert objectness.item() == pytest.approx((right + wrong) / 2, rel=1e-5)


def test_losses_are_means_over_the_images():
    scored = Scored(torch.zeros(2, 5, 2), torch.zeros(2, 5, 4), ANCHORS)
    _, boxes = LOSS(scored, SIZE.repeat(2, 1), [objects([41.0, 40, 61, 60]), nothing()])
    assert boxes.item() == pytest.approx(0.125 / 6)


def test_without_an_anchor_inside_there_is_no_loss_but_a_gradient():
    logits = torch.zeros(1, 5, 2, requires_grad=True)
    objectness, boxes = LOSS(Scored(logits, torch.zeros(1, 5, 4), ANCHORS), torch.tensor([[5.0, 5.0]]), [nothing()])
    (objectness + boxes).backward()
    assert (objectness.item(), boxes.item(), logits.grad.abs().sum().item()) == (0, 0, 0)


@pytest.mark.parametrize(("word", "sides"), [("true", (32, 64, 128, 256)), ("false", (64, 128, 256, 512))])
@pytest.mark.parametrize("meta_arch", ["faster_rcnn", "rfcn"])
def test_anchors_grow_with_the_size_or_keep_their_pixels(meta_arch, word, sides):
    words = [f"meta_arch={meta_arch}", "extractor=tiny", "size=300", f"meta_arch.anchors_grow={word}"]
    ((cell, _),) = enumerate_cells(words)
    assert build(cell.stages(Machine("cpu", "a CPU", "2.15", "0.30")).train, classes=3).rpn.sides_px == sides
