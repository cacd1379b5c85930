"""A detector whose convolutions go by Winograd's filtering says what it says without."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.stages.test_deploy import detector_of, outputs
from tests.stages.test_train import CPU
from tradeoff.recipes.inference import Inference
from tradeoff.run import enumerate_cells
from tradeoff.stages.deploy import deploy
from tradeoff.stages.detect import chain_of
from tradeoff.stages.fast_convolution import TILES, WinogradConv2d, pays, use_winograd
from tradeoff.stages.network import build


def fast(network):
    return [layer for layer in network.modules() if isinstance(layer, WinogradConv2d)]


@pytest.mark.parametrize(
    "words", [["meta_arch=ssd_liu", "extractor=vgg16"], ["meta_arch=faster_rcnn", "extractor=resnet50"]]
)
def test_a_detector_says_the_same(words):
    detector = detector_of(*words, "size=300")
    deploy(detector, 300)
    before = outputs(detector, size=300)
    use_winograd(detector)
    made = fast(detector)
    after = outputs(detector, size=300)
    assert any(layer.transformed is not None for layer in made)
    for expected, found in zip(before, after, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (nn.Conv2d(192, 192, 3), True),
        (nn.Conv2d(192, 256, 3, padding=1), True),
        (nn.Conv2d(191, 192, 3, padding=1), False),
        (nn.Conv2d(192, 191, 3, padding=1), False),
        (nn.Conv2d(192, 192, 1), False),
        (nn.Conv2d(192, 192, (3, 1)), False),
        (nn.Conv2d(192, 192, 3, stride=2), False),
        (nn.Conv2d(192, 192, 3, dilation=2), False),
        (nn.Conv2d(384, 384, 3, groups=2), False),
        (nn.Conv2d(192, 192, 3, padding=(1, 0)), False),
        (nn.Conv2d(192, 192, 3, padding="same"), False),
        (nn.Conv2d(192, 192, 3, padding=1, padding_mode="reflect"), False),
    ],
)
def test_only_plain_convolutions_of_many_channels_change(layer, expected):
    network = nn.Sequential(layer)
    assert pays(layer) is expected
    use_winograd(network)
    assert bool(fast(network)) is expected
    use_winograd(network)  # once more changes nothing
    assert len(fast(network)) == int(expected)


@pytest.mark.parametrize(("px", "expected"), [(16, False), (17, True)])
def test_small_maps_go_the_plain_way(px, expected):
    # 16 px are 4 × 4 tiles, 17 px are 5 × 5, and TILES = 25
    assert TILES == 25
    network = nn.Sequential(nn.Conv2d(192, 192, 3, padding=1)).eval()
    images = torch.rand(2, 192, px, px)
    with torch.inference_mode():
        before = network(images)
        use_winograd(network)
        torch.testing.assert_close(network(images), before, rtol=1e-4, atol=1e-4)
    assert (fast(network)[0].transformed is not None) is expected


def test_it_shares_the_weights():
    network = nn.Sequential(nn.Conv2d(192, 192, 3, bias=False)).eval()
    weight = network[0].weight
    use_winograd(network)
    assert network[0].weight is weight
    assert network[0].bias is None
    images = torch.rand(1, 192, 20, 20)
    with torch.inference_mode():
        torch.testing.assert_close(network(images), F.conv2d(images, weight), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("inference", "device", "expected"),
    [
        (Inference(), "cpu", True),
        (Inference(precision="tf32"), "cpu", True),  # which is fp32 there
        (Inference(precision="bf16"), "cpu", False),
        (Inference(winograd=False), "cpu", False),
        (Inference(), "cuda:0", False),
    ],
)
def test_it_is_for_full_precision_on_a_cpu(inference, device, expected):
    assert inference.takes_winograd(device) is expected


def one_layer(**options):
    network = nn.Sequential(nn.Conv2d(192, 192, 3, padding=1, **options)).eval()
    plain = copy.deepcopy(network)
    use_winograd(network)
    assert len(fast(network)) == 1
    return network, plain


def close(network, plain, images):
    torch.testing.assert_close(network(images), plain(images), rtol=1e-4, atol=1e-4)


def test_new_weights_are_taken():
    network, plain = one_layer()
    images = torch.rand(1, 192, 20, 20)
    with torch.inference_mode():
        close(network, plain, images)
    other = nn.Sequential(nn.Conv2d(192, 192, 3, padding=1)).state_dict()
    for one in (network, plain):
        one.load_state_dict(other)
    with torch.inference_mode():
        close(network, plain, images)
        close(network.double(), plain.double(), images.double())


@pytest.mark.parametrize("shape", [(192, 20, 20), (0, 192, 20, 20), (1, 192, 19, 19), (3, 192, 33, 17)])
def test_it_takes_what_a_plain_convolution_takes(shape):
    network, plain = one_layer(bias=False)
    images = torch.rand(shape)
    with torch.inference_mode():
        close(network, plain, images)
        laid_out = images.contiguous(memory_format=torch.channels_last) if images.dim() == 4 else images
        found = network(laid_out)
        assert found.stride() == plain(laid_out).stride()


def test_gradients_and_autocast_go_the_plain_way():
    network, plain = one_layer()
    images = torch.rand(1, 192, 20, 20)
    network(images).sum().backward()
    plain(images).sum().backward()
    torch.testing.assert_close(network[0].weight.grad, plain[0].weight.grad)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert network(images).dtype == plain(images).dtype == torch.bfloat16
    assert fast(network)[0].transformed is None


def test_a_watched_layer_is_left():
    network = nn.Sequential(nn.Conv2d(192, 192, 3))
    network[0].register_forward_hook(lambda *_: None)
    use_winograd(network)
    assert fast(network) == []


@pytest.mark.parametrize(("words", "expected"), [((), True), (("inference.winograd=false",), False)])
def test_what_is_scored_and_timed_has_fast_convolutions(words, expected):
    ((cell, _),) = enumerate_cells(["meta_arch=ssd_liu", "extractor=vgg16", "size=300", *words])
    stage = cell.stages(CPU).train
    chain = chain_of(stage, build(stage, 3).eval(), cell.inference, "cpu")
    assert bool(fast(chain.detector)) is expected


@pytest.mark.parametrize(
    ("words", "device", "differ"),
    [((), "cpu", True), ((), "cuda", False), (("precision=bf16",), "cpu", False), (("precision=tf32",), "cpu", True)],
)
def test_where_it_means_nothing_it_makes_no_other_cell(words, device, differ):
    machine = replace(CPU, device=device)
    cells = [enumerate_cells([*words, f"inference.winograd={told}"])[0][0] for told in ("true", "false")]
    one, other = (cell.stages(machine).keys() for cell in cells)
    assert (one != other) is differ
