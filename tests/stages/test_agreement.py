"""What two sets of detections share, from boxes made by hand."""

import math

import pytest
import torch

from tradeoff.ops.structures import Detections
from tradeoff.stages.costs.agreement import agreement

BOXES = [[0.0, 0.0, 10.0, 10.0], [20.0, 20.0, 60.0, 60.0], [5.0, 5.0, 5.0, 5.0]]  # the last has no area
NOTHING = Detections(torch.zeros(0, 4), torch.zeros(0), torch.zeros(0, dtype=torch.long))


def found(boxes=BOXES, scores=(0.8, 0.5, 0.2), labels=(0, 1, 1)):
    return Detections(torch.tensor(boxes), torch.tensor(scores), torch.tensor(labels))


def test_the_same_agrees_wholly():
    assert agreement([(found(), found())] * 3) == pytest.approx(1.0)


def test_rounding_is_no_difference():
    moved = [[x + 1e-3 for x in box] for box in BOXES]
    assert agreement([(found(), found(moved, (0.8001, 0.4999, 0.2)))]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("other", "shared"),
    [
        (found(labels=(0, 0, 1)), 2 * (0.8 + 0.2)),  # another class
        (found(scores=(0.8, 0.45, 0.2)), 2 * (0.8 + 0.2)),  # another score
        (found([BOXES[0], [20.0, 20.0, 60.0, 50.0], BOXES[2]]), 2 * (0.8 + 0.2)),  # IoU 0.75
    ],
)
def test_another_class_score_or_place_is_a_difference(other, shared):
    whole = float(found().scores.sum() + other.scores.sum())
    assert agreement([(found(), other)]) == pytest.approx(shared / whole)


def test_a_box_has_one_partner_at_most():
    # one box that is found once here and twice there: 2 × 0.8 of 3 × 0.8
    once = found(BOXES[:1], (0.8,), (0,))
    twice = found([BOXES[0], BOXES[0]], (0.8, 0.8), (0, 0))
    assert agreement([(once, twice)]) == agreement([(twice, once)]) == pytest.approx(2 / 3)


def test_what_only_one_side_found_counts_by_its_score():
    assert agreement([(found(), NOTHING)]) == 0.0
    assert agreement([(found(), found()), (NOTHING, found())]) == pytest.approx(2 / 3)  # 3.0 of 4.5


def test_nothing_on_either_side_agrees():
    assert agreement([(NOTHING, NOTHING)]) == 1.0


def test_scores_that_are_not_finite_agree_with_nothing():
    assert agreement([(found(scores=(math.nan, 0.5, 0.2)), found())]) == 0.0
