"""Tests of the location losses."""

import pytest
import torch
from torch.nn import functional as F
from torchvision.ops import box_iou, generalized_box_iou_loss

from tradeoff.ops.coders import BoxCoder
from tradeoff.ops.location import LocationLoss, paired_giou, paired_iou

KINDS = ["smooth_l1", "l1", "l2", "iou", "giou"]


def boxes(count: int) -> torch.Tensor:
    low = torch.rand(count, 2) * 50
    return torch.cat([low, low + 2 + torch.rand(count, 2) * 60], dim=1)


@pytest.mark.parametrize(
    ("kind", "expected"),
    # errors of 0.5, -1, 3 and 0. Smooth L1: 0.125 + 0.5 + 2.5; L1: 4.5; L2: (0.25 + 1 + 9) / 2
    [("smooth_l1", 3.125), ("l1", 4.5), ("l2", 5.125)],
)
def test_losses_of_coded_numbers_by_hand(kind: str, expected: float) -> None:
    predicted, wanted = torch.tensor([[0.5, -1.0, 3.0, 7.0]]), torch.tensor([[0.0, 0.0, 0.0, 7.0]])
    assert LocationLoss(kind=kind)(predicted, wanted, torch.zeros(1, 4)).tolist() == [expected]


def test_delta_is_that_of_huber() -> None:
    predicted, wanted = torch.randn(6, 4) * 3, torch.randn(6, 4)
    expected = F.huber_loss(predicted, wanted, reduction="none", delta=0.3).sum(1)
    torch.testing.assert_close(LocationLoss(delta=0.3)(predicted, wanted, torch.zeros(6, 4)), expected)


def test_iou_and_giou_by_hand() -> None:
    # [0,0,4,4] and [2,0,6,4]: 8 of 24 shared, the frame of 24 is full. And [8,0,12,4]: nothing of 32, frame 48.
    a, b = torch.tensor([[0.0, 0, 4, 4]] * 2), torch.tensor([[2.0, 0, 6, 4], [8, 0, 12, 4]])
    torch.testing.assert_close(paired_iou(a, b), torch.tensor([1 / 3, 0]))
    torch.testing.assert_close(paired_giou(a, b), torch.tensor([1 / 3, -16 / 48]))


def test_overlaps_agree_with_torchvision() -> None:
    torch.manual_seed(0)
    a, b = boxes(200), boxes(200)
    torch.testing.assert_close(paired_iou(a, b), box_iou(a, b).diagonal())
    torch.testing.assert_close(1 - paired_giou(a, b), generalized_box_iou_loss(a, b), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("coding", ["centre_log", "corners", "centre_sqrt"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_wanted_box_costs_nothing_and_others_something(kind: str, coding: str) -> None:
    torch.manual_seed(1)
    coder = BoxCoder(kind=coding, unit_px=100.0)
    loss = LocationLoss(kind=kind, coder=coder)
    anchors, objects = boxes(20), boxes(20)
    wanted = coder.encode(objects, anchors)
    torch.testing.assert_close(loss(wanted, wanted, anchors), torch.zeros(20), rtol=0, atol=1e-5)
    moved = coder.encode(objects + torch.tensor([1.0, 0, 1, 0]), anchors)
    assert (loss(moved, wanted, anchors) > 1e-4).all()


def test_box_losses_compare_boxes_not_numbers() -> None:
    torch.manual_seed(2)
    coder = BoxCoder()
    anchors, objects, found = boxes(30), boxes(30), boxes(30)
    deltas, wanted = coder.encode(found, anchors), coder.encode(objects, anchors)
    expected = generalized_box_iou_loss(found, objects)
    torch.testing.assert_close(LocationLoss(kind="giou")(deltas, wanted, anchors), expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_descent_brings_a_box_to_its_object(kind: str) -> None:
    torch.manual_seed(3)
    anchor, wanted_box = torch.tensor([[10.0, 10, 50, 50]]), torch.tensor([[18.0, 6, 52, 44]])
    coder = BoxCoder()
    deltas = torch.zeros(1, 4, requires_grad=True)
    optimizer = torch.optim.Adam([deltas], lr=0.1)
    for step in range(150):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 150)
        optimizer.zero_grad()
        LocationLoss(kind=kind)(deltas, coder.encode(wanted_box, anchor), anchor).sum().backward()
        optimizer.step()
    assert paired_iou(coder.decode(deltas.detach(), anchor), wanted_box) > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_empty_and_half_precision_boxes_give_finite_losses_and_gradients(kind: str) -> None:
    coder = BoxCoder(kind="corners", scales=(1, 1, 1, 1), unit_px=100.0)
    anchors = torch.tensor([[0.0, 0, 40, 40], [5, 5, 5, 5]])
    deltas = torch.tensor([[0.5, 0.5, 0, 0], [0, 0, 0, 0]], dtype=torch.bfloat16, requires_grad=True)
    loss = LocationLoss(kind=kind, coder=coder)(deltas, torch.zeros(2, 4), anchors)
    loss.sum().backward()
    assert loss.dtype == torch.float32
    assert bool(loss.isfinite().all())
    assert bool(deltas.grad.isfinite().all())


@pytest.mark.parametrize("kind", KINDS)
def test_without_boxes_there_is_no_loss(kind: str) -> None:
    nothing = torch.zeros(0, 4)
    assert LocationLoss(kind=kind)(nothing, nothing, nothing).shape == (0,)
