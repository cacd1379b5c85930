"""Tests of the default boxes of SSD."""

import math

import pytest
import torch
from torchvision.models.detection.anchor_utils import DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList

from tradeoff.ops.default_boxes import DefaultBoxes

THIRDS = (1.0, 2.0, 0.5, 3.0, 1 / 3)
SSD_300 = [(19, 19), (10, 10), (5, 5), (3, 3), (2, 2), (1, 1)]
SSD_600 = [(38, 38), (19, 19), (10, 10), (5, 5), (3, 3), (2, 2)]


@pytest.mark.parametrize(("maps", "size", "count"), [(SSD_300, 300, 1_917), (SSD_600, 600, 7_326)])
def test_the_study_has_these_counts(maps: list[tuple[int, int]], size: int, count: int) -> None:
    layout = DefaultBoxes()
    levels = layout.lay(maps, (size, size), "cpu")
    assert sum(map(len, levels)) == count
    assert [len(level) // (h * w) for level, (h, w) in zip(levels, maps, strict=True)] == layout.per_cell(6)


def test_boxes_of_each_level() -> None:
    # Three levels from 0.2 to 0.8: scales 0.2, 0.5, 0.8. First: 0.1 square; 0.2 at ratios 2 and 1/2.
    # Second: 0.5 at ratios 1 and 4 (width 1.0, height 0.25), then sqrt(0.5 * 0.8); last: sqrt(0.8 * 1.0).
    layout = DefaultBoxes(scale_min=0.2, scale_max=0.8, ratios=(1.0, 4.0))
    levels = layout.lay([(2, 2), (1, 1), (1, 1)], (100, 100), "cpu")
    sides = [(level[:, 2:] - level[:, :2]) / 100 for level in levels]
    root = math.sqrt(2)
    first = torch.tensor([[0.1, 0.1], [0.2 * root, 0.2 / root], [0.2 / root, 0.2 * root]])
    assert torch.allclose(sides[0], first.repeat(4, 1), atol=1e-6)
    assert torch.allclose(sides[1], torch.tensor([[0.5, 0.5], [1.0, 0.25], [math.sqrt(0.4)] * 2]), atol=1e-6)
    assert torch.allclose(sides[2], torch.tensor([[0.8, 0.8], [1.6, 0.4], [math.sqrt(0.8)] * 2]), atol=1e-6)


def test_without_reduction_and_geometric_mean_every_cell_has_one_box_per_ratio() -> None:
    layout = DefaultBoxes(scale_min=0.2, scale_max=0.6, ratios=(1.0, 4.0), reduced=False, geometric_mean=False)
    assert layout.shapes(2) == [[(0.2, 1.0), (0.2, 4.0)], [(0.6, 1.0), (0.6, 4.0)]]
    assert DefaultBoxes(ratios=(1.0, 4.0), reduced=False).per_cell(3) == [3, 3, 3]


def test_scales_and_ratios_may_be_given_outright_per_level() -> None:
    layout = DefaultBoxes(scales=(0.1, 0.4, 0.9), level_ratios=((1.0,), (2.0, 0.5)), reduced=False)
    expected = [[(0.1, 1.0), (0.2, 1.0)], [(0.4, 2.0), (0.4, 0.5), (0.6, 1.0)]]  # √(0.1 × 0.4), √(0.4 × 0.9)
    for own, wanted in zip(layout.shapes(2), expected, strict=True):
        assert [pytest.approx(box) for box in own] == wanted


def test_centres_lie_in_the_middle_of_cells_row_by_row() -> None:
    # 2 rows of 40 px / 2 = 20 px: centres 10, 30. 3 columns of 90 / 3 = 30 px: centres 15, 45, 75.
    (level,) = DefaultBoxes(ratios=THIRDS).lay([(2, 3)], (40, 90), "cpu")
    expected = torch.tensor([[15.0, 10], [45, 10], [75, 10], [15, 30], [45, 30], [75, 30]])
    assert torch.allclose(centres(level).view(6, 3, 2), expected[:, None].expand(6, 3, 2), atol=1e-4)


def test_given_steps_set_the_distance_of_cells_and_zero_spreads_them() -> None:
    # Steps of 16 px: centres 8, 24, 40 of 40 px; evenly, 3 cells of 40 / 3 px: 6.67, 20, 33.3.
    layout = DefaultBoxes(ratios=(1.0,), reduced=False, geometric_mean=False, steps_px=(16.0, 0.0))
    given, spread = layout.lay([(1, 3), (1, 3)], (40, 40), "cpu")
    assert centres(given)[:, 0].tolist() == pytest.approx([8, 24, 40])
    assert centres(spread)[:, 0].tolist() == pytest.approx([20 / 3, 20, 100 / 3])


def test_sides_follow_the_image_sides() -> None:
    # 0.1 of a height of 40 is 4 px, of a width of 90 is 9 px.
    (level,) = DefaultBoxes().lay([(1, 1)], (40, 90), "cpu")
    assert torch.allclose(level[0, 2:] - level[0, :2], torch.tensor([9.0, 4.0]), atol=1e-5)


@pytest.mark.parametrize("clip", [True, False])
@pytest.mark.parametrize("steps", [(), (50.0, 100.0)])
def test_boxes_given_outright_are_those_of_torchvision(clip: bool, steps: tuple[float, ...]) -> None:
    # torchvision has the geometric mean second, ours last, and each ratio beside its inverse.
    theirs = DefaultBoxGenerator([[2], [2, 3]], scales=[0.3, 0.8, 1.05], steps=list(steps) or None, clip=clip)
    maps = [torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 2, 2)]
    expected = theirs(ImageList(torch.zeros(1, 3, 200, 200), [(200, 200)]), maps)[0].split([64, 24])
    layout = DefaultBoxes(
        scales=(0.3, 0.8, 1.05),
        level_ratios=((1.0, 2.0, 0.5), THIRDS),
        reduced=False,
        steps_px=steps,
        clip_sides=clip,
    )
    for ours, wanted in zip(layout.lay([(4, 4), (2, 2)], (200, 200), "cpu"), expected, strict=True):
        count = 4 if len(ours) == 64 else 6
        order = [0, count - 1, *range(1, count - 1)]
        torch.testing.assert_close(ours.view(-1, count, 4)[:, order].reshape(-1, 4), wanted, rtol=1e-5, atol=1e-3)


def centres(boxes: torch.Tensor) -> torch.Tensor:
    return (boxes[:, :2] + boxes[:, 2:]) / 2
