"""Tests of the anchor layouts."""

import math

import pytest
import torch
import torchvision
from torchvision.models.detection.anchor_utils import AnchorGenerator

from tradeoff.ops.anchors import anchors_per_cell, grid_anchors, ssd_anchors

RATIOS = (1.0, 2.0, 0.5, 3.0, 1 / 3)
SSD_300 = [(19, 19), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)]
SSD_600 = [(38, 38), (19, 19), (10, 10), (5, 5), (3, 3), (2, 2)]


def test_grid_anchors_run_by_cell_then_side_then_ratio() -> None:
    # Ratio 4 (width / height) of side 10: height 10 / 2 = 5, width 10 * 2 = 20. Centres at (x, y) = (16 col, 16 row).
    anchors = grid_anchors(2, 3, 16, sides_px=(10, 20), ratios=(1, 4), device="cpu").view(2, 3, 2, 2, 4)
    assert anchors[0, 0, 0].tolist() == [[-5, -5, 5, 5], [-10, -2.5, 10, 2.5]]
    assert anchors[1, 2, 0, 1].tolist() == [22, 13.5, 42, 18.5]
    assert anchors[1, 2, 1, 0].tolist() == [22, 6, 42, 26]


def test_grid_anchors_agree_with_torchvision_up_to_its_rounding() -> None:
    # torchvision's ratio is height / width and it rounds to whole px; its order is ratio, then side.
    ours = grid_anchors(4, 6, 16.0, sides_px=(64, 128), ratios=(0.5, 1, 2), device="cpu").view(4, 6, 2, 3, 4)
    generator = AnchorGenerator(sizes=((64, 128),), aspect_ratios=((2.0, 1.0, 0.5),))
    images = torchvision.models.detection.image_list.ImageList(torch.zeros(1, 3, 64, 96), [(64, 96)])
    theirs = generator(images, [torch.zeros(1, 1, 4, 6)])[0].view(4, 6, 3, 2, 4).transpose(2, 3)
    assert (ours - theirs).abs().max() <= 0.5


@pytest.mark.parametrize(("height", "width", "count"), [(38, 64, 29_184), (75, 128, 115_200)])
def test_grid_anchor_counts_of_two_stage_detectors(height: int, width: int, count: int) -> None:
    anchors = grid_anchors(height, width, 16, (64, 128, 256, 512), (0.5, 1, 2), "cpu")
    assert anchors.shape == (count, 4)


def test_grid_stride_may_be_a_tensor() -> None:
    number = grid_anchors(3, 4, 8.0, (32,), (1.0,), "cpu")
    assert torch.equal(grid_anchors(3, 4, torch.tensor(8.0), (32,), (1.0,), "cpu"), number)


@pytest.mark.parametrize(("shapes", "size", "count"), [(SSD_300, 300, 1_917), (SSD_600, 600, 7_326)])
def test_ssd_anchor_counts(shapes: list[tuple[int, int]], size: int, count: int) -> None:
    levels = ssd_anchors(shapes, (size, size), 0.2, 0.95, RATIOS, "cpu")
    assert sum(map(len, levels)) == count
    per_cell = anchors_per_cell(len(shapes), RATIOS)
    assert [len(level) // (h * w) for level, (h, w) in zip(levels, shapes, strict=True)] == per_cell


def test_ssd_boxes_of_each_level() -> None:
    # Three levels from 0.2 to 0.8: scales 0.2, 0.5, 0.8. First: 0.1 square; 0.2 at ratios 2 and 1/2.
    # Second: 0.5 at ratios 1 and 4 (width 1.0, height 0.25), then sqrt(0.5 * 0.8); last: sqrt(0.8 * 1.0).
    levels = ssd_anchors([(2, 2), (1, 1), (1, 1)], (100, 100), 0.2, 0.8, (1.0, 4.0), "cpu")
    sides = [(level[:, 2:] - level[:, :2]) / 100 for level in levels]
    root = math.sqrt(2)
    first = torch.tensor([[0.1, 0.1], [0.2 * root, 0.2 / root], [0.2 / root, 0.2 * root]])
    assert torch.allclose(sides[0], first.repeat(4, 1), atol=1e-6)
    assert torch.allclose(sides[1], torch.tensor([[0.5, 0.5], [1.0, 0.25], [math.sqrt(0.4)] * 2]), atol=1e-6)
    assert torch.allclose(sides[2], torch.tensor([[0.8, 0.8], [1.6, 0.4], [math.sqrt(0.8)] * 2]), atol=1e-6)


def test_ssd_centres_lie_in_the_middle_of_cells_row_by_row() -> None:
    # 2 rows of 40 px / 2 = 20 px: centres 10, 30. 3 columns of 90 / 3 = 30 px: centres 15, 45, 75.
    (level,) = ssd_anchors([(2, 3)], (40, 90), 0.2, 0.9, RATIOS, "cpu")
    centres = ((level[:, :2] + level[:, 2:]) / 2).view(6, 3, 2)
    expected = torch.tensor([[15.0, 10], [45, 10], [75, 10], [15, 30], [45, 30], [75, 30]])
    assert torch.allclose(centres, expected[:, None].expand(6, 3, 2), atol=1e-4)


def test_ssd_sides_follow_the_image_sides() -> None:
    # 0.1 of a height of 40 is 4 px, of a width of 90 is 9 px.
    (level,) = ssd_anchors([(1, 1)], (40, 90), 0.2, 0.9, RATIOS, "cpu")
    assert torch.allclose(level[0, 2:] - level[0, :2], torch.tensor([9.0, 4.0]), atol=1e-5)
