"""From an image and its boxes to the network's input, and back.

Shapes: H×W of the original, h×w of the network input, both (height, width); boxes xyxy px.
Resizing is done on the CPU in 8 bits on every machine, so training, scoring and timing see the same input.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate, pad

from tradeoff.data.dataset import Example
from tradeoff.ops.structures import Targets

Size = tuple[int, int]
Resizer = Literal["fixed", "keep_aspect"]


def resized(size_hw: Size, size: int, resizer: Resizer, longer_px: int | None = None) -> Size:
    """Return the (height, width) of the network input for an original of (height, width).

    "fixed" is (size, size). "keep_aspect" makes the shorter side `size`, or less where the longer one would then
    exceed `longer_px`; None is size × 1024/600, rounded down. Sides are rounded to the nearest whole number, halves
    up, and at least 1.

    Source: Huang et al. 2017, section 3.1.3 and the TF Object Detection API, keep_aspect_ratio_resizer 600/1024.
    """
    if resizer == "fixed":
        return size, size
    shorter, longer = min(size_hw), max(size_hw)
    cap_px = longer_px or size * 1024 // 600
    above, below = (size, shorter) if longer * size <= cap_px * shorter else (cap_px, longer)
    height, width = (max(1, (2 * side * above + below) // (2 * below)) for side in size_hw)
    return height, width


def resize(image: NDArray[np.uint8], size: int, resizer: Resizer, longer_px: int | None = None) -> Tensor:
    """Resize an image, (H, W, 3) uint8, to (3, h, w) uint8 by bilinear interpolation with antialiasing."""
    height, width = image.shape[:2]
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
    target = resized((height, width), size, resizer, longer_px)
    return interpolate(pixels, size=target, mode="bilinear", antialias=True, align_corners=False)[0]


def to_float(images: Tensor, device: torch.device | str = "cpu") -> Tensor:
    """Copy uint8 images to a device and scale them to float32 RGB 0..1, contiguous."""
    return images.to(device, non_blocking=True).to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def collate(images: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Pad (3, h, w) images at the right and the bottom with zeros to a common shape.

    Returns:
        (N, 3, max h, max w) of the same type, and (N, 2) float32 valid (height, width) of each, px.
    """
    height, width = (max(image.shape[axis] for image in images) for axis in (1, 2))
    padded = [pad(image, (0, width - image.shape[2], 0, height - image.shape[1])) for image in images]
    sizes_px = torch.tensor([image.shape[1:] for image in images], dtype=torch.float32, device=images[0].device)
    return torch.stack(padded), sizes_px


def flip(image: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Mirror an image (3, h, w) and its (M, 4) boxes at the vertical axis."""
    x1, y1, x2, y2 = boxes.unbind(1)
    return image.flip(-1), torch.stack([image.shape[-1] - x2, y1, image.shape[-1] - x1, y2], dim=1)


def rescaled(boxes: Tensor, from_size: Size, to_size: Size) -> Tensor:
    """Scale (M, 4) boxes from an image of one (height, width) to another; each axis has its own factor."""
    across, down = to_size[1] / from_size[1], to_size[0] / from_size[0]
    return boxes * boxes.new_tensor([across, down, across, down])


def to_original(boxes: Tensor, input_size: Size, original_size: Size) -> Tensor:
    """Scale (D, 4) boxes of the network input, without its padding, to px of the original image."""
    return rescaled(boxes, input_size, original_size)


def to_targets(example: Example, input_size: Size) -> Targets:
    """Return the objects of an example in px of the network input, without those less than 1 px wide or high."""
    boxes = rescaled(torch.from_numpy(example.boxes), example.size, input_size)
    keep = ((boxes[:, 2:] - boxes[:, :2]) >= 1).all(dim=1)
    labels, crowd = torch.from_numpy(example.labels), torch.from_numpy(example.crowd)
    return Targets(boxes[keep].float(), labels[keep], crowd[keep])
