"""Inception v2 with the separable 7×7 stem.

Legend: N images of H×W px; a layer of stride 2 makes ceil(n / 2) of n cells.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from tradeoff.core.errors import CombinationError, WeightsError
from tradeoff.core.types import Level
from tradeoff.extractors.chain import Chain, ChainExtractor
from tradeoff.extractors.state import load_backbone

MEAN = STD = (0.5, 0.5, 0.5)  # pixels are mapped to -1..1
BATCH_NORM_EPS = 0.001
DEPTHWISE_MULTIPLIER = 8  # of the stem: 24 channels of the three colours
SSD_LAYERS = {16: "Mixed_4c", 32: "Mixed_5c"}
RPN_LAYER, LAST_LAYER = "Mixed_4e", "Mixed_5c"

Activation = Literal["relu", "relu6"]


@dataclass(frozen=True)
class Widths:
    """Channels of a block.

    single: the 1×1 branch. double, triple: 1×1, then 3×3 once or twice. pool: 1×1 after a pool.
    """

    single: int
    double: tuple[int, int]
    triple: tuple[int, int]
    pool: int

    @property
    def out(self) -> int:
        """Channels of the branches side by side."""
        return self.single + self.double[1] + self.triple[1] + self.pool


MIXED = {
    "Mixed_3b": Widths(64, (64, 64), (64, 96), 32),
    "Mixed_3c": Widths(64, (64, 96), (64, 96), 64),
    "Mixed_4b": Widths(224, (64, 96), (96, 128), 128),
    "Mixed_4c": Widths(192, (96, 128), (96, 128), 128),
    "Mixed_4d": Widths(160, (128, 160), (128, 160), 96),
    "Mixed_4e": Widths(96, (128, 192), (160, 192), 96),
    "Mixed_5b": Widths(352, (192, 320), (160, 224), 128),
    "Mixed_5c": Widths(352, (192, 320), (192, 224), 128),
}
REDUCTIONS = {"Mixed_4a": ((128, 160), (64, 96)), "Mixed_5a": ((128, 192), (192, 256))}  # double, triple


class Branches(nn.Module):
    """Branches that run beside each other; their outputs are put side by side, (N, C, ·, ·)."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, features: Tensor) -> Tensor:
        """Run all branches."""
        return torch.cat([branch(features) for branch in self.branches], dim=1)


def inception_v2_extractor(
    *,
    activation: Activation,
    pretrained: bool,
    weights: Path | None,
    level_strides: tuple[int, ...],
    tail: bool,
) -> ChainExtractor:
    """Build Inception v2: Mixed_4e and a tail of Mixed_5a to 5c, or Mixed_4c and Mixed_5c for a single stage.

    Args:
        activation: after each convolution.
        pretrained: refused, there are no ImageNet weights.
        weights: start from this file.
        level_strides: strides of the levels, px; (16,) with a tail, of 16 and 32 without.
        tail: whether there is a second stage; its tail has a stride of 2.

    Raises:
        CombinationError: for other strides.
        WeightsError: the weights cannot be had, or do not fit.

    Source: Ioffe & Szegedy 2015 (arXiv 1502.03167), figure 5, with the separable stem, the widths and the batch norm
    of slim's inception_v2; layers as in Huang et al. 2017, section 3.
    Differs: an even side is padded on both sides, TensorFlow's "SAME" pads the end alone; weights start from
    Kaiming's normal distribution; torch's momentum of batch norm.
    """
    if pretrained and weights is None:
        raise WeightsError("inception_v2 has no ImageNet weights; give extractor.weights=PATH or pretrained=false")
    known = {16: RPN_LAYER} if tail else SSD_LAYERS
    if not set(level_strides) <= set(known):
        raise CombinationError(f"inception_v2 has levels of stride {tuple(known)}, not {tuple(level_strides)}")
    blocks, channels = network(activation)
    levels = [Level(known[px], channels[known[px]], px) for px in level_strides]
    names = list(blocks)
    end = names.index(levels[-1].name) + 1
    rest = Chain({name: blocks[name] for name in names[end:]}, channels[LAST_LAYER]) if tail else None
    body = Chain({name: blocks[name] for name in names[:end]}, levels[-1].channels)
    extractor = ChainExtractor(body, levels, rest, MEAN, STD)
    if weights is not None:
        load_backbone(extractor, weights)
    return extractor


