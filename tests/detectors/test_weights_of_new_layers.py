"""Initial weights of what detectors add to their extractors, and the shape of SSD's extra layers."""

import math

import pytest
import torch
from torch import nn

from tests.detectors.scenes import build
from tradeoff.detectors.extra_layers import ExtraLayers

CUT = 0.8796  # of a standard normal distribution cut at two deviations, the deviation: √(1 - 4 φ(2) / (2 Φ(2) - 1))


def parameters(module, name):
    return torch.cat([each.flatten() for key, each in module.named_parameters() if key.endswith(name)])


@pytest.mark.parametrize(
    ("meta_arch", "part", "deviation"),
    # Huang et al. 2017, section 3.5, for SSD; facts of the released configurations for the others
    [("ssd", "logits", 0.03), ("ssd", "deltas", 0.03), ("faster_rcnn", "rpn", 0.01), ("rfcn", "head.maps", 0.01)],
)
def test_new_layers_start_truncated_normal_with_silent_biases(meta_arch, part, deviation):
    torch.manual_seed(0)
    module = build(meta_arch).get_submodule(part)
    weights = parameters(module, "weight")
    assert weights.abs().max() <= 2 * deviation
    assert weights.std().item() == pytest.approx(CUT * deviation, rel=0.1)
    assert parameters(module, "bias").abs().max() == 0


def test_the_box_heads_start_as_xavier_has_it():
    torch.manual_seed(0)
    head = build("faster_rcnn", classes=20).head
    for layer in (head.classes, head.boxes):
        bound = math.sqrt(6 / (layer.in_features + layer.out_features))
        assert 0.95 * bound < layer.weight.abs().max() <= bound
        assert layer.bias.abs().max() == 0


def test_deviations_and_the_class_bias_are_options():
    torch.manual_seed(0)
    detector = build("ssd", init_deviation=0.1, class_bias=-4.6)
    assert parameters(detector.deltas, "weight").std().item() == pytest.approx(CUT * 0.1, rel=0.1)
    assert parameters(detector.logits, "bias").tolist() == [pytest.approx(-4.6)] * len(
        parameters(detector.logits, "bias")
    )
    assert parameters(detector.deltas, "bias").abs().max() == 0
    two = build("faster_rcnn", rpn_init_deviation=0.1, box_init_deviation=0.02)
    assert parameters(two.rpn, "weight").std().item() == pytest.approx(CUT * 0.1, rel=0.1)
    assert two.head.boxes.weight.abs().max() <= 0.04


def kinds(module):
    return [type(each) for each in module.modules() if not list(each.children())]


def test_extra_layers_are_two_convolutions_with_batch_norm_and_relu6():
    (layer,) = ExtraLayers(depths=(8,)).build(6)
    assert kinds(layer) == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU6] * 2
    assert layer(torch.rand(2, 6, 9, 9)).shape == (2, 8, 5, 5)
    assert all(each.bias is None for each in layer.modules() if isinstance(each, nn.Conv2d))


def test_extra_layers_have_the_kernels_strides_and_paddings_that_are_given():
    layers = ExtraLayers(
        depths=(8, 12), kernels=(3, 4), strides=(1, 2), paddings=(0, 1), batch_norm=False, relu6=False
    ).build(6)
    assert kinds(layers) == [nn.Conv2d, nn.ReLU] * 4
    first = layers[0](torch.rand(1, 6, 9, 9))
    assert first.shape == (1, 8, 7, 7)  # 9 - 3 + 1
    assert layers[1](first).shape == (1, 12, 3, 3)  # (7 + 2 - 4) // 2 + 1
