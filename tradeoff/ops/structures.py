"""What flows between data, detectors and metrics.

Legend: N images, M objects of an image, D detections of an image, H×W pixels of the padded network input.
Boxes are (x1, y1, x2, y2), float32. Sizes are (height, width).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Targets:
    """The objects of one image.

    boxes: (M, 4) px of the network input. labels: (M,) int64, 0..C-1. crowd: (M,) bool; training ignores crowds.
    """

    boxes: Tensor
    labels: Tensor
    crowd: Tensor

    def __post_init__(self) -> None:
        count = len(self.boxes)
        if self.boxes.shape != (count, 4) or self.labels.shape != (count,) or self.crowd.shape != (count,):
            raise ValueError(
                f"Targets of unequal length: {self.boxes.shape}, {self.labels.shape}, {self.crowd.shape}"
            )
        if not bool(torch.isfinite(self.boxes).all()):
            raise ValueError("Targets with infinite or NaN boxes")

    def to(self, device: torch.device | str) -> "Targets":
        """Copy to a device."""
        return Targets(self.boxes.to(device), self.labels.to(device), self.crowd.to(device))

    def objects(self) -> "Targets":
        """Return the objects that are not crowds."""
        keep = ~self.crowd
        return Targets(self.boxes[keep], self.labels[keep], self.crowd[keep])


@dataclass(frozen=True)
class Batch:
    """Images of one step, padded at the right and at the bottom to a common shape.

    images: (N, 3, H, W) float RGB 0..1. sizes_px: (N, 2) float, the valid (height, width) of each within H×W.
    targets: N of them.
    """

    images: Tensor
    sizes_px: Tensor
    targets: Sequence[Targets]

    def to(self, device: torch.device | str) -> "Batch":
        """Copy to a device."""
        return Batch(
            self.images.to(device, non_blocking=True),
            self.sizes_px.to(device, non_blocking=True),
            [targets.to(device) for targets in self.targets],
        )


@dataclass(frozen=True)
class Detections:
    """What a detector found in one image.

    boxes: (D, 4) px of the original image. scores: (D,) 0..1, descending. labels: (D,) int64, 0..C-1.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor
