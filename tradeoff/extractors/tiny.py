"""A few convolutions, for tests and demonstrations."""

from pathlib import Path

from torch import nn

from tradeoff.core.errors import CombinationError, WeightsError
from tradeoff.core.types import Level
from tradeoff.extractors.chain import Chain, ChainExtractor
from tradeoff.extractors.state import load_backbone

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def tiny_extractor(
    *, width: int, pretrained: bool, weights: Path | None, level_strides: tuple[int, ...], tail: bool
) -> ChainExtractor:
    """Build five blocks of convolution, batch norm and ReLU, of which the last is the tail or the level of stride 32.

    Args:
        width: channels of the first block; the last has 8 times as many.
        pretrained: refused, there are no ImageNet weights.
        weights: start from this file.
        level_strides: strides of the levels, px; (8,) or (16,) with a tail, of 16 and 32 without.
        tail: whether there is a second stage; its tail has a stride of 1.

    Raises:
        CombinationError: for other strides.
        WeightsError: the weights cannot be had, or do not fit.
    """
    if pretrained and weights is None:
        raise WeightsError("the tiny extractor has no ImageNet weights; give extractor.pretrained=false")
    known = (8, 16) if tail else (16, 32)
    if not set(level_strides) <= set(known):
        raise CombinationError(f"the tiny extractor has levels of stride {known}, not {tuple(level_strides)}")
    blocks = body(width, 2 if max(level_strides) > 8 else 1)
    last = block(4 * width, 8 * width, 1 if tail else 2)
    if max(level_strides) == 32:
        blocks["block5"] = last
    levels = [Level("block5", 8 * width, 32) if px == 32 else Level("block4", 4 * width, px) for px in level_strides]
    end = Chain({"block5": last}, 8 * width) if tail else None
    extractor = ChainExtractor(Chain(blocks, levels[-1].channels), levels, end, MEAN, STD)
    if weights is not None:
        load_backbone(extractor, weights)
    return extractor


def body(width: int, last_stride: int) -> dict[str, nn.Module]:
    """Make the first four blocks, by name; the stride of the whole is 8 or 16."""
    return {
        "block1": block(3, width, 2),
        "block2": block(width, 2 * width, 2),
        "block3": block(2 * width, 4 * width, 2),
        "block4": block(4 * width, 4 * width, last_stride),
    }


def block(before: int, after: int, stride: int) -> nn.Sequential:
    """Make one block: 3×3 convolution, batch norm, ReLU."""
    convolution = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))
