"""What a data set is to the rest of the package: examples by index, in numpy."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Example:
    """One image and its M objects.

    image: (H, W, 3) uint8 RGB. boxes: (M, 4) float64 xyxy px of this image. labels: (M,) int64, 0..C-1.
    crowd: (M,) bool. image_id: as in the ground truth.
    """

    image: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    labels: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    image_id: int

    @property
    def size(self) -> tuple[int, int]:
        """The (height, width) of the image, px."""
        return self.image.shape[0], self.image.shape[1]


class Dataset(Protocol):
    """A split of a data set; it can be pickled, and `example` is a pure function of the index."""

    #: the names of the C classes, by label
    classes: tuple[str, ...]
    #: the ids that the ground truth gives to the classes, by label
    category_ids: tuple[int, ...]

    def __len__(self) -> int:
        """Return the number of images in validation, of one (perhaps nominal) epoch in training."""

    def example(self, index: int) -> Example:
        """Return an example: any index from 0 in training, without end; 0..len-1 in validation."""

    def ground_truth(self) -> dict[str, Any]:
        """Return the annotations of the validation images in COCO's format."""


def inside(index: int, length: int) -> int:
    """Return the index of a validation image.

    Raises:
        IndexError: if there is no such image.
    """
    if not 0 <= index < length:
        raise IndexError(f"image {index} of {length}")
    return index
