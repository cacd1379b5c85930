"""Backbones that are no chain of convolutions: what their extractor computes is what timm's network computes."""

import pytest
import timm
import torch

from tests.contracts import assert_is_extractor
from tradeoff.core.errors import CombinationError
from tradeoff.extractors.layout import find_layout, laid, unlaid
from tradeoff.recipes.extractors import Timm

SWIN = "swin_tiny_patch4_window7_224"
VIT = "vit_tiny_patch16_224"


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "NLC"])
def test_a_layout_goes_there_and_back_and_is_recognised(layout):
    features = torch.rand(2, 3, 4, 5)
    there = laid(features, layout)
    assert find_layout(features, there) == layout
    torch.testing.assert_close(unlaid(there, layout, (4, 5)), features, rtol=0, atol=0)


def test_tokens_may_follow_one_of_the_class_and_other_features_are_no_layout():
    features = torch.rand(2, 3, 4, 5)
    tokens = torch.cat([torch.zeros(2, 1, 3), laid(features, "NLC")], dim=1)
    assert find_layout(features, tokens) == "NLC"
    assert find_layout(features, features + 1) is None
    assert find_layout(features, features[:, :2]) is None


@pytest.mark.parametrize("recipe", [Timm(model=SWIN, tail_stride=2), Timm(model=VIT, ssd_strides=(16,))])
def test_a_transformer_is_an_extractor(recipe):
    torch.manual_seed(0)
    assert_is_extractor(recipe)


def pictures(mean, std):
    """Return an image, and what the whole network is given for it."""
    torch.manual_seed(1)
    images = torch.rand(1, 3, 224, 224)
    return images, (images - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


@torch.no_grad()
def test_body_and_tail_of_swin_are_the_whole_network(tmp_path):
    """At the size that timm's network is made for, which is built without any option."""
    whole = timm.create_model(SWIN, num_classes=7).eval()
    torch.save(whole.state_dict(), tmp_path / "swin.pt")
    recipe = Timm(model=SWIN, tail_stride=2, weights=str(tmp_path / "swin.pt"))
    extractor = recipe.build(level_strides=(16,), tail=True).eval()
    images, x = pictures((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    (level,) = extractor(images).values()
    torch.testing.assert_close(
        level.permute(0, 2, 3, 1), whole.layers[:3](whole.patch_embed(x)), rtol=1e-4, atol=1e-4
    )
    final = whole.forward_features(x).permute(0, 3, 1, 2)
    torch.testing.assert_close(extractor.tail().eval()(level), final, rtol=1e-4, atol=1e-4)
    levels = recipe.build(level_strides=(16, 32), tail=False).eval()(images)
    last = whole.layers[3](whole.layers[:3](whole.patch_embed(x)))
    torch.testing.assert_close(levels["layers.3"], last.permute(0, 3, 1, 2), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_level_of_vit_is_its_last_block_but_one_and_the_tail_its_last(tmp_path):
    whole = timm.create_model(VIT, num_classes=7).eval()
    torch.save(whole.state_dict(), tmp_path / "vit.pt")
    recipe = Timm(model=VIT, weights=str(tmp_path / "vit.pt"))
    extractor = recipe.build(level_strides=(16,), tail=True).eval()
    images, x = pictures((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    (level,) = extractor(images).values()
    tokens = whole.blocks[:11](whole._pos_embed(whole.patch_embed(x)))
    torch.testing.assert_close(level.flatten(2).transpose(1, 2), tokens[:, 1:], rtol=1e-4, atol=1e-4)
    crop = level[..., :7, :7]
    cells = crop.flatten(2).transpose(1, 2)  # without the token of the class
    expected = whole.norm(whole.blocks[11](cells)).transpose(1, 2).unflatten(2, (7, 7))
    torch.testing.assert_close(extractor.tail().eval()(crop), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("model", "tail_stride", "reason"),
    [
        ("beit_base_patch16_224", 1, "does not run on 96×96 px"),
        ("hrnet_w18_small", 2, "stage4 is more than a function of its features"),
        ("legacy_xception", 2, "does not begin with the features of the stage before"),
    ],
)
def test_what_cannot_be_cut_in_either_way_is_refused_with_both_reasons(model, tail_stride, reason):
    with pytest.raises(CombinationError, match=reason) as refused:
        Timm(model=model, tail_stride=tail_stride).build(level_strides=(16,), tail=True)
    assert "no chain" in str(refused.value)
