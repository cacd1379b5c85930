"""Tests of the matchers: by hand and against loops."""

import numpy as np
import pytest
import torch
from torchvision.models.detection._utils import SSDMatcher

from tradeoff.ops.anchors import grid_anchors
from tradeoff.ops.boxes import iou
from tradeoff.ops.default_boxes import DefaultBoxes
from tradeoff.ops.matchers import Matcher, bipartite


def matcher(kind: str) -> Matcher:
    return Matcher(kind=kind, positive_iou=0.5, negative_iou=0.5)


def bipartite_by_sorting(overlaps: np.ndarray) -> list[int]:
    """Walk down all pairs, the largest overlap first, and keep those of which neither part is taken."""
    objects, anchors = overlaps.shape
    pairs = sorted((-overlaps[i, a], i, a) for i in range(objects) for a in range(anchors) if overlaps[i, a] > 0)
    matches, taken = [-1] * anchors, set()
    for _, item, anchor in pairs:
        if matches[anchor] == -1 and item not in taken:
            matches[anchor] = item
            taken.add(item)
    return matches


def test_the_largest_overlap_is_paired_first() -> None:
    # 0.9 pairs object 1 and anchor 0; object 0, whose best is anchor 0 too, is left with anchor 2.
    overlaps = torch.tensor([[0.8, 0.1, 0.3], [0.9, 0.7, 0.6]])
    assert bipartite(overlaps).tolist() == [1, -1, 0]


def test_an_object_without_overlap_is_paired_with_nothing() -> None:
    assert bipartite(torch.tensor([[0.0, 0.0], [0.0, 0.2]])).tolist() == [-1, 1]
    assert bipartite(torch.zeros(0, 3)).tolist() == [-1] * 3
    assert bipartite(torch.zeros(2, 0)).shape == (0,)


def test_pairs_agree_with_a_loop_also_with_ties_and_more_objects_than_anchors() -> None:
    generator = torch.Generator().manual_seed(4)
    for shape in ((6, 30), (12, 5)):
        for steps in (4, 1000):
            for _ in range(20):
                overlaps = torch.randint(0, steps, shape, generator=generator).double() / steps
                assert bipartite(overlaps).tolist() == bipartite_by_sorting(overlaps.numpy())


def test_argmax_is_the_matcher_of_torchvisions_ssd() -> None:
    torch.manual_seed(5)
    anchors = random_boxes(300)
    for _ in range(10):
        objects = random_boxes(4)
        ours = matcher("argmax")(objects, anchors, [300])
        assert torch.equal(ours, SSDMatcher(0.5)(iou(objects, anchors)))


def test_bipartite_gives_each_object_one_anchor() -> None:
    torch.manual_seed(6)
    matches = matcher("bipartite")(random_boxes(5), random_boxes(200), [200])
    assert sorted(matches[matches >= 0].tolist()) == [0, 1, 2, 3, 4]
    assert (matches == -1).sum() == 195


# Two levels of 4×4 and 2×2 cells on 80 px: cells of 20 and of 40 px, each with a square box of 16 and of 40 px.
LEVELS = DefaultBoxes(scales=(0.2, 0.5, 1.0), ratios=(1.0,), reduced=False, geometric_mean=False).lay(
    [(4, 4), (2, 2)], (80, 80), "cpu"
)
ANCHORS, COUNTS = torch.cat(LEVELS), [16, 4]


@pytest.mark.parametrize(
    ("box", "anchor"),
    [
        # centre (30, 50): row 2, column 1 of the finer level, whose box of 16 px is like it
        ([23.0, 43, 37, 57], 2 * 4 + 1),
        # the same centre, but 38 px: row 1, column 0 of the coarser level, whose box of 40 px is like it
        ([11.0, 31, 49, 69], 16 + 2),
        # centre (21, 21), 2 px in a corner of its cell, which no box touches: the first of the cell's anchors
        ([20.5, 20.5, 21.5, 21.5], 16),
    ],
)
def test_the_cell_that_holds_the_centre_is_responsible(box: list[float], anchor: int) -> None:
    matches = matcher("box_centre")(torch.tensor([box]), ANCHORS, COUNTS)
    assert matches.tolist() == [0 if each == anchor else -1 for each in range(20)]


def test_of_anchors_that_overlap_alike_that_of_the_right_cell_is_taken() -> None:
    # The box holds 9 anchors of 16 px wholly, all with the same overlap; its centre (35, 35) is in row 1, column 1.
    box = torch.tensor([[0.0, 0, 70, 70]])
    assert (matcher("box_centre")(box, LEVELS[0], [16]) >= 0).nonzero().item() == 1 * 4 + 1


def test_objects_that_share_a_cell_take_different_anchors_of_it() -> None:
    anchors = grid_anchors(2, 2, 16, sides_px=(8, 12), ratios=(1,), device="cpu")
    objects = torch.tensor([[12.0, 12, 20, 20], [12, 12, 20, 20], [12, 12, 20, 20]])  # centre (16, 16): cell (1, 1)
    matches = matcher("box_centre")(objects, anchors, [8])
    assert matches.tolist() == [-1] * 6 + [0, 1]  # the third finds no predictor left


def test_box_centre_agrees_with_a_loop_over_cells() -> None:
    torch.manual_seed(7)
    layout = DefaultBoxes(reduced=False)
    anchors = torch.cat(layout.lay([(5, 5), (3, 3)], (100, 100), "cpu"))
    for box in random_boxes(40) / 2:
        ours = matcher("box_centre")(box[None], anchors, [150, 54])
        x, y = ((box[:2] + box[2:]) / 2).tolist()
        fine = int(y // 20) * 5 + int(x // 20)
        coarse = int(y // (100 / 3)) * 3 + int(x // (100 / 3))
        allowed = [*range(fine * 6, fine * 6 + 6), *range(150 + coarse * 6, 150 + coarse * 6 + 6)]
        overlaps = iou(box[None], anchors)[0]
        assert (ours >= 0).nonzero().item() == max(allowed, key=lambda a: (overlaps[a].item(), -a))


@pytest.mark.parametrize("kind", ["argmax", "bipartite", "box_centre"])
def test_what_is_not_allowed_is_never_matched(kind: str) -> None:
    allowed = torch.ones(20, dtype=torch.bool)
    allowed[2 * 4 + 1] = False
    matches = matcher(kind)(torch.tensor([[23.0, 43, 37, 57]]), ANCHORS, COUNTS, allowed)
    assert matches[2 * 4 + 1] < 0
    assert (matches >= 0).sum() == 1
    assert not (matcher(kind)(torch.tensor([[23.0, 43, 37, 57]]), ANCHORS, COUNTS, allowed & False) >= 0).any()


@pytest.mark.parametrize("kind", ["argmax", "bipartite", "box_centre"])
def test_without_objects_all_is_background(kind: str) -> None:
    assert matcher(kind)(torch.zeros(0, 4), ANCHORS, COUNTS).tolist() == [-1] * 20


def random_boxes(count: int) -> torch.Tensor:
    low = torch.rand(count, 2) * 100
    return torch.cat([low, low + 5 + torch.rand(count, 2) * 60], dim=-1)
