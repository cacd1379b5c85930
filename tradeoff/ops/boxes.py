"""Arithmetic of boxes: overlap, clipping, and their coding relative to anchors.

Legend: N images, A and B boxes. Boxes are (x1, y1, x2, y2) in px, sizes are (height, width) in px.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

SCALES = (
    10.0,
    10.0,
    5.0,
    5.0,
)  # Source: TF Object Detection API, faster_rcnn_box_coder; the inverse variances of SSD.
MAX_LOG_GROWTH = math.log(1000 / 16)  # no box grows to more than 62.5 times its anchor
MIN_SIDE_PX = 1e-8  # keeps the logarithm of an empty box finite


def area(boxes: Tensor) -> Tensor:
    """Return the areas of boxes (..., 4) as (...) px²; a degenerate or inverted box has none."""
    sides = (boxes[..., 2:] - boxes[..., :2]).clamp(min=0)
    return sides[..., 0] * sides[..., 1]


def intersection(a: Tensor, b: Tensor) -> Tensor:
    """Return the area in px² that each box of a (A, 4) shares with each box of b (B, 4), as (A, B)."""
    top_left = torch.maximum(a[:, None, :2], b[:, :2])
    bottom_right = torch.minimum(a[:, None, 2:], b[:, 2:])
    return area(torch.cat([top_left, bottom_right], dim=-1))


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Return the intersection over union of every pair of boxes.

    Args:
        a: (A, 4) px.
        b: (B, 4) px.

    Returns:
        (A, B) 0..1 in float32 (float64 for float64 boxes). A degenerate box gives 0 with all, never NaN.
    """
    dtype = torch.promote_types(a.dtype, torch.float32)
    a, b = a.to(dtype), b.to(dtype)
    shared = intersection(a, b)
    union = area(a)[:, None] + area(b) - shared
    return torch.where(shared > 0, shared / union.clamp(min=torch.finfo(dtype).tiny), 0.0)


def clip(boxes: Tensor, sizes_px: Tensor) -> Tensor:
    """Clip the boxes of each image to the window of that image.

    Args:
        boxes: (N, ..., 4) px.
        sizes_px: (N, 2), the (height, width) of each window.

    Returns:
        (N, ..., 4) px with 0 <= x <= width and 0 <= y <= height.
    """
    limits = sizes_px.to(boxes).flip(-1).repeat(1, 2)
    limits = limits.view(len(limits), *[1] * (boxes.dim() - 2), 4)
    return torch.minimum(boxes.clamp(min=0), limits)


def encode(boxes: Tensor, anchors: Tensor, scales: Sequence[float] = SCALES) -> Tensor:
    """Express boxes as offsets from anchors: shifts of the centre and logarithms of the growth.

    Args:
        boxes: (..., 4) px.
        anchors: (..., 4) px, broadcast against the boxes.
        scales: factors of (dx, dy, dw, dh).

    Returns:
        (..., 4) float32 (dx, dy, dw, dh); finite for finite boxes, also for empty ones.

    Source: Ren et al. 2015, section 3.1.2, eq. 2.
    """
    centre, sides = centre_form(boxes)
    anchor_centre, anchor_sides = centre_form(anchors)
    shift = (centre - anchor_centre) / anchor_sides
    growth = torch.log(sides / anchor_sides)
    return torch.cat([shift, growth], dim=-1) * row(scales, shift.device)


def decode(deltas: Tensor, anchors: Tensor, scales: Sequence[float] = SCALES) -> Tensor:
    """Apply predicted offsets to anchors; the inverse of `encode`.

    Args:
        deltas: (..., 4) offsets (dx, dy, dw, dh).
        anchors: (..., 4) px, broadcast against the deltas.
        scales: factors that `encode` used.

    Returns:
        (..., 4) float32 px, not clipped to the image.

    Source: Ren et al. 2015, section 3.1.2, eq. 2.
    Differs: dw and dh are clamped to log(1000 / 16) before exp, so that nothing overflows early in training.
    """
    offsets = deltas.float() / row(scales, deltas.device)
    anchor_centre, anchor_sides = centre_form(anchors)
    centre = offsets[..., :2] * anchor_sides + anchor_centre
    half = offsets[..., 2:].clamp(max=MAX_LOG_GROWTH).exp() * anchor_sides / 2
    return torch.cat([centre - half, centre + half], dim=-1)


def centre_form(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return the centres and the sides, each (..., 2) float32 as (x, y), the sides above 0."""
    low, high = boxes[..., :2].float(), boxes[..., 2:].float()
    return (low + high) / 2, (high - low).clamp(min=MIN_SIDE_PX)


def row(values: Sequence[float], device: torch.device) -> Tensor:
    """Return the numbers as a float32 tensor."""
    return torch.tensor(values, dtype=torch.float32, device=device)
