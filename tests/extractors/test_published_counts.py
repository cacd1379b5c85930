"""Weights and multiply-adds are the published ones: those of the study's table 2 to the last digit."""

import re
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.extractors.counting import VALID, as_published, extractor, macs, modules, norms, parts, weights

README = Path(__file__).parents[2] / "conf/extractor/README.md"
TABLE_2 = {
    "vgg16": 14_714_688,
    "mobilenet": 3_191_072,
    "inception_v2": 10_173_112,
    "resnet101": 42_605_504,
    "inception_v3": 21_802_784,
    "inception_resnet_v2": 54_336_736,
}
#: multiply-adds at a size, of convolutions and classifier, and inputs of the classifier of 1,000 classes
PUBLISHED_GMACS = {
    "inception_v3": (5.713, 299, 2048),  # torchvision
    "inception_v4": (12.254, 299, 1536),  # counted layer by layer from arXiv 1602.07261; timm says 12.28
    "inception_resnet_v2": (13.156, 299, 1536),  # the same; timm says 13.18
    "mobilenet": (0.569, 224, 1024),  # arXiv 1704.04861
    "resnet50": (4.089, 224, 2048),  # torchvision, and the next two
    "resnet101": (7.801, 224, 2048),
    "resnet152": (11.514, 224, 2048),
}
#: MobileNet by width: million multiply-adds at 224 px, and million parameters, here and published by slim's README
WIDTHS = {
    0.75: ((325.4, 2.586), (317, 2.59)),
    0.5: ((149.5, 1.332), (150, 1.34)),
    0.25: ((41.0, 0.470), (41, 0.47)),
}


def counted(name):
    """Count as the study does: what slim had as variables, without the classifier."""
    pieces = parts(extractor(name), name)
    channels = norms(pieces)
    if name == "vgg16":  # 13 convolutions with biases
        return weights(pieces)
    if name == "resnet101":  # scale, offset, mean and variance
        return weights(pieces) + 4 * sum(channels)
    if name == "mobilenet":  # one vector after the first convolution and after each pointwise one
        return weights(pieces) + channels[0] + sum(channels[2::2])
    if name == "inception_v2":  # offset, mean, variance; one vector in the separable stem
        return weights(pieces) + channels[0] + 3 * sum(channels[1:])
    return weights(pieces) + 3 * sum(channels)  # offset, mean, variance


@pytest.mark.parametrize("name", TABLE_2)
def test_the_parameters_are_those_of_table_2_to_the_last_digit(name):
    assert counted(name) == TABLE_2[name]


@pytest.mark.parametrize("name", TABLE_2)
def test_the_documents_say_the_same(name):
    table = README.read_text().split("## Parameters")[1].split("## ")[0]
    assert re.findall(rf"^\| `{name}` \| ([\d,]+) \|", table, re.MULTILINE) == [f"{TABLE_2[name]:,}"]


@pytest.mark.parametrize("name", PUBLISHED_GMACS)
def test_the_documents_have_the_multiply_adds(name):
    published, size, _ = PUBLISHED_GMACS[name]
    table = README.read_text().split("## Multiply-adds")[1].split("## ")[0]
    assert re.findall(rf"^\| `{name}` \| (\d+) \| ([\d.]+) \|", table, re.MULTILINE) == [(str(size), f"{published}")]


@pytest.mark.parametrize(("name", "trainable"), [("inception_v4", 42_679_816), ("inception_resnet_v2", 55_843_464)])
def test_with_scales_and_a_classifier_they_are_those_of_timm(name, trainable):
    pieces = parts(extractor(name), name)
    classifier = 1536 * 1000 + 1000
    assert weights(pieces) + 2 * sum(norms(pieces)) + classifier == trainable


@pytest.mark.parametrize("name", PUBLISHED_GMACS)
def test_the_multiply_adds_are_the_published_ones(name):
    """The padding of detection is taken away first, for the published networks do not have it."""
    published, size, features = PUBLISHED_GMACS[name]
    built = extractor(name, tail_stride=2)  # as published; in detection conv5 of ResNets has 1
    body = as_published(built.body, name) if name in VALID else built.body
    found = macs([body, built.tail()], size) + features * 1000
    assert found / 1e9 == pytest.approx(published, abs=0.0005)


@pytest.mark.parametrize("width", WIDTHS)
def test_narrow_mobilenets_have_the_published_counts(width):
    """Parameters with scales, offsets and a classifier of 1,000 classes; all within 3 % or the last digit told."""
    (here_m, here_params_m), published = WIDTHS[width]
    built = extractor("mobilenet", width=width)
    pieces = [built.body, built.tail()]
    features = round(1024 * width)
    params = weights(pieces) + 2 * sum(norms(pieces)) + features * 1000 + 1000
    found = (macs(pieces, 224) + features * 1000) / 1e6, params / 1e6
    assert found == (pytest.approx(here_m, abs=0.05), pytest.approx(here_params_m, abs=0.0005))
    assert found == pytest.approx(published, rel=0.03)
    text = f"| `mobilenet`, `extractor.width={width}` | 224 | {here_m / 1e3:.4f} | {published[0] / 1e3:.3f} |"
    assert text in README.read_text()
    assert f"{here_params_m:.3f} | {published[1]:.2f} |" in README.read_text()


def test_the_convolutions_of_vgg16_have_the_published_multiply_adds():
    """Torchvision's 15.47 G less the 0.124 G of its three fully connected layers."""
    found = macs([extractor("vgg16").body], 224) / 1e9
    linear = (25088 * 4096 + 4096 * 4096 + 4096 * 1000) / 1e9
    assert found == pytest.approx(15.347, abs=0.0005)
    assert found + linear == pytest.approx(15.47, abs=0.005)
    assert "| `vgg16`, convolutions alone | 224 | 15.347 | 15.346 |" in README.read_text()


@pytest.mark.parametrize("name", ["mobilenet", *VALID, "inception_v2"])
def test_every_level_of_a_padded_body_has_a_cell_for_each_step_over_the_image(name):
    """300 / 16 = 18.75, so 19 cells; without padding the Inceptions would have 17."""
    built = extractor(name).to("meta")
    (level,) = built(torch.empty(1, 3, 300, 300, device="meta")).values()
    assert level.shape[2:] == (19, 19)


@pytest.mark.parametrize("name", ["inception_v2", *VALID])
def test_batch_norm_adds_a_thousandth_to_the_variance(name):
    assert {m.eps for m in modules(parts(extractor(name), name)) if isinstance(m, nn.BatchNorm2d)} == {0.001}


def test_the_epsilon_of_mobilenet_is_an_option():
    for eps in (1e-5, 1e-3):
        pieces = parts(extractor("mobilenet", batch_norm_eps=eps), "mobilenet")
        assert {m.eps for m in modules(pieces) if isinstance(m, nn.BatchNorm2d)} == {eps}
