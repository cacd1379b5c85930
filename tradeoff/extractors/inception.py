"""Inception v3, v4 and Inception-ResNet v2: timm's networks, padded so that feature maps lie over the image.

As published, many of their layers are not padded ("VALID"), and each takes a border away. For detection the body is
padded ("SAME"), so a level of stride s has ceil(H / s) rows. The tail of a two-stage detector is as published: its
layers of stride 2 make 8×8 cells of a crop of 17×17.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from tradeoff.core.errors import CombinationError
from tradeoff.extractors.chain import ChainExtractor
from tradeoff.extractors.timm import Request, create, cut_and_load

#: blocks of Inception v3 with a pooling that is no module: their branches, layer by layer
BRANCHES = {
    "Mixed_6a": (("branch3x3",), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")),
    "Mixed_7a": (
        ("branch3x3_1", "branch3x3_2"),
        ("branch7x7x3_1", "branch7x7x3_2", "branch7x7x3_3", "branch7x7x3_4"),
    ),
}


class Reduction(nn.Module):
    """Branches of convolutions beside a 3×3 max-pool of stride 2, under the names that a block of timm gives them."""

    def __init__(self, block: nn.Module, branches: tuple[tuple[str, ...], ...]) -> None:
        super().__init__()
        self.branches = branches
        for name in (name for branch in branches for name in branch):
            self.add_module(name, block.get_submodule(name))
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, features: Tensor) -> Tensor:
        """Return the outputs (N, C, ·, ·) of all branches and of the pool, side by side."""
        return torch.cat([*(self.run(branch, features) for branch in self.branches), self.pool(features)], dim=1)

    def run(self, branch: Iterable[str], features: Tensor) -> Tensor:
        """Run one branch."""
        for name in branch:
            features = self.get_submodule(name)(features)
        return features


def inception_extractor(**wanted: Any) -> ChainExtractor:
    """Build the extractor of an Inception network; arguments and errors are those of `timm_extractor`.

    Source: Szegedy et al. 2015 (arXiv 1512.00567) and 2016 (arXiv 1602.07261); padding, stride 8 and tail as in the
    TF Object Detection API (align_feature_maps, output_stride; the second stage of Inception-ResNet v2).
    Differs: an even side is padded on both sides, TensorFlow's "SAME" pads the end alone; the average pools of
    Inception v3 count the padding (as torchvision's weights were trained), slim's do not.
    """
    request = Request(**wanted)
    backbone = create(request.name, request.download, {})
    if not request.pretrained and request.weights is None:
        initialise(backbone)
    for name, branches in BRANCHES.items():
        if isinstance(block := getattr(backbone, name, None), nn.Module):
            setattr(backbone, name, Reduction(block, branches))
    pad(backbone)
    if request.tail and request.level_strides == (8,):
        dilate(backbone, request.model)
    extractor = cut_and_load(backbone, request)
    if extractor.unclaimed is not None:
        unpad(extractor.unclaimed)
    return extractor


def initialise(network: nn.Module) -> None:
    """Start convolutions as slim does, with a variance of 2 / fan-in, so that untrained features keep their scale."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")


def pad(network: nn.Module) -> None:
    """Pad every convolution and max-pool that is not padded, so that n cells become ceil(n / stride)."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.padding == (0, 0):
            layer.padding = (layer.kernel_size[0] // 2, layer.kernel_size[1] // 2)
        elif isinstance(layer, nn.MaxPool2d):
            layer.padding = 1  # all are 3×3


def unpad(tail: nn.Module) -> None:
    """Take the padding from the layers of stride 2 of a tail, as published."""
    for layer in tail.modules():
        if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2):
            layer.padding = (0, 0)
        elif isinstance(layer, nn.MaxPool2d):
            layer.padding = 0


def dilate(backbone: nn.Module, model: str) -> None:
    """Give Inception-ResNet v2 a stride of 8 before the tail: Mixed_6a keeps the resolution, block17 is dilated.

    Raises:
        CombinationError: for another network.
    """
    if not model.startswith("inception_resnet_v2"):
        raise CombinationError(f"stride=8: atrous convolution is there for inception_resnet_v2, not for {model}")
    for layer in backbone.get_submodule("mixed_6a").modules():
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            layer.stride = (1, 1) if isinstance(layer, nn.Conv2d) else 1
    for layer in backbone.get_submodule("repeat_1").modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1):
            layer.dilation = (2, 2)
            layer.padding = (2 * int(layer.padding[0]), 2 * int(layer.padding[1]))
    info: Any = backbone.feature_info
    for entry in info[-2:]:
        entry["reduction"] //= 2
