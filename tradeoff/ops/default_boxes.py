"""The default boxes of SSD: its anchors, of other sides and ratios on each feature map.

Boxes are (x1, y1, x2, y2) px of the network input, sizes and shapes are (height, width), ratios width to height.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tradeoff.ops.anchors import lay_out


@dataclass(frozen=True, kw_only=True)
class DefaultBoxes:
    """How the default boxes are chosen and laid over the levels; scales are fractions of the image's side.

    scale_min, scale_max: scales of the first and of the last level; those between are linear, and 1 follows the last.
    scales: outright, of each level and of what follows the last; empty means the linear ones.
    ratios: of every level.
    level_ratios: outright, of each level; empty means `ratios` for all.
    reduced: whether the first level has three boxes only: 0.1 square, and its scale at the ratios 2 and 1/2.
    geometric_mean: whether each level has a square box more, between its scale and the following one.
    steps_px: distance of neighbouring cells on each level; 0, or empty for all, spreads them evenly over the image.
    clip_sides: whether no box is wider or higher than the image.

    Source: Liu et al. 2016, section 2.2, "Choosing scales and aspect ratios"; the reduced first level is that of the
    multiple grid anchor generator of the TF Object Detection API; clipped sides are those of torchvision.
    """

    scale_min: float = 0.2
    scale_max: float = 0.95
    scales: tuple[float, ...] = ()
    ratios: tuple[float, ...] = (1.0, 2.0, 0.5, 3.0, 0.3333)
    level_ratios: tuple[tuple[float, ...], ...] = ()
    reduced: bool = True
    geometric_mean: bool = True
    steps_px: tuple[float, ...] = ()
    clip_sides: bool = False

    def per_cell(self, levels: int) -> list[int]:
        """Return how many boxes a cell of each level has."""
        return [len(boxes) for boxes in self.shapes(levels)]

    def shapes(self, levels: int) -> list[list[tuple[float, float]]]:
        """Return the (scale, ratio) of every box of a cell, per level: by ratio, then the geometric mean."""
        scales = self.scales or linear(levels, self.scale_min, self.scale_max)
        ratios = self.level_ratios or (self.ratios,) * levels
        boxes = [
            [(scale, ratio) for ratio in own] + [(math.sqrt(scale * following), 1.0)] * self.geometric_mean
            for own, (scale, following) in zip(ratios, itertools.pairwise(scales), strict=True)
        ]
        return [[(0.1, 1.0), (scales[0], 2.0), (scales[0], 0.5)], *boxes[1:]] if self.reduced else boxes

    def lay(
        self, maps: Sequence[tuple[int, int]], size_px: tuple[int, int], device: torch.device | str
    ) -> list[Tensor]:
        """Lay the boxes over the feature maps.

        Args:
            maps: (rows, columns) of each level, the finest first.
            size_px: (height, width) of the network input.
            device: where the boxes are made.

        Returns:
            One (rows * columns * K, 4) float32 px tensor per level, by cell (row, then column), then box; K as in
            `per_cell`. They may reach over the image.

        Differs: widths are relative to the image's width and heights to its height, the same at a square input.
        """
        levels = zip(maps, self.shapes(len(maps)), self.steps_px or (0,) * len(maps), strict=True)
        return [self._level(cells, size_px, boxes, step_px, device) for cells, boxes, step_px in levels]

    def _level(
        self,
        cells: tuple[int, int],
        size_px: tuple[int, int],
        boxes: Sequence[tuple[float, float]],
        step_px: float,
        device: torch.device | str,
    ) -> Tensor:
        """Lay the boxes of one level; the centre of cell i lies at i + 0.5 steps."""
        rows, columns = (
            (torch.arange(count, dtype=torch.float32, device=device) + 0.5) * (step_px or length / count)
            for count, length in zip(cells, size_px, strict=True)
        )
        longest = 1.0 if self.clip_sides else math.inf
        heights = [size_px[0] * min(scale / math.sqrt(ratio), longest) for scale, ratio in boxes]
        widths = [size_px[1] * min(scale * math.sqrt(ratio), longest) for scale, ratio in boxes]
        return lay_out(rows, columns, heights, widths)


def linear(levels: int, scale_min: float, scale_max: float) -> list[float]:
    """Return evenly spaced scales of the levels, and 1 that follows the last."""
    step = (scale_max - scale_min) / max(levels - 1, 1)
    return [scale_min + step * level for level in range(levels)] + [1.0]
