"""Augmentation: what is done to a training image before it is resized."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from tradeoff.data import crops, frames
from tradeoff.data.colour import distort
from tradeoff.data.dataset import Example
from tradeoff.data.streams import Stream, generator

CROPS: Mapping[str, Callable[[np.random.Generator, Example], Example]] = MappingProxyType(
    {"ssd": crops.ssd, "ssd_api": crops.ssd_api}
)


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Colours, then canvas, then crop, then a ratio of the sides; by default nothing.

    The options are those of `recipes.train.Training`. What is random depends on the seed and the index of an example
    alone, in a stream for each kind: one more kind changes nothing of the others' draws.

    Source: the order is that of Liu et al. 2016.
    """

    random_crop: Literal["none", "ssd", "ssd_api"] = "none"
    expand: float = 1.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    crop_ratio: float | None = None
    pad_ratio: float | None = None

    def __call__(self, seed: int, index: int, example: Example) -> Example:
        """Return an example as it is shown to the network at one index of the training stream."""
        return self.framed(seed, index, self.coloured(seed, index, example))

    def coloured(self, seed: int, index: int, example: Example) -> Example:
        """Return an example in other colours."""
        strengths = {name: getattr(self, name) for name in ("brightness", "contrast", "saturation", "hue")}
        if not any(strengths.values()):
            return example
        return replace(example, image=distort(generator(Stream.COLOUR, seed, index), example.image, **strengths))

    def framed(self, seed: int, index: int, example: Example) -> Example:
        """Return an example in another frame."""
        if self.expand > 1:
            example = frames.expand(generator(Stream.EXPAND, seed, index), example, self.expand)
        if self.random_crop != "none":
            example = CROPS[self.random_crop](generator(Stream.CROP, seed, index), example)
        if self.crop_ratio is not None:
            example = frames.crop_to_ratio(generator(Stream.CROP_RATIO, seed, index), example, self.crop_ratio)
        if self.pad_ratio is not None:
            example = frames.pad_to_ratio(generator(Stream.PAD_RATIO, seed, index), example, self.pad_ratio)
        return example
