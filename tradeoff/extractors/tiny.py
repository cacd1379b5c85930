"""A few convolutions, for tests and demonstrations."""

from collections import OrderedDict
from pathlib import Path

from torch import nn

from tradeoff.core.errors import CombinationError
from tradeoff.core.types import Level
from tradeoff.extractors.sequence import SequenceExtractor, Tail


def tiny_extractor(
    *, width: int, pretrained: bool, weights: Path | None, level_strides: tuple[int, ...], tail: bool, stride: int
) -> SequenceExtractor:
    """Build it: stride 2 and 4 with `width` and twice as many channels, then four times as many.

    Raises:
        CombinationError: weights are asked for; there are none for it.
    """
    if pretrained or weights is not None:
        raise CombinationError("extractor=tiny has no weights to start from; leave extractor.pretrained and .weights out")
    channels = [width, 2 * width, 4 * width, 4 * width, 4 * width]
    strides = [2, 2, 2, 1 if stride == 8 else 2, 1 if tail else 2]
    blocks = OrderedDict()
    before, reached = 3, 1
    levels = []
    for index, (after, step) in enumerate(zip(channels, strides, strict=True)):
        blocks[f"conv{index + 1}"] = block(before, after, step)
        before, reached = after, reached * step
        levels.append(Level(f"conv{index + 1}", after, reached))
    last = blocks.popitem() if tail else None
    wanted = [[level for level in levels[: len(blocks)] if level.stride_px == s][-1] for s in level_strides]
    body = dict(list(blocks.items()))
    end = Tail(dict([last]), channels[-1]) if last else None
    return SequenceExtractor(body, wanted, end, (0.5, 0.5, 0.5), (0.25, 0.25, 0.25))


def block(before: int, after: int, stride: int) -> nn.Sequential:
    """Return a 3×3 convolution with batch norm and ReLU."""
    convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))
