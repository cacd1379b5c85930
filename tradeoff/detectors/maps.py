"""From feature maps to one row per anchor."""

from torch import Tensor


def rows(maps: Tensor, values: int) -> Tensor:
    """Turn maps (N, anchors·values, H, W) into rows (N, H·W·anchors, values), cell by cell, then anchor by anchor."""
    return maps.permute(0, 2, 3, 1).reshape(maps.shape[0], -1, values)
