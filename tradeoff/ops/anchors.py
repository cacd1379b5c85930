"""Anchors: the boxes that a detector starts from, laid out over feature maps.

Boxes are (x1, y1, x2, y2) px of the network input, sizes and shapes are (height, width), ratios width to height.
"""

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
    return lay_out(rows, columns, heights, widths)


def lay_out(rows: Tensor, columns: Tensor, heights: Sequence[float], widths: Sequence[float]) -> Tensor:
    """Centre K boxes, (heights, widths) px, on every crossing of rows (H,) and columns (W,) px; (H * W * K, 4)."""
    half = torch.tensor([widths, heights], dtype=torch.float32, device=rows.device).T / 2
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    centres = torch.stack([x, y], dim=-1)[:, :, None]
    return torch.cat([centres - half, centres + half], dim=-1).reshape(-1, 4)
