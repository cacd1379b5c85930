"""Tests of box arithmetic."""

import math

import pytest
import torch
import torchvision
from torch import Tensor

from tradeoff.ops.boxes import clip, decode, encode, iou


def random_boxes(*shape: int) -> Tensor:
    low = torch.rand(*shape, 2) * 100
    return torch.cat([low, low + 1 + torch.rand(*shape, 2) * 60], dim=-1)


def test_iou_of_hand_derived_pairs() -> None:
    # [0,0,4,4] and [2,2,6,6] share 2×2 = 4 of 16 + 16 - 4 = 28; [0,0,4,4] holds [0,0,2,4], 8 of 16; far apart: 0.
    a = torch.tensor([[0.0, 0, 4, 4]])
    b = torch.tensor([[2.0, 2, 6, 6], [0, 0, 2, 4], [50, 50, 60, 60]])
    assert torch.allclose(iou(a, b), torch.tensor([[4 / 28, 0.5, 0.0]]))


def test_iou_agrees_with_torchvision() -> None:
    torch.manual_seed(0)
    a, b = random_boxes(40), random_boxes(60)
    assert torch.allclose(iou(a, b), torchvision.ops.box_iou(a, b), atol=1e-6)


def test_degenerate_boxes_overlap_nothing_not_even_themselves() -> None:
    degenerate = torch.tensor([[5.0, 5, 5, 5], [5, 5, 5, 9], [9, 9, 1, 1], [9, 1, 1, 9]])
    boxes = torch.cat([degenerate, torch.tensor([[0.0, 0, 10, 10]])])
    assert torch.equal(iou(degenerate, boxes), torch.zeros(4, 5))


def test_iou_of_half_precision_boxes_does_not_overflow() -> None:
    # 600 × 600 = 360,000 px² is beyond float16 (65,504).
    box = torch.tensor([[0.0, 0, 600, 600]], dtype=torch.float16)
    assert iou(box, box).item() == 1.0


@pytest.mark.parametrize(("a", "b"), [(0, 3), (3, 0), (0, 0)])
def test_iou_without_boxes_is_empty(a: int, b: int) -> None:
    assert iou(random_boxes(a), random_boxes(b)).shape == (a, b)


def test_clip_uses_the_window_of_each_image() -> None:
    boxes = torch.tensor([-5.0, -6, 90, 95]).repeat(2, 3, 1)
    sizes_px = torch.tensor([[50.0, 80.0], [200.0, 70.0]])  # (height, width)
    clipped = clip(boxes, sizes_px)
    assert clipped[0].tolist() == [[0, 0, 80, 50]] * 3
    assert clipped[1].tolist() == [[0, 0, 70, 95]] * 3


def test_clip_accepts_boxes_per_class() -> None:
    boxes = torch.full((2, 5, 7, 4), 1e6)
    sizes_px = torch.tensor([[50, 80], [200, 70]])
    assert clip(boxes, sizes_px)[1, 4, 6].tolist() == [70, 200, 70, 200]
    assert clip(boxes[:, 0, 0], sizes_px)[0].tolist() == [80, 50, 80, 50]


def test_encode_of_a_hand_derived_box() -> None:
    # Anchor: centre (20, 30), 40 wide, 20 high. Box: centre (24, 28), 80 wide, 10 high.
    # dx = 10 * 4 / 40 = 1, dy = 10 * -2 / 20 = -1, dw = 5 * log 2, dh = -5 * log 2.
    anchor, box = torch.tensor([0.0, 20, 40, 40]), torch.tensor([-16.0, 23, 64, 33])
    expected = torch.tensor([1.0, -1.0, 5 * math.log(2), -5 * math.log(2)])
    assert torch.allclose(encode(box, anchor), expected, atol=1e-6)


def test_decode_inverts_encode_and_broadcasts() -> None:
    torch.manual_seed(1)
    boxes, anchors = random_boxes(3, 20, 5), random_boxes(20, 1)
    deltas = encode(boxes, anchors, scales=(1.0, 2.0, 3.0, 4.0))
    assert deltas.shape == (3, 20, 5, 4)
    assert torch.allclose(decode(deltas, anchors, scales=(1.0, 2.0, 3.0, 4.0)), boxes, atol=1e-3)


def test_decode_clamps_growth_and_stays_finite() -> None:
    # The largest growth is 1000 / 16 = 62.5, so an anchor of 16 px ends at 1000 px around its centre 8.
    box = decode(torch.tensor([0.0, 0, 1e30, -1e30]), torch.tensor([0.0, 0, 16, 16]))
    assert torch.allclose(box, torch.tensor([8 - 500.0, 8, 8 + 500, 8]), atol=1e-2)


def test_encode_of_an_empty_box_is_finite() -> None:
    assert bool(encode(torch.tensor([5.0, 5, 5, 5]), torch.tensor([0.0, 0, 10, 10])).isfinite().all())


def test_coding_is_computed_in_float32() -> None:
    deltas = torch.zeros(2, 4, dtype=torch.bfloat16)
    anchors = torch.tensor([[0.0, 0, 999, 1001], [3, 5, 500.5, 7.25]])
    assert torch.equal(decode(deltas, anchors), anchors)
    assert encode(anchors.half(), anchors).dtype == torch.float32
