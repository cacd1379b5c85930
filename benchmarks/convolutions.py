"""Winograd's minimal filtering against torch's convolution on this machine's CPU, side by side, fp32, batch 1.

Prints, for 3×3 convolutions of many channels and maps, the medians and the ratio of the pairs, and one line of JSON
with the ratios. `stages/deploy.py` takes Winograd's where the ratios are clearly below one.
"""

import json
from collections.abc import Callable
from itertools import product

import torch
from side_by_side import compare
from torch import Tensor
from torch.nn import functional as F

from tradeoff.ops.winograd import transform_weight, winograd_conv2d

CHANNELS = (64, 128, 192, 256, 384, 512, 1024)
MAPS_PX = (10, 14, 19, 28, 38, 56, 75, 150)
MOST_GMACS = 15.0  # more would only take long


def main() -> None:
    """Time each pair and print."""
    ratios = {}
    for channels, px in product(CHANNELS, MAPS_PX):
        if 9e-9 * channels**2 * px**2 < MOST_GMACS:
            told = compare(*pair(1, channels, px))
            ratios[f"{channels} channels, {px} px"] = told["ratio"]
            print(f"{channels:5d} channels {px:4d} px: {told}", flush=True)
    told = compare(*pair(300, 512, 7))
    ratios["512 channels, 300 crops of 7 px"] = told["ratio"]
    print(f"  512 channels, 300 crops of 7 px: {told}")
    print(json.dumps({"ratios": ratios, "threads": torch.get_num_threads(), "torch": torch.__version__}))


def pair(count: int, channels: int, px: int) -> tuple[Callable[[], Tensor], Callable[[], Tensor]]:
    """Return torch's convolution and ours, of the same images and weights."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(count, channels, px, px, generator=generator).contiguous(memory_format=torch.channels_last)
    weight, bias = torch.randn(channels, channels, 3, 3, generator=generator), torch.zeros(channels)
    laid_out, transformed = weight.contiguous(memory_format=torch.channels_last), transform_weight(weight)
    return (
        lambda: F.conv2d(images, laid_out, bias, padding=1),
        lambda: winograd_conv2d(images, transformed, bias),
    )


if __name__ == "__main__":
    main()
