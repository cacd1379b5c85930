"""ResNet-101 computes what torchvision's computes with the same weights, at both strides, conv5 included."""

import pytest
import torch
import torchvision

from tradeoff.core.digest import digest
from tradeoff.core.errors import CombinationError, ConfigError
from tradeoff.core.machine import Machine
from tradeoff.recipes.extractors import ResNet, Timm
from tradeoff.run import enumerate_cells

CPU = Machine("cpu", "a CPU", "2.15", "0.30")

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch.manual_seed(0)
    state = torchvision.models.resnet101(weights=None, zero_init_residual=False).state_dict()
    for name, tensor in state.items():
        if name.endswith("bn3.weight"):
            tensor.fill_(0.3)  # so that 33 residuals on top of each other keep their scale
    path = tmp_path_factory.mktemp("resnet") / "resnet101.pt"
    torch.save(state, path)
    return path


@pytest.mark.parametrize(("stride", "dilate"), [(16, False), (8, True)])
@torch.no_grad()
def test_every_stage_computes_what_torchvision_computes(weights, stride, dilate):
    reference = torchvision.models.resnet101(weights=None, replace_stride_with_dilation=[False, dilate, False]).eval()
    reference.load_state_dict(torch.load(weights))
    recipe = Timm(model="resnet101", weights=str(weights))
    extractor = recipe.build(level_strides=(stride,), tail=True).eval()
    images = torch.rand(1, 3, 75, 97)
    x = torchvision.transforms.functional.normalize(images, MEAN, STD)
    found = extractor.body.maps(x, list(extractor.body.names.values()))
    assert list(found) == ["conv1", "bn1", "act1", "maxpool", "layer1", "layer2", "layer3"]
    for mine, theirs in zip(found, ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"), strict=True):
        x = getattr(reference, theirs)(x)
        if mine not in ("conv1", "bn1"):  # overwritten by the activation
            torch.testing.assert_close(found[mine], x, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(extractor(images)["layer3"], x, rtol=1e-4, atol=1e-4)
    first = reference.layer4[0]
    first.conv2.stride = first.downsample[0].stride = (1, 1)  # conv5_1 with stride 1
    for block in reference.layer4:
        block.conv2.dilation = block.conv2.padding = (1, 1)
    torch.testing.assert_close(extractor.tail().eval()(x), reference.layer4(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("rate", [1, 2])
@torch.no_grad()
def test_conv5_is_dilated_as_torchvisions_or_dense(weights, rate):
    """torchvision, too, dilates what follows the first unit of a stage whose stride is taken away."""
    reference = torchvision.models.resnet101(weights=None, replace_stride_with_dilation=[False, False, True]).eval()
    reference.load_state_dict(torch.load(weights))
    for unit in reference.layer4[1:]:
        unit.conv2.dilation = unit.conv2.padding = (rate, rate)
    recipe = ResNet(model="resnet101", weights=str(weights), tail_dilation=rate)
    features = torch.rand(1, 1024, 7, 7)
    tail = recipe.build(level_strides=(16,), tail=True).tail().eval()
    torch.testing.assert_close(tail(features), reference.layer4(features), rtol=1e-4, atol=1e-4)


def test_the_dilation_of_conv5_is_in_the_key_of_cells_that_have_a_conv5():
    def train(meta_arch, *words):
        ((cell, _),) = enumerate_cells(["extractor=resnet50", f"meta_arch={meta_arch}", *words])
        return digest(cell.stages(CPU).train.extractor)

    dense = "extractor.tail_dilation=1"
    assert train("rfcn") == train("faster_rcnn") != train("rfcn", dense)
    assert train("ssd") == train("ssd", dense) == train("rfcn", dense)
    assert train("rfcn", "extractor.tail_stride=2") == train("rfcn", "extractor.tail_stride=2", dense)


def slim_resnet(weights):
    """Return torchvision's network with slim's strides: those of a stage in the last unit of the one before."""
    reference = torchvision.models.resnet101(weights=None).eval()
    reference.load_state_dict(torch.load(weights))
    for before, after in (("layer1", "layer2"), ("layer2", "layer3")):
        first, last = getattr(reference, after)[0], getattr(reference, before)[-1]
        first.conv2.stride = first.downsample[0].stride = (1, 1)
        last.conv2.stride = (2, 2)
        last.downsample = torch.nn.AvgPool2d(1, 2)
    return reference


@torch.no_grad()
def test_the_last_unit_may_have_the_stride(weights):
    reference = slim_resnet(weights)
    extractor = ResNet(model="resnet101", weights=str(weights), stride_unit="last").build(
        level_strides=(16,), tail=True
    )
    images = torch.rand(1, 3, 75, 97)
    x = torchvision.transforms.functional.normalize(images, MEAN, STD)
    for name in ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3"):
        x = getattr(reference, name)(x)
    assert x.shape == (1, 1024, 5, 7)
    torch.testing.assert_close(extractor.eval()(images)["layer3"], x, rtol=1e-4, atol=1e-4)


def test_where_the_stride_cannot_be_moved_is_told():
    with pytest.raises(ConfigError, match=r"stride_unit=last: .* trained with first"):
        ResNet(model="resnet50", pretrained=True, stride_unit="last")
    for model, reason in (("resnet18", "no bottleneck"), ("vgg11", "no stages")):
        with pytest.raises(CombinationError, match=reason):
            ResNet(model=model, stride_unit="last").build(level_strides=(16,), tail=False)


@pytest.mark.parametrize("stride_unit", ["first", "last"])
def test_conv4_of_stride_8_feeds_ssd(stride_unit):
    recipe = ResNet(model="resnet50", ssd_strides=(8,), ssd_layers=("layer3",), stride_unit=stride_unit)
    extractor = recipe.build(level_strides=(8,), tail=False).eval()
    (level,) = extractor(torch.rand(1, 3, 64, 96)).values()
    assert level.shape == (1, 1024, 8, 12)
