"""Anchors: the boxes that a detector starts from, laid out over feature maps.

Boxes are (x1, y1, x2, y2) px of the network input, sizes and shapes are (height, width), ratios width to height.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor


def grid_anchors(
    height: int,
    width: int,
    stride_px: float | Tensor,
    sides_px: Sequence[float],
    ratios: Sequence[float],
    device: torch.device | str,
) -> Tensor:
    """Lay anchors of every side and ratio over one feature map.

    Args:
        height: rows of the feature map.
        width: columns of the feature map.
        stride_px: distance of neighbouring cells, a number or a tensor with one element.
        sides_px: S sides of the square anchors; a ratio keeps the area.
        ratios: R ratios of width to height.
        device: where the anchors are made.

    Returns:
        (height * width * S * R, 4) float32 px; by cell (row, then column), then side, then ratio. Not clipped.

    Source: Ren et al. 2015, section 3.1.1; centres at multiples of the stride, as in the grid anchor generator of the
    TF Object Detection API.
    """
    widths = [side * math.sqrt(ratio) for side in sides_px for ratio in ratios]
    heights = [side / math.sqrt(ratio) for side in sides_px for ratio in ratios]
    rows = torch.arange(height, dtype=torch.float32, device=device) * stride_px
    columns = torch.arange(width, dtype=torch.float32, device=device) * stride_px
    return _lay_out(rows, columns, heights, widths)


def anchors_per_cell(levels: int, ratios: Sequence[float]) -> list[int]:
    """Return how many anchors `ssd_anchors` puts into a cell of each level: 3, then one per ratio and one more."""
    return [3] + [len(ratios) + 1] * (levels - 1)


def ssd_anchors(
    shapes: Sequence[tuple[int, int]],
    size_px: tuple[int, int],
    scale_min: float,
    scale_max: float,
    ratios: Sequence[float],
    device: torch.device | str,
) -> list[Tensor]:
    """Lay the default boxes of SSD over its feature maps.

    Args:
        shapes: (rows, columns) of each level, the finest first.
        size_px: (height, width) of the network input.
        scale_min: side of the first level's boxes, as a fraction of the image's.
        scale_max: side of the last level's boxes, likewise; the scales between are linear.
        ratios: ratios of width to height, of every level but the first.
        device: where the anchors are made.

    Returns:
        One (rows * columns * K, 4) float32 px tensor per level, by cell (row, then column), then box; K as in
        `anchors_per_cell`. Not clipped.

    Source: Liu et al. 2016, section 2.2, "Choosing scales and aspect ratios"; the reduced first level is that of the
    multiple grid anchor generator of the TF Object Detection API.
    Differs: widths are relative to the image's width and heights to its height, which is the same at a square input.
    """
    levels = zip(shapes, _ssd_boxes(len(shapes), scale_min, scale_max, ratios), strict=True)
    return [_ssd_level(shape, size_px, boxes, device) for shape, boxes in levels]


def _ssd_boxes(
    levels: int, scale_min: float, scale_max: float, ratios: Sequence[float]
) -> list[list[tuple[float, float]]]:
    """Return the (scale, ratio) of every box of a cell, per level."""
    step = (scale_max - scale_min) / max(levels - 1, 1)
    scales = [scale_min + step * level for level in range(levels)] + [1.0]
    boxes = [[(0.1, 1.0), (scale_min, 2.0), (scale_min, 0.5)]]
    for scale, following in itertools.pairwise(scales[1:]):
        boxes.append([(scale, ratio) for ratio in ratios] + [(math.sqrt(scale * following), 1.0)])
    return boxes


def _ssd_level(
    shape: tuple[int, int], size_px: tuple[int, int], boxes: Sequence[tuple[float, float]], device: torch.device | str
) -> Tensor:
    """Lay the boxes of one level; the centre of cell i of n lies at (i + 0.5) / n of the image."""
    rows, columns = (
        (torch.arange(count, dtype=torch.float32, device=device) + 0.5) * (length / count)
        for count, length in zip(shape, size_px, strict=True)
    )
    heights = [size_px[0] * scale / math.sqrt(ratio) for scale, ratio in boxes]
    widths = [size_px[1] * scale * math.sqrt(ratio) for scale, ratio in boxes]
    return _lay_out(rows, columns, heights, widths)


def _lay_out(rows: Tensor, columns: Tensor, heights: Sequence[float], widths: Sequence[float]) -> Tensor:
    """Centre K boxes on every crossing of the rows (H,) and columns (W,); (H * W * K, 4)."""
    half = torch.tensor([widths, heights], dtype=torch.float32, device=rows.device).T / 2
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    centres = torch.stack([x, y], dim=-1)[:, :, None]
    return torch.cat([centres - half, centres + half], dim=-1).reshape(-1, 4)
