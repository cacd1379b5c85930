"""Winograd's minimal filtering against torch's convolution on this machine's CPU, side by side, fp32, batch 1.

Prints, for 3×3 convolutions of many channels and maps, the medians and the ratio of the pairs, writes them to
results/measured/convolutions_cpu.csv, and ends in a line of JSON. `stages/fast_convolution.py` takes Winograd's where
the ratios are clearly below one.
"""

import json
from collections.abc import Callable
from itertools import product

import torch
from bars import MEASURED, write
from side_by_side import compare
from torch import Tensor
from torch.nn import functional as F

from tradeoff.ops.winograd import tiles, transform_weight, winograd_conv2d
from tradeoff.stages.fast_convolution import CHANNELS as CHANNELS_TAKEN
from tradeoff.stages.fast_convolution import TILES

CHANNELS = (64, 128, 192, 256, 384, 512, 1024)
MAPS_PX = (10, 14, 19, 28, 38, 56, 75, 150)
TABLE = MEASURED / "convolutions_cpu.csv"
MOST_GMACS = 15.0  # more would only take long


def main() -> None:
    """Time each pair and print."""
    cases = [(1, channels, px) for channels, px in product(CHANNELS, MAPS_PX)]
    rows = []
    for count, channels, px in [case for case in cases if gmacs(*case) < MOST_GMACS] + [(300, 512, 7)]:
        told = compare(*pair(count, channels, px))
        names = {"torch_ms": told["torchvision_ms"], "winograd_ms": told["ours_ms"], "ratio": told["ratio"]}
        rows.append({"images": count, "channels": channels, "size_px": px, **names})
        print(rows[-1], flush=True)
    write(TABLE, rows)
    taken = [row["ratio"] for row in rows if row["channels"] >= CHANNELS_TAKEN and tiles_of(row["size_px"]) >= TILES]
    print(json.dumps({"table": TABLE.name, "taken": len(taken), "worst_ratio_taken": max(taken)}))


def gmacs(count: int, channels: int, px: int) -> float:
    """Return the multiply-adds of a case, 10^9."""
    return 9e-9 * count * channels**2 * px**2


def tiles_of(px: int) -> int:
    """Return the tiles of a square map."""
    rows, columns = tiles(px, px)
    return rows * columns


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
