"""Weights come from a file or from ImageNet, fit exactly, or are refused; none is ever left out in silence."""

import pytest
import safetensors.torch
import timm
import torch
import torchvision

from tradeoff.core.errors import ConfigError, WeightsError
from tradeoff.extractors.timm import backbone_state
from tradeoff.recipes.extractors import MobileNet, Timm, Tiny

TWO_STAGE = {"level_strides": (16,), "tail": True}
SMALL = {"model": "mobilenetv1_100", "width": 0.25}


def parameters(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def test_mobilenet_of_width_one_is_the_published_network():
    """3,206,976 trainable parameters without the classifier, counted from the layers of arXiv 1704.04861."""
    extractor = MobileNet().build(**TWO_STAGE)
    assert parameters(extractor, extractor.tail()) == 3_206_976


def test_a_width_scales_every_channel():
    extractor = MobileNet(width=0.25).build(level_strides=(16, 32), tail=False)
    assert [level.channels for level in extractor.levels] == [128, 256]
    assert 0.05 < parameters(extractor) / 3_206_976 < 0.08  # pointwise convolutions, most of it, fall to a 16th


def test_resnet50_has_the_parameters_of_torchvision():
    extractor = Timm(model="resnet50").build(**TWO_STAGE)
    assert parameters(extractor, extractor.tail()) == 23_508_032


def test_what_a_detector_does_not_use_is_not_there():
    """SSD on ResNet ends with conv4: 23,508,032 less conv5's 14,964,736."""
    assert parameters(Timm(model="resnet50").build(level_strides=(16,), tail=False)) == 8_543_296


def test_tiny_is_tiny():
    extractor = Tiny().build(**TWO_STAGE)
    assert parameters(extractor, extractor.tail()) < 200_000


def test_the_body_of_resnet50_computes_what_torchvision_computes(tmp_path):
    torch.manual_seed(0)
    reference = torchvision.models.resnet50(weights=None).eval()
    torch.save(reference.state_dict(), tmp_path / "resnet50.pt")
    extractor = Timm(model="resnet50", weights=str(tmp_path / "resnet50.pt")).build(**TWO_STAGE).eval()
    images = torch.rand(1, 3, 75, 97)
    x = torchvision.transforms.functional.normalize(images, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    with torch.no_grad():
        for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"):
            x = getattr(reference, name)(x)
        torch.testing.assert_close(extractor(images)["layer3"], x, rtol=1e-4, atol=1e-4)


def test_a_tail_of_stride_one_is_conv5_without_dilation(tmp_path):
    """On a 1×1 map only the middle of each kernel counts, whatever the stride: the tail is torchvision's layer4."""
    torch.manual_seed(0)
    reference = torchvision.models.resnet50(weights=None).eval()
    torch.save(reference.state_dict(), tmp_path / "resnet50.pt")
    for stride in (8, 16):
        recipe = Timm(model="resnet50", weights=str(tmp_path / "resnet50.pt"))
        tail = recipe.build(level_strides=(stride,), tail=True).tail().eval()
        rates = {layer.dilation for layer in tail.modules() if isinstance(layer, torch.nn.Conv2d)}
        steps = {layer.stride for layer in tail.modules() if isinstance(layer, torch.nn.Conv2d)}
        assert (rates, steps) == ({(1, 1)}, {(1, 1)})
        with torch.no_grad():
            x = torch.rand(2, 1024, 1, 1)
            torch.testing.assert_close(tail(x), reference.layer4(x), rtol=1e-4, atol=1e-5)
            assert tail(torch.rand(1, 1024, 7, 7)).shape == (1, 2048, 7, 7)


def saved(folder, name, state):
    path = folder / name
    (safetensors.torch.save_file if name.endswith(".safetensors") else torch.save)(state, path)
    return str(path)


def whole(recipe):
    """Return the weights of body and tail under the names of the whole backbone."""
    extractor = recipe.build(**TWO_STAGE)
    return {name: tensor.clone() for name, tensor in backbone_state(extractor, extractor.tail()).items()}


@pytest.mark.parametrize("name", ["half.pt", "half.safetensors"])
def test_a_shipped_file_in_half_precision_fills_body_and_tail(tmp_path, name):
    state = {
        key: tensor.half() if tensor.is_floating_point() else tensor
        for key, tensor in whole(MobileNet(**SMALL)).items()
    }
    found = whole(MobileNet(**SMALL, weights=saved(tmp_path, name, state)))
    assert found.keys() == state.keys()
    for key, tensor in found.items():
        torch.testing.assert_close(tensor.float(), state[key].float(), rtol=0, atol=0)


def test_the_state_has_the_names_of_the_whole_backbone(tmp_path):
    reference = timm.create_model("mobilenetv1_100", num_classes=7)
    names = {name for name in reference.state_dict() if not name.startswith("classifier")}
    assert whole(MobileNet()).keys() == names
    found = whole(MobileNet(weights=saved(tmp_path, "timm.pt", {"state_dict": reference.state_dict()})))
    torch.testing.assert_close(
        found["blocks.4.0.conv_dw.weight"], reference.state_dict()["blocks.4.0.conv_dw.weight"]
    )


def test_weights_of_both_stages_serve_a_detector_that_uses_one(tmp_path):
    path = saved(tmp_path, "tiny.pt", whole(Tiny()))
    single = Tiny(weights=path).build(level_strides=(16,), tail=False)
    assert {name.split(".")[0] for name in backbone_state(single, None)} == {"block1", "block2", "block3", "block4"}


def test_missing_and_unlike_tensors_are_named(tmp_path):
    state = whole(MobileNet(**SMALL))
    lost = state.pop("blocks.2.0.conv_dw.weight")
    state["bn1.bias"] = torch.zeros(3)
    path = saved(tmp_path, "spoiled.pt", state)
    with pytest.raises(WeightsError) as refused:
        MobileNet(**SMALL, weights=path).build(**TWO_STAGE)
    message = str(refused.value)
    assert path in message
    assert "lacks blocks.2.0.conv_dw.weight" in message
    assert "bn1.bias (3,) instead of (8,)" in message
    assert lost.ndim == 4


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    for text in ("no weights", "root:x:0:0:root:/root:/bin/bash\n", ""):  # the second looks like a pickle at first
        (tmp_path / "text.pt").write_text(text)
        with pytest.raises(WeightsError, match=r"text.pt: cannot be read"):
            Tiny(weights=str(tmp_path / "text.pt")).build(**TWO_STAGE)
    with pytest.raises(WeightsError, match="expected a state dict"):
        Tiny(weights=saved(tmp_path, "list.pt", [1, 2])).build(**TWO_STAGE)


def test_a_missing_file_is_refused_before_anything_is_built(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        Tiny(weights=str(tmp_path / "nowhere.pt"))


def test_imagenet_weights_that_cannot_be_downloaded_are_an_error_with_advice(monkeypatch):
    def offline(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(WeightsError, match=r"no route to host.*extractor\.weights=PATH"):
        Timm(model="resnet18", pretrained=True).build(**TWO_STAGE)
    with pytest.raises(WeightsError, match="no ImageNet weights"):
        Tiny(pretrained=True).build(**TWO_STAGE)


def test_the_imagenet_weights_asked_for_are_downloaded(monkeypatch):
    asked, create = [], timm.create_model

    def offered(name, *, pretrained, **options):
        asked.append((name, pretrained))
        return create(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", offered)
    Timm(model="resnet18", imagenet="tv_in1k", pretrained=True).build(**TWO_STAGE)
    assert asked == [("resnet18.tv_in1k", True)]


def test_a_file_goes_before_imagenet(tmp_path):
    path = saved(tmp_path, "tiny.pt", whole(Tiny()))
    assert Tiny(weights=path, pretrained=True).build(**TWO_STAGE).levels[0].stride_px == 16
