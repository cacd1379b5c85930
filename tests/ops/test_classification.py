"""Tests of the classification losses."""

import math

import pytest
import torch
from torch.nn import functional as F
from torchvision.ops import sigmoid_focal_loss

from tradeoff.ops.classification import ClassificationLoss, focal


@pytest.mark.parametrize(
    ("kind", "expected"),
    # Silent logits of 3 classes: softmax of 4 columns ln 4; 3 questions of ln 2. Focal: for class 1 a quarter of
    # (1/2)² ln 2 and twice three quarters of it, for the background three times three quarters.
    [
        ("softmax", [math.log(4), math.log(4)]),
        ("sigmoid", [3 * math.log(2)] * 2),
        ("focal", [(0.25 + 2 * 0.75) * math.log(2) / 4, 3 * 0.75 * math.log(2) / 4]),
    ],
)
def test_silent_logits_by_hand(kind: str, expected: list[float]) -> None:
    loss = ClassificationLoss(kind=kind)
    logits = torch.zeros(2, loss.columns(3))
    assert loss(logits, torch.tensor([1, 3])).tolist() == pytest.approx(expected)


@pytest.mark.parametrize("alpha", [0.25, 0.75])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_agrees_with_torchvision(alpha: float, gamma: float) -> None:
    torch.manual_seed(0)
    logits = (torch.randn(40, 7) * 4).requires_grad_()
    truth = torch.rand(40, 7) < 0.3
    ours = focal(logits, truth, alpha, gamma)
    (gradient,) = torch.autograd.grad(ours.sum(), logits)
    theirs = sigmoid_focal_loss(logits, truth.float(), alpha, gamma)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(gradient, torch.autograd.grad(theirs.sum(), logits)[0], rtol=1e-3, atol=1e-5)


def test_focal_of_certain_answers_is_finite_with_its_gradient() -> None:
    logits = torch.tensor([-300.0, 300.0, -300.0, 300.0], requires_grad=True)
    loss = focal(logits, torch.tensor([True, True, False, False]), 0.5, 0.5)
    loss.sum().backward()
    assert loss.tolist() == pytest.approx([150, 0, 0, 150])
    assert bool(logits.grad.isfinite().all())


def test_softmax_and_sigmoid_agree_with_torch_and_keep_leading_shapes() -> None:
    torch.manual_seed(1)
    labels = torch.randint(0, 5, (2, 9))  # 4 is the background of 4 classes
    logits = torch.randn(2, 9, 5)
    expected = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    torch.testing.assert_close(ClassificationLoss(kind="softmax")(logits, labels), expected)
    truth = F.one_hot(labels, 5)[..., :4].float()
    expected = F.binary_cross_entropy_with_logits(logits[..., :4], truth, reduction="none").sum(-1)
    torch.testing.assert_close(ClassificationLoss(kind="sigmoid")(logits[..., :4], labels), expected)


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "focal"])
def test_scores_leave_the_background_out(kind: str) -> None:
    # Of logits 1, 2 (and 3 for the background): softmax e¹ / (e¹ + e² + e³), sigmoid 1 / (1 + e⁻¹).
    loss = ClassificationLoss(kind=kind)
    scores = loss.scores(torch.tensor([[1.0, 2.0, 3.0]])[:, : loss.columns(2)])
    total = sum(math.exp(i) for i in (1, 2, 3))
    softmax, sigmoid = [math.exp(1) / total, math.exp(2) / total], [1 / (1 + math.exp(-1)), 1 / (1 + math.exp(-2))]
    assert scores.tolist() == [pytest.approx(softmax if kind == "softmax" else sigmoid)]


@pytest.mark.parametrize("kind", ["softmax", "sigmoid", "focal"])
def test_half_precision_logits_are_computed_in_float32(kind: str) -> None:
    loss = ClassificationLoss(kind=kind)
    logits = torch.full((2, loss.columns(3)), 30.0, dtype=torch.bfloat16)
    assert loss(logits, torch.tensor([0, 3])).dtype == torch.float32
    assert loss.scores(logits).dtype == torch.float32
