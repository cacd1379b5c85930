"""A deployed detector says what the trained one says; batch norm goes where it can, and stays where it must."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from tests.stages.test_train import CPU
from tradeoff.run import enumerate_cells
from tradeoff.stages.deploy import deploy, fold_batch_norm
from tradeoff.stages.network import build

BOXES = torch.tensor([[[10.0, 20.0, 90.0, 100.0], [0.0, 0.0, 120.0, 128.0]]])


def norms(network):
    return [layer for layer in network.modules() if isinstance(layer, _BatchNorm)]


def lively(network):
    """Give batch norm statistics and scales that matter, and return the network in evaluation mode."""
    generator = torch.Generator().manual_seed(0)
    for layer in norms(network):
        layer.running_mean.normal_(0, 0.1, generator=generator)
        layer.running_var.uniform_(0.5, 1.5, generator=generator)
        nn.init.uniform_(layer.weight, 0.5, 1.5, generator=generator)
        nn.init.normal_(layer.bias, 0, 0.1, generator=generator)
    return network.eval()


def detector_of(*words):
    ((cell, _),) = enumerate_cells(["size=128", *words])
    return lively(build(cell.stages(CPU).train, 5))


def outputs(detector, size=128):
    """Run all weights of a detector, two-stage ones on fixed boxes."""
    images = torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        if hasattr(detector, "rpn"):
            features = detector.features(images)
            scored = detector.rpn(features)
            return [features, scored.logits, scored.deltas, *detector.classify(features, BOXES, images)]
        raw = detector.predict(images, torch.tensor([[float(size), float(size)]]), None)
        return [raw["logits"], raw["deltas"]]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["meta_arch=ssd", "extractor=mobilenet", "extractor.width=0.25"], 0),
        (["meta_arch=faster_rcnn", "extractor=timm", "extractor.model=resnet18"], 0),
        (["meta_arch=rfcn", "extractor=inception_v2"], 0),
        (["meta_arch=ssd", "extractor=timm", "extractor.model=efficientnet_b0"], 0),  # norms that hold an activation
        (["meta_arch=ssd", "extractor=timm", "extractor.model=resnetv2_18"], 8),  # norms before convolutions
        (
            ["meta_arch=faster_rcnn", "extractor=timm", "extractor.model=davit_tiny"],
            0,
        ),
        (["meta_arch=rfcn", "extractor=resnet50", "extractor.stride_unit=last", "stride=8"], 0),
    ],
)
def test_it_says_the_same_without_batch_norm(words, left):
    detector = detector_of(*words)
    before = outputs(detector)
    deploy(detector, 128)
    assert len(norms(detector)) == left
    deploy(detector, 128)  # once more changes nothing
    for expected, found in zip(before, outputs(detector), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


class Branching(nn.Module):
    """Convolutions whose outputs are read as `kind` says."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.conv, self.norm = kind, nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)

    def forward(self, images):
        seen = self.conv(images)
        if self.kind == "plain":
            return self.norm(seen).relu()
        if self.kind == "also added":
            return self.norm(seen) + seen
        if self.kind == "also put out":
            return [self.norm(seen), {"raw": seen}]
        if self.kind == "activated before":
            return self.norm(seen.relu())
        return self.norm(self.conv(seen))  # "convolved twice"


@pytest.mark.parametrize(
    ("kind", "left"),
    [("plain", 0), ("also added", 1), ("also put out", 1), ("activated before", 1), ("convolved twice", 1)],
)
def test_a_norm_stays_where_something_else_reads_the_convolution(kind, left):
    network = lively(Branching(kind))
    images = torch.rand(2, 3, 4, 4)
    with torch.no_grad():
        before = network(images)
        fold_batch_norm(network, (2, 3, 4, 4))
        assert len(norms(network)) == left
        torch.testing.assert_close(network(images), before)


class Aliased(nn.Module):
    """A norm that is registered under two names and called by the second."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)
        self.same = self.norm

    def forward(self, images):
        return self.same(self.conv(images))


class Unregistered(nn.Module):
    """A tensor that is no buffer stays on its device."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.shift = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), torch.ones(1, 3, 1, 1)

    def forward(self, images):
        return self.norm(self.conv(images) * self.shift)


def test_a_norm_of_two_names_is_folded_under_both():
    network = lively(Aliased())
    images = torch.rand(2, 3, 4, 4)
    with torch.no_grad():
        before = network(images)
        fold_batch_norm(network, (2, 3, 4, 4))
        assert norms(network) == []
        torch.testing.assert_close(network(images), before)


def test_what_cannot_be_followed_is_told_and_left():
    network = lively(Unregistered())
    with pytest.warns(UserWarning, match="not folded: Unregistered"):
        fold_batch_norm(network, (2, 3, 4, 4))
    assert len(norms(network)) == 1
    assert network(torch.rand(2, 3, 4, 4)).shape == (2, 3, 4, 4)


def test_batch_norm_that_learns_is_left():
    network = lively(Branching("plain")).train()
    fold_batch_norm(network, (2, 3, 4, 4))
    assert len(norms(network)) == 1
