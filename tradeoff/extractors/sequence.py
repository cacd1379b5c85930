"""A backbone as a sequence of modules, cut into a body with levels and a second-stage tail.

Legend: N images, C channels, H×W of a map; a level of stride s has about H/s × W/s cells.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from tradeoff.core.types import Level


class Tail(nn.Sequential):
    """The second-stage layers: the last stage of a backbone. out_channels: channels of its result."""

    out_channels: int

    def __init__(self, layers: Mapping[str, nn.Module], out_channels: int) -> None:
        super().__init__(OrderedDict(layers))
        self.out_channels = out_channels


class SequenceExtractor(nn.Module):
    """Runs the body of a backbone and returns its levels.

    Args:
        layers: the body by name, in order.
        levels: what to return; the name of a level is the name of the layer that ends it.
        tail: the second-stage layers, handed over once by `tail()`; None when they are not wanted.
        mean, std: of the images that the weights expect, RGB, for images of 0..1.
    """

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        levels: Sequence[Level],
        tail: Tail | None,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(OrderedDict(layers))
        self.levels = tuple(levels)
        self._tails = [] if tail is None else [tail]  # in a list, so that it is registered where it is used
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Map images (N, 3, H, W) RGB 0..1 to the levels (N, C, H/s, W/s) by name."""
        x = (images - self.mean) / self.std
        wanted = {level.name for level in self.levels}
        found = {}
        for name, layer in self.body.named_children():
            x = layer(x)
            if name in wanted:
                found[name] = x
        return found

    def tail(self) -> Tail:
        """Hand over the second-stage layers.

        Raises:
            ValueError: when there are none, or they were handed over before.
        """
        if not self._tails:
            raise ValueError("this extractor was built without a tail, or its tail was taken")
        return self._tails.pop()
