"""Tests of matching and sampling."""

import numpy as np
import pytest
import torch
from torchvision.models.detection._utils import Matcher

from tradeoff.ops.assign import inside_crowd, match, sample


def match_by_loop(overlaps: np.ndarray, positive_iou: float, negative_iou: float, force: bool) -> list[int]:
    """Match anchor by anchor; then objects claim in order of falling strength, each anchor once."""
    objects, anchors = overlaps.shape
    matches = []
    for anchor in range(anchors):
        best = max(range(objects), key=lambda i: (overlaps[i, anchor], -i))
        peak = overlaps[best, anchor]
        matches.append(best if peak >= positive_iou else -1 if peak < negative_iou else -2)
    taken: set[int] = set()
    for item in sorted(range(objects), key=lambda i: (-overlaps[i].max(), i)) if force else []:
        claimed = int(np.flatnonzero(overlaps[item] == overlaps[item].max())[0])
        if overlaps[item, claimed] > 0 and claimed not in taken:
            taken.add(claimed)
            matches[claimed] = item
    return matches


def test_thresholds_include_the_positive_and_exclude_the_negative() -> None:
    overlaps = torch.tensor([[0.7, 0.69, 0.3, 0.29, 0.0]])
    assert match(overlaps, 0.7, 0.3, force=False).tolist() == [0, -2, -2, -1, -1]


def test_an_anchor_takes_the_object_it_overlaps_most() -> None:
    overlaps = torch.tensor([[0.6, 0.9, 0.8], [0.7, 0.6, 0.8]])
    assert match(overlaps, 0.5, 0.5, force=False).tolist() == [1, 0, 0]


def test_a_forced_object_claims_its_best_anchor_even_from_another() -> None:
    # Object 1 overlaps best with anchor 0 (0.2), which object 0 holds (0.6) but does not claim: its best is anchor 1.
    overlaps = torch.tensor([[0.6, 0.9, 0.0], [0.2, 0.1, 0.0]])
    assert match(overlaps, 0.5, 0.5, force=True).tolist() == [1, 0, -1]
    assert match(overlaps, 0.5, 0.5, force=False).tolist() == [0, 0, -1]


@pytest.mark.parametrize(("first", "second", "winner"), [(0.3, 0.4, 1), (0.4, 0.3, 0), (0.4, 0.4, 0)])
def test_of_two_claims_the_larger_wins_and_of_equal_ones_the_first(first: float, second: float, winner: int) -> None:
    overlaps = torch.tensor([[0.1, first], [0.1, second]])
    assert match(overlaps, 0.5, 0.5, force=True).tolist() == [-1, winner]


def test_an_object_without_overlap_claims_nothing() -> None:
    assert match(torch.tensor([[0.0, 0.0], [0.0, 0.6]]), 0.5, 0.5, force=True).tolist() == [-1, 1]


@pytest.mark.parametrize("force", [True, False])
def test_without_objects_all_is_negative(force: bool) -> None:
    matches = match(torch.zeros(0, 5), 0.7, 0.3, force)
    assert matches.tolist() == [-1] * 5
    assert matches.dtype == torch.int64
    assert match(torch.zeros(3, 0), 0.7, 0.3, force).shape == (0,)


@pytest.mark.parametrize("force", [True, False])
def test_match_agrees_with_a_loop_also_with_many_ties(force: bool) -> None:
    generator = torch.Generator().manual_seed(2)
    for steps in (5, 10, 1000):
        for _ in range(20):
            overlaps = torch.randint(0, steps, (6, 30), generator=generator).double() / steps
            expected = match_by_loop(overlaps.numpy(), 0.7, 0.3, force)
            assert match(overlaps, 0.7, 0.3, force).tolist() == expected


def test_match_without_force_agrees_with_torchvision() -> None:
    overlaps = torch.rand(8, 500, generator=torch.Generator().manual_seed(3))
    assert torch.equal(match(overlaps, 0.9, 0.6, force=False), Matcher(0.9, 0.6)(overlaps))


def test_sample_limits_positives_and_fills_with_negatives() -> None:
    torch.manual_seed(0)
    matches = torch.cat([torch.full((40,), 3), torch.full((200,), -1), torch.full((60,), -2)])
    positives, negatives = sample(matches, 64, 0.25)
    assert (len(positives), len(negatives)) == (16, 48)
    assert len(positives.unique()) == 16
    assert len(negatives.unique()) == 48
    assert bool((matches[positives] == 3).all())
    assert bool((matches[negatives] == -1).all())


def test_sample_takes_what_there_is() -> None:
    positives, negatives = sample(torch.tensor([-1, 0, -2, -1]), 64, 0.5)
    assert positives.tolist() == [1]
    assert sorted(negatives.tolist()) == [0, 3]
    positives, negatives = sample(torch.tensor([-2, -2]), 64, 0.5)
    assert (len(positives), len(negatives)) == (0, 0)


def test_sample_fills_with_negatives_where_positives_are_few() -> None:
    positives, negatives = sample(torch.tensor([4] + [-1] * 20), 10, 0.5)
    assert (len(positives), len(negatives)) == (1, 9)


def test_sample_follows_the_global_seed_and_reaches_every_anchor() -> None:
    matches = torch.cat([torch.zeros(10, dtype=torch.int64), torch.full((10,), -1)])
    torch.manual_seed(7)
    draws = [sample(matches, 4, 0.5) for _ in range(100)]
    torch.manual_seed(7)
    again = sample(matches, 4, 0.5)
    assert torch.equal(draws[0][0], again[0])
    assert torch.equal(draws[0][1], again[1])
    # A given one is missed by 100 draws of 2 out of 10 with probability 0.8^100 < 1e-9.
    assert set(torch.cat([torch.cat(draw) for draw in draws]).tolist()) == set(range(20))


def test_inside_crowd_needs_half_of_the_own_area_in_one_crowd() -> None:
    # Crowd x 0..10. Boxes of 10 px²: half in (5 of 10), 4 of 10 in, far larger than the crowd, empty.
    crowds = torch.tensor([[0.0, 0, 10, 1], [50, 0, 60, 1]])
    boxes = torch.tensor([[5.0, 0, 15, 1], [6, 0, 16, 1], [-50, -50, 100, 100], [5, 0, 5, 1]])
    assert inside_crowd(boxes, crowds).tolist() == [True, False, False, False]
    assert inside_crowd(boxes, torch.zeros(0, 4)).tolist() == [False] * 4
