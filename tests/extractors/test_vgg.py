"""VGG-16 computes what torchvision's networks compute with the same weights, layer by layer."""

from pathlib import Path

import pytest
import torch
import torchvision
from torch.nn import functional as F

from tradeoff.core.errors import CombinationError, WeightsError
from tradeoff.extractors.l2norm import L2Norm
from tradeoff.extractors.state import read
from tradeoff.extractors.vgg import Enlarge, translated
from tradeoff.recipes.extractors import VGG16

TWO_STAGE = {"level_strides": (16,), "tail": True}
ONE_STAGE = {"level_strides": (8, 16), "tail": False}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def reference():
    """Return torchvision's VGG-16 with weights that keep the scale of the features."""
    torch.manual_seed(0)
    network = torchvision.models.vgg16(weights=None, init_weights=False).eval()
    for layer in network.features:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return network


@pytest.fixture(scope="module")
def weights(reference, tmp_path_factory):
    path = tmp_path_factory.mktemp("vgg") / "vgg16.pt"
    torch.save(reference.state_dict(), path)
    return str(path)


def normalised(images):
    return torchvision.transforms.functional.normalize(images, MEAN, STD)


@torch.no_grad()
def test_every_layer_and_the_classifier_compute_what_torchvision_computes(reference, weights):
    extractor = VGG16(weights=weights).build(**TWO_STAGE).eval()
    images = torch.rand(1, 3, 64, 96)
    found = extractor.body.maps(normalised(images), [f"features.{i}" for i in range(30)])
    x = normalised(images)
    for i in range(30):  # up to the activation after conv5_3
        x = reference.features[i](x)
        if not isinstance(reference.features[i], torch.nn.Conv2d):  # their outputs are overwritten by the activation
            torch.testing.assert_close(found[f"features.{i}"], x, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(extractor(images)["features.29"], x, rtol=1e-4, atol=1e-4)
    crops = torch.rand(2, 512, 7, 7)
    fc7 = reference.classifier[:5](crops.flatten(1))  # dropout is out of use in evaluation
    torch.testing.assert_close(extractor.tail().eval()(crops)[..., 0, 0], fc7, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_levels_of_ssd_compute_what_torchvisions_ssd_computes():
    """76 / 8 = 9.5: the third pooling rounds up, as in Caffe and in torchvision's SSD."""
    torch.manual_seed(0)
    reference = torchvision.models.detection.ssd300_vgg16(weights=None, weights_backbone=None).backbone.eval()
    extractor = VGG16().build(**ONE_STAGE).eval()
    theirs = [*reference.features, *reference.extra[0][:-1], *reference.extra[0][-1]]
    ours = list(extractor.body.children())
    assert [type(layer) for layer in ours] == [type(layer) for layer in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        mine.load_state_dict(other.state_dict())
    images = torch.rand(2, 3, 76, 76)
    conv4_3, fc7 = extractor(images).values()
    assert (conv4_3.shape, fc7.shape) == ((2, 512, 10, 10), (2, 1024, 5, 5))
    same = reference.features(normalised(images))
    rescaled = reference.scale_weight.view(1, -1, 1, 1) * F.normalize(same)
    torch.testing.assert_close(conv4_3, rescaled, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(fc7, reference.extra[0](same), rtol=1e-4, atol=1e-4)


def test_at_300_px_the_levels_have_38_and_19_cells_and_torchvisions_parameters():
    """24,147,008 to fc7: 14,714,688 of the 13 convolutions, fc6 4,719,616, fc7 1,049,600, and 512 scales."""
    extractor = VGG16().build(**ONE_STAGE)
    assert sum(p.numel() for p in extractor.parameters()) == 14_714_688 + 4_719_616 + 1_049_600 + 512
    maps = extractor.to("meta")(torch.empty(1, 3, 300, 300, device="meta")).values()
    assert [tuple(level.shape[1:]) for level in maps] == [(512, 38, 38), (1024, 19, 19)]


def test_fc6_and_fc7_of_ssd_are_subsampled_from_the_classifier(reference, weights):
    """Every fourth output channel; rows and columns 0, 3 and 6 of 7, six cells of the dilated kernel apart."""
    state = translated(read(Path(weights)), single_stage=True)
    fc6 = reference.classifier[0].weight.view(4096, 512, 7, 7)
    assert state["fc6.weight"].shape == (1024, 512, 3, 3)
    assert state["fc6.weight"][5, 7, 1, 2] == fc6[20, 7, 3, 6]
    assert state["fc7.weight"].shape == (1024, 1024, 1, 1)
    assert state["fc7.weight"][3, 6, 0, 0] == reference.classifier[3].weight[12, 24]
    assert state["fc6.bias"][2] == reference.classifier[0].bias[8]
    extractor = VGG16(weights=weights).build(**ONE_STAGE)
    torch.testing.assert_close(extractor.body.backbone_state()["fc6.weight"], state["fc6.weight"], rtol=0, atol=0)


def test_imagenet_weights_come_through_timm_and_are_translated(reference, monkeypatch):
    asked = []

    def offered(model, pretrained, options):
        asked.append((model, pretrained))
        return reference

    monkeypatch.setattr("tradeoff.extractors.vgg.create", offered)
    state = VGG16(pretrained=True).build(**ONE_STAGE).body.backbone_state()
    assert asked == [("vgg16.tv_in1k", True)]
    torch.testing.assert_close(state["features.28.weight"], reference.features[28].weight.data, rtol=0, atol=0)
    torch.testing.assert_close(
        state["fc7.weight"][..., 0, 0], reference.classifier[3].weight.data[::4, ::4], rtol=0, atol=0
    )


def test_weights_of_another_network_are_refused(tmp_path):
    torch.save({"features.0.weight": torch.zeros(64, 3, 5, 5)}, tmp_path / "other.pt")
    with pytest.raises(WeightsError, match=r"other.pt: lacks features.0.bias.*features.0.weight \(64, 3, 5, 5\)"):
        VGG16(weights=str(tmp_path / "other.pt")).build(**ONE_STAGE)


def test_other_strides_are_refused():
    with pytest.raises(CombinationError, match=r"levels of stride \(16,\), not \(8,\)"):
        VGG16().build(level_strides=(8,), tail=True)


def test_each_cell_gets_length_one_times_the_scale():
    norm = L2Norm(3, 20.0)
    with torch.no_grad():
        norm.scale[1] = 10.0
    found = norm(torch.tensor([3.0, 4.0, 0.0]).view(1, 3, 1, 1))
    assert found.flatten().tolist() == pytest.approx([12.0, 8.0, 0.0])  # 3/5 * 20, 4/5 * 10
    assert norm(torch.zeros(1, 3, 1, 1)).flatten().tolist() == [0, 0, 0]


def test_crops_smaller_than_seven_cells_are_enlarged():
    """3 to 7 cells: cell i is the mean of the cells that i·3/7 to (i + 1)·3/7 touch."""
    enlarge = Enlarge(7)
    line = torch.tensor([0.0, 6.0, 12.0])
    found = enlarge(line.expand(1, 1, 3, 3))
    assert found.shape == (1, 1, 7, 7)
    assert found[0, 0, 4].tolist() == [0, 0, 3, 6, 9, 12, 12]
    large = torch.rand(1, 2, 7, 9)
    assert enlarge(large) is large