def network(activation: Activation) -> tuple[dict[str, nn.Module], Mapping[str, int]]:
    """Return the blocks of the whole network in order, and the channels that each puts out."""
    act: Callable[[], nn.Module] = nn.ReLU6 if activation == "relu6" else nn.ReLU
    blocks: dict[str, nn.Module] = {
        "Conv2d_1a_7x7": stem(64, act),
        "MaxPool_2a_3x3": pool(2),
        "Conv2d_2b_1x1": conv(64, 64, 1, act),
        "Conv2d_2c_3x3": conv(64, 192, 3, act),
        "MaxPool_3a_3x3": pool(2),
    }
    channels = {"MaxPool_3a_3x3": 192}
    before = 192
    for name in sorted([*MIXED, *REDUCTIONS]):
        if name in MIXED:
            blocks[name] = mixed(before, MIXED[name], name != "Mixed_5c", act)
            before = MIXED[name].out
        else:
            double, triple = REDUCTIONS[name]
            blocks[name] = reduction(before, double, triple, act)
            before += double[1] + triple[1]
        channels[name] = before
    return blocks, channels


def mixed(before: int, widths: Widths, average: bool, act: Callable[[], nn.Module]) -> Branches:
    """Return a block of four branches that keeps the resolution; the last one pools by mean or maximum."""
    pooling = nn.AvgPool2d(3, 1, 1, count_include_pad=False) if average else pool(1)
    return Branches(
        conv(before, widths.single, 1, act),
        tower(before, widths.double, 1, 1, act),
        tower(before, widths.triple, 2, 1, act),
        nn.Sequential(pooling, conv(before, widths.pool, 1, act)),
    )


def reduction(
    before: int, double: tuple[int, int], triple: tuple[int, int], act: Callable[[], nn.Module]
) -> Branches:
    """Return a block of two branches and a max-pool, of stride 2."""
    return Branches(tower(before, double, 1, 2, act), tower(before, triple, 2, 2, act), pool(2))


def tower(
    before: int, widths: tuple[int, int], count: int, stride: int, act: Callable[[], nn.Module]
) -> nn.Sequential:
    """Return a 1×1 convolution and `count` 3×3 ones, of which the last has the stride."""
    narrow, wide = widths
    layers = [conv(before, narrow, 1, act), conv(narrow, wide, 3, act, stride if count == 1 else 1)]
    return nn.Sequential(*layers, *(conv(wide, wide, 3, act, stride) for _ in range(count - 1)))


def stem(after: int, act: Callable[[], nn.Module]) -> nn.Sequential:
    """Return the separable convolution: 7×7 of stride 2 on each colour, then 1×1; norm and activation after both."""
    deep = 3 * DEPTHWISE_MULTIPLIER
    depthwise = nn.Conv2d(3, deep, 7, 2, 3, groups=3, bias=False)
    nn.init.kaiming_normal_(depthwise.weight, nonlinearity="linear")
    return nn.Sequential(depthwise, *conv(deep, after, 1, act))


def conv(before: int, after: int, kernel: int, act: Callable[[], nn.Module], stride: int = 1) -> nn.Sequential:
    """Return a convolution with batch norm and activation."""
    layer = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(layer, nn.BatchNorm2d(after, eps=BATCH_NORM_EPS), act())


def pool(stride: int) -> nn.MaxPool2d:
    """Return a 3×3 max-pool."""
    return nn.MaxPool2d(3, stride, 1)
