"""The layers that SSD adds to its extractor: smaller and smaller maps, and a predictor on each level."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True, kw_only=True)
class ExtraLayers:
    """The extra layers of SSD: each is a 1×1 convolution to half its depth, then a larger one, which shrinks the map.

    depths: channels of each. kernels, strides, paddings: of the second convolution of each; empty is 3, 2 and 1.
    batch_norm: whether convolutions have batch norm; without it they have biases.
    relu6: whether activations end at 6.

    Source: Liu et al. 2016, figure 2, and for batch norm and ReLU6 Huang et al. 2017, section 3.5.
    """

    depths: tuple[int, ...]
    kernels: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    paddings: tuple[int, ...] = ()
    batch_norm: bool = True
    relu6: bool = True

    def build(self, before: int) -> nn.ModuleList:
        """Return the layers behind a map of `before` channels."""
        count = len(self.depths)
        shapes = zip(
            (before, *self.depths[:-1]),
            self.depths,
            self.kernels or (3,) * count,
            self.strides or (2,) * count,
            self.paddings or (1,) * count,
            strict=True,
        )
        return nn.ModuleList(
            nn.Sequential(self.convolution(a, b // 2, 1, 1, 0), self.convolution(b // 2, b, kernel, stride, padding))
            for a, b, kernel, stride, padding in shapes
        )

    def convolution(self, before: int, after: int, kernel: int, stride: int, padding: int) -> nn.Sequential:
        """Return a convolution with its batch norm, if any, and its activation."""
        layer = nn.Conv2d(before, after, kernel, stride, padding, bias=not self.batch_norm)
        norm = [nn.BatchNorm2d(after, eps=0.001)] if self.batch_norm else []
        return nn.Sequential(layer, *norm, nn.ReLU6(inplace=True) if self.relu6 else nn.ReLU(inplace=True))


def predictors(channels: Sequence[int], outputs: Sequence[int], kernel: int) -> nn.ModuleList:
    """Return one convolution per level that keeps the shape of its map."""
    pairs = zip(channels, outputs, strict=True)
    return nn.ModuleList(nn.Conv2d(before, after, kernel, padding=kernel // 2) for before, after in pairs)
