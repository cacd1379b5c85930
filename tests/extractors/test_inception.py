"""The Inceptions: padding, stride 8, tails, and Inception v2 from its parts."""

import pytest
import timm
import torch
from torch.nn import functional as F

from tradeoff import config
from tradeoff.core.errors import CombinationError, WeightsError
from tradeoff.extractors.inception import BRANCHES, Reduction
from tradeoff.extractors.inception_v2 import MIXED, inception_v2_extractor, mixed, network
from tradeoff.recipes.extractors import Inception, InceptionV2

TWO_STAGE = {"level_strides": (16,), "tail": True}
ONE_STAGE = {"level_strides": (16, 32), "tail": False}


def made(name, **options):
    return config.recipe({**config.load("extractor", name), **options}, "extractor.")


@pytest.mark.parametrize(("name", "channels", "cells"), [("Mixed_6a", 288, 35), ("Mixed_7a", 768, 17)])
@torch.no_grad()
def test_a_block_whose_pool_is_a_module_computes_what_timms_block_computes(name, channels, cells):
    torch.manual_seed(0)
    block = getattr(timm.create_model("inception_v3", num_classes=0), name).eval()
    features = torch.randn(1, channels, cells, cells)
    expected = block(features)
    torch.testing.assert_close(Reduction(block, BRANCHES[name]).eval()(features), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_atrous_features_are_the_dense_ones_at_every_second_cell():
    """Dilated convolutions see, at even cells, even cells alone: those of stride 16."""
    features = []
    for stride in (8, 16):
        torch.manual_seed(0)
        extractor = made("inception_resnet_v2").build(level_strides=(stride,), tail=True).eval()
        torch.manual_seed(1)
        (level,) = extractor(torch.rand(1, 3, 75, 97)).values()
        features.append(level)
    fine, coarse = features
    assert (fine.shape[2:], coarse.shape[2:]) == ((10, 13), (5, 7))
    scale = float(coarse.abs().max())
    torch.testing.assert_close(fine[..., ::2, ::2] / scale, coarse / scale, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["inception_v3", "inception_v4"])
def test_stride_8_is_refused_with_the_reason(name):
    with pytest.raises(CombinationError, match=rf"stride=8 .* {name} \(it has: 16\); .* atrous .* ResNets"):
        made(name).check_stride(8)
    with pytest.raises(CombinationError, match=f"inception_resnet_v2, not for {name}"):
        Inception(model=name).build(level_strides=(8,), tail=True)


@pytest.mark.parametrize(
    ("name", "crop", "cells"),
    [("inception_v2", 14, 7), ("inception_v3", 17, 8), ("inception_v4", 17, 8), ("inception_resnet_v2", 17, 8)],
)
def test_the_tail_halves_a_crop_as_in_the_study(name, crop, cells):
    extractor = made(name).build(**TWO_STAGE)
    crops = torch.empty(2, extractor.levels[0].channels, crop, crop, device="meta")
    tail = extractor.tail().to("meta").eval()
    assert tail(crops).shape == (2, tail.out_channels, cells, cells)


def test_ssd_has_the_layers_of_the_study_and_others_on_demand():
    levels = made("inception_resnet_v2").build(**ONE_STAGE).levels
    assert [(level.name, level.channels, level.stride_px) for level in levels] == [
        ("mixed_6a", 1088, 16), ("conv2d_7b", 1536, 32)
    ]  # fmt: skip
    levels = made("inception_resnet_v2", ssd_layers=["repeat_1", "conv2d_7b"]).build(**ONE_STAGE).levels
    assert [level.name for level in levels] == ["repeat_1", "conv2d_7b"]
    levels = made("inception_v3").build(level_strides=(8, 16, 32), tail=False).levels
    assert [level.name for level in levels] == ["Mixed_5d", "Mixed_6e", "Mixed_7c"]
    assert [level.name for level in InceptionV2().build(**ONE_STAGE).levels] == ["Mixed_4c", "Mixed_5c"]


def test_layers_that_are_not_there_or_have_other_strides_are_refused():
    with pytest.raises(CombinationError, match="no module Mixed_9z"):
        Inception(ssd_layers=("Mixed_9z",)).build(**ONE_STAGE)
    with pytest.raises(CombinationError, match="strides 8, 16, expected ssd_strides 16, 32"):
        Inception(ssd_layers=("Mixed_5d", "Mixed_6e")).build(**ONE_STAGE)


def test_inception_v2_has_the_sizes_of_its_source():
    """Slim's inception_v2 at 224 px; figure 5 of arXiv 1502.03167 but for the widths of the separable stem."""
    blocks, _ = network("relu")
    sizes, features = {}, torch.empty(1, 3, 224, 224, device="meta")
    for name, block in blocks.items():
        features = block.to("meta").eval()(features)
        sizes[name] = (features.shape[1], features.shape[2])
    assert sizes == {
        "Conv2d_1a_7x7": (64, 112), "MaxPool_2a_3x3": (64, 56), "Conv2d_2b_1x1": (64, 56), "Conv2d_2c_3x3": (192, 56),
        "MaxPool_3a_3x3": (192, 28), "Mixed_3b": (256, 28), "Mixed_3c": (320, 28), "Mixed_4a": (576, 14),
        "Mixed_4b": (576, 14), "Mixed_4c": (576, 14), "Mixed_4d": (576, 14), "Mixed_4e": (576, 14),
        "Mixed_5a": (1024, 7), "Mixed_5b": (1024, 7), "Mixed_5c": (1024, 7),
    }  # fmt: skip


@pytest.mark.parametrize(("name", "average"), [("Mixed_5b", True), ("Mixed_5c", False)])
@torch.no_grad()
def test_a_block_is_four_branches_side_by_side(name, average):
    """Written out with functions: 1×1; 1×1, 3×3; 1×1, 3×3, 3×3; a pool of 3×3, 1×1; then norm (ε 0.001) and ReLU."""
    torch.manual_seed(0)
    block = mixed(1024, MIXED[name], average, torch.nn.ReLU).eval()
    weights = [p for p in block.parameters() if p.ndim == 4]
    x = torch.randn(2, 1024, 5, 5)

    def step(features, index):
        out = F.conv2d(features, weights[index], padding=weights[index].shape[-1] // 2)
        return F.relu(out / (1 + 0.001) ** 0.5)  # mean 0 and variance 1, as no image has been seen

    counted = F.avg_pool2d(torch.ones_like(x), 3, 1, 1)  # the share of each window that lies inside
    pooled = F.avg_pool2d(x, 3, 1, 1) / counted if average else F.max_pool2d(x, 3, 1, 1)
    expected = [step(x, 0), step(step(x, 1), 2), step(step(step(x, 3), 4), 5), step(pooled, 6)]
    torch.testing.assert_close(block(x), torch.cat(expected, dim=1), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_relu6_ends_at_six():
    images = 1000 * torch.rand(1, 3, 64, 64)
    for activation, capped in (("relu", False), ("relu6", True)):
        torch.manual_seed(0)
        (features,) = InceptionV2(activation=activation).build(**TWO_STAGE).eval()(images).values()
        assert (float(features.max()) <= 6) == capped


def test_the_study_has_relu6_in_ssd_alone():
    from tradeoff.run import enumerate_cells

    found = {}
    for meta_arch in ("ssd", "faster_rcnn", "rfcn"):
        ((cell, _),) = enumerate_cells([f"meta_arch={meta_arch}", "extractor=inception_v2", "size=96"])
        found[meta_arch] = cell.extractor.activation
    assert found == {"ssd": "relu6", "faster_rcnn": "relu", "rfcn": "relu"}


def test_inception_v2_has_no_imagenet_weights_and_says_what_to_do():
    with pytest.raises(CombinationError, match=r"no ImageNet weights for inception_v2; give extractor\.weights=PATH"):
        InceptionV2(pretrained=True).check_origin()
    with pytest.raises(WeightsError, match=r"extractor\.weights=PATH"):
        InceptionV2(pretrained=True).build(**TWO_STAGE)


def test_inception_v2_has_two_strides():
    with pytest.raises(CombinationError, match="levels of stride"):
        inception_v2_extractor(activation="relu", pretrained=False, weights=None, level_strides=(8,), tail=True)
