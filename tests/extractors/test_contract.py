"""Every yaml of conf/extractor makes an extractor, and so does any sequential backbone of timm."""

import pytest
import torch

from tests.contracts import assert_is_extractor
from tradeoff import config
from tradeoff.core.errors import CombinationError, ConfigError
from tradeoff.recipes.extractors import MobileNet, Timm, Tiny

FOUND = ["convnext_atto", "efficientnet_lite0", "mobilenetv3_small_100", "resnet18", "regnetx_002"]


DEEP = {"resnet101": 42_500_160, "resnet152": 58_143_808}  # torchvision's 44,549,160 and 60,192,808, less 2,049,000
LARGE = [*DEEP, "vgg16", "inception_v4", "inception_resnet_v2"]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.slow] if n in LARGE else []) for n in config.choices("extractor")]
)
def test_is_an_extractor(name):
    torch.manual_seed(0)
    assert_is_extractor(config.recipe(config.load("extractor", name), "extractor."))


@pytest.mark.parametrize(("name", "parameters"), DEEP.items())
def test_a_deep_one_has_the_parameters_of_torchvision_without_classifier(name, parameters):
    recipe = config.recipe(config.load("extractor", name), "extractor.")
    extractor = recipe.build(level_strides=(16,), tail=True)
    assert [(level.name, level.channels, level.stride_px) for level in extractor.levels] == [("layer3", 1024, 16)]
    assert sum(p.numel() for part in (extractor, extractor.tail()) for p in part.parameters()) == parameters


@pytest.mark.parametrize("model", FOUND)
def test_a_backbone_of_timm_needs_no_code(model):
    torch.manual_seed(0)
    assert_is_extractor(Timm(model=model, tail_stride=2), shapes=((64, 96), (97, 65)))


@pytest.mark.parametrize("model", ["resnet18", "convnext_atto", "efficientnet_lite0"])
def test_a_tail_of_stride_one_and_atrous_stages_need_no_code(model):
    torch.manual_seed(0)
    assert_is_extractor(Timm(model=model, tail_stride=1, strides=(8, 16)), shapes=((64, 96),))


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("inception_v3", "not padded"),
        ("vit_tiny_patch16_224", "strides 16, 16"),
        ("vgg11", "last stage has no weights.*extractor=vgg16"),
    ],
)
def test_a_backbone_that_cannot_be_cut_is_refused_with_the_reason(model, reason):
    with pytest.raises(CombinationError, match=reason) as refused:
        Timm(model=model, tail_stride=2).build(level_strides=(16,), tail=True)
    assert model in str(refused.value)


def test_levels_in_several_sequences_are_found():
    """A finer level may lie in another Sequential than the last one."""
    torch.manual_seed(0)
    assert_is_extractor(Timm(model="repvgg_a0"), shapes=((64, 96),))
    nested = Timm(model="resnet50d", ssd_strides=(16, 32), ssd_layers=("layer3.4", "layer4"))
    assert_is_extractor(nested, shapes=((64, 96),))


def test_a_stride_that_a_backbone_cannot_have_is_refused():
    with pytest.raises(CombinationError, match="output_stride=8"):
        Timm(model="vgg11", strides=(8,)).build(level_strides=(8,), tail=True)
    with pytest.raises(CombinationError, match="no level of stride 64; the backbone has 2, 4, 8, 16, 32"):
        Timm(model="resnet18").build(level_strides=(64,), tail=False)
    with pytest.raises(CombinationError, match="levels of stride"):
        Tiny().build(level_strides=(64,), tail=False)


def test_a_wrong_name_is_answered_with_near_ones():
    with pytest.raises(ConfigError, match=r"resnet5O.*near:.*resnet50"):
        Timm(model="resnet5O").build(level_strides=(16,), tail=True)


def test_the_tail_is_handed_over_once():
    extractor = Tiny().build(level_strides=(16,), tail=True)
    extractor.tail()
    with pytest.raises(RuntimeError, match="handed over"):
        extractor.tail()


def test_widths_other_than_one_exist_for_one_model_and_without_imagenet():
    with pytest.raises(ConfigError, match=r"width=0\.5: only with model=mobilenetv1_100"):
        MobileNet(width=0.5, model="mobilenetv1_125")
    with pytest.raises(ConfigError, match="ImageNet weights exist for width=1 only"):
        MobileNet(width=0.5, pretrained=True)
