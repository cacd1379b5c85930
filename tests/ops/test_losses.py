"""Tests of the losses."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from tradeoff.ops.losses import hard_negatives, smooth_l1


def negatives_by_loop(
    loss: np.ndarray, positive: np.ndarray, candidates: np.ndarray, ratio: float, minimum: int
) -> np.ndarray:
    picked = np.zeros_like(positive)
    for image in range(len(loss)):
        quota = max(int(positive[image].sum() * ratio), minimum)
        allowed = [a for a in range(loss.shape[1]) if candidates[image, a] and not positive[image, a]]
        picked[image, sorted(allowed, key=lambda a: (-loss[image, a], a))[:quota]] = True
    return picked


def test_smooth_l1_of_hand_derived_errors() -> None:
    # delta 1: 0.5² / 2 = 0.125; 1² / 2 = 0.5; 3 - 0.5 = 2.5; 0. Together 3.125.
    predicted, target = torch.tensor([[0.5, -1.0, 3.0, 7.0]]), torch.tensor([[0.0, 0.0, 0.0, 7.0]])
    assert smooth_l1(predicted, target).tolist() == [3.125]
    # delta 2: 0.125; 0.5; 2 * (3 - 1) = 4; 0.
    assert smooth_l1(predicted, target, delta=2.0).tolist() == [4.625]


def test_smooth_l1_agrees_with_torch_and_keeps_leading_shapes() -> None:
    generator = torch.Generator().manual_seed(0)
    predicted, target = torch.randn(2, 3, 5, 4, generator=generator), torch.randn(2, 3, 5, 4, generator=generator)
    expected = F.smooth_l1_loss(predicted, target, reduction="none").sum(-1)
    assert torch.allclose(smooth_l1(predicted, target), expected)


def test_smooth_l1_of_half_precision_is_float32() -> None:
    # 4 * (20,000 - 0.5) = 79,998 is beyond float16 (65,504).
    loss = smooth_l1(torch.full((4,), 20_000.0, dtype=torch.float16), torch.zeros(4))
    assert loss.dtype == torch.float32
    assert loss.item() == 79_998.0


def test_the_hardest_allowed_negatives_are_picked() -> None:
    # Image 0: one positive, so 3 negatives; anchor 1 (loss 9) is positive, anchor 2 (loss 8) no candidate.
    # Image 1: no positive, so none.
    loss = torch.tensor([[1.0, 9, 8, 4, 5, 2], [1, 2, 3, 4, 5, 6]])
    positive = torch.tensor([[False, True, False, False, False, False], [False] * 6])
    candidates = torch.tensor([[True, True, False, True, True, True], [True] * 6])
    picked = hard_negatives(loss, positive, candidates, 3.0)
    assert picked.tolist() == [[False, False, False, True, True, True], [False] * 6]


def test_a_minimum_holds_without_positives() -> None:
    loss, nothing = torch.tensor([[3.0, 1, 2]]), torch.zeros(1, 3, dtype=torch.bool)
    assert hard_negatives(loss, nothing, ~nothing, 3.0, minimum=2).tolist() == [[True, False, True]]
    assert hard_negatives(loss, nothing, ~nothing, 3.0, minimum=9).tolist() == [[True, True, True]]


@pytest.mark.parametrize("ratio", [0.0, 0.5, 3.0, 100.0])
@pytest.mark.parametrize("minimum", [0, 5])
def test_hard_negatives_agree_with_a_loop_also_with_ties(ratio: float, minimum: int) -> None:
    generator = torch.Generator().manual_seed(1)
    loss = torch.randint(0, 6, (5, 80), generator=generator).float()
    positive = torch.rand(5, 80, generator=generator) < torch.tensor([0, 0.02, 0.1, 0.5, 1])[:, None]
    candidates = torch.rand(5, 80, generator=generator) < 0.7
    expected = negatives_by_loop(loss.numpy(), positive.numpy(), candidates.numpy(), ratio, minimum)
    picked = hard_negatives(loss, positive, candidates, ratio, minimum=minimum)
    assert np.array_equal(picked.numpy(), expected)
