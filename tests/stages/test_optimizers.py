"""RMSProp is TensorFlow's: a few steps by hand."""

from math import sqrt

import pytest
import torch
from torch import nn

from tradeoff.recipes.train import Training
from tradeoff.stages.optimizers import optimizer


def test_steps_of_rmsprop_are_those_of_tensorflow_by_hand():
    """The mean square begins at 1; epsilon, 1, is under the root; the momentum holds each step at its own rate."""
    layer = nn.Linear(1, 1, bias=False)
    nn.init.constant_(layer.weight, 2.0)
    made = optimizer(layer, Training(optimizer="rmsprop", learning_rate=0.1, momentum=0.9))
    expected, mean_square, moment = 2.0, 1.0, 0.0
    for rate, gradient in ((0.1, 3.0), (0.1, -1.0), (0.01, 0.5)):
        for group in made.param_groups:
            group["lr"] = rate
        layer.weight.grad = torch.full((1, 1), gradient)
        made.step()
        mean_square += 0.1 * (gradient**2 - mean_square)
        moment = 0.9 * moment + rate * gradient / sqrt(mean_square + 1)
        expected -= moment
        assert float(layer.weight.detach()) == pytest.approx(expected, rel=1e-6)


def test_the_first_step_of_rmsprop_is_a_number():
    """0.1 × 3 / sqrt(0.9 + 0.1 × 9 + 1); torch's own, 0.1 × 3 / (sqrt(0.9) + 1), is 0.1540."""
    layer = nn.Linear(1, 1, bias=False)
    before = float(layer.weight.detach())
    layer.weight.grad = torch.full((1, 1), 3.0)
    optimizer(layer, Training(optimizer="rmsprop", learning_rate=0.1)).step()
    assert before - float(layer.weight.detach()) == pytest.approx(0.3 / sqrt(2.8), abs=1e-6)
