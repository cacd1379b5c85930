"""Tests of the anchor layouts."""

import pytest
import torch
import torchvision
from torchvision.models.detection.anchor_utils import AnchorGenerator

from tradeoff.ops.anchors import grid_anchors


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
