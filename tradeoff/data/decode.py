"""Image files of any mode to RGB."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tradeoff.data.image_files import opened


def read_rgb(path: str) -> NDArray[np.uint8]:
    """Read an image file as (H, W, 3) uint8 RGB, pixels as stored: a rotation noted in EXIF is not applied.

    Raises:
        DataError: if the file is missing, truncated, too large or no image; names the file.
    """
    with opened(path) as image:
        return to_rgb(image)


def to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    """Convert any mode to (H, W, 3) uint8: grey is repeated, 16 bits are scaled to 8, transparency is dropped."""
    if image.mode.startswith("I"):
        grey = (np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[:, :, None], 3, axis=2)
    if image.mode == "P" and "transparency" in image.info:
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))
