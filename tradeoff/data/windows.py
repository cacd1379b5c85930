"""Looking at an image through a window: cropping and padding are one.

Legend: H×W px of the image; T windows; M objects. A window is (x1, y1, x2, y2) in whole px of the image, x2 and y2
exclusive, and may reach beyond it. Boxes are xyxy px.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeoff.data.dataset import Example

Array = NDArray[Any]
Window = tuple[int, int, int, int]

#: what lies beyond an image: the mean colour of ImageNet, RGB
FILL = (124, 116, 104)


def seen(example: Example, window: Window, keep: Array) -> Example:
    """Return what is seen through a window: its pixels, and the kept objects with the part of their boxes in it.

    Args:
        example: the image and its M objects.
        window: what is seen; beyond the image it is filled with `FILL`.
        keep: (M,) bool, the objects that are kept. A crowd is kept wherever a part of it is seen, whatever is said
            here: its pixels must not be learned as background.
    """
    x1, y1, x2, y2 = window
    keep = np.where(example.crowd, intersections(np.array([window]), example.boxes)[0] > 0, keep)
    boxes = (example.boxes - [x1, y1, x1, y1]).clip(0, [x2 - x1, y2 - y1, x2 - x1, y2 - y1])
    return replace(
        example,
        image=pixels(example.image, window),
        boxes=boxes[keep],
        labels=example.labels[keep],
        crowd=example.crowd[keep],
    )


def pixels(image: NDArray[np.uint8], window: Window) -> NDArray[np.uint8]:
    """Return the (y2 - y1, x2 - x1, 3) pixels of a window."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = window
    left, top, right, bottom = max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)
    if (left, top, right, bottom) == window:
        return image[y1:y2, x1:x2]
    canvas = np.empty((y2 - y1, x2 - x1, 3), np.uint8)
    canvas[:] = FILL
    canvas[top - y1 : bottom - y1, left - x1 : right - x1] = image[top:bottom, left:right]
    return canvas


def intersections(windows: Array, boxes: Array) -> Array:
    """Return the (T, M) areas, px², that windows (T, 4) share with boxes (M, 4)."""
    sides = np.minimum(windows[:, None, 2:], boxes[:, 2:]) - np.maximum(windows[:, None, :2], boxes[:, :2])
    return np.asarray(sides.clip(0).prod(axis=2))


def areas(boxes: Array) -> Array:
    """Return the (M,) areas of boxes (M, 4), px²."""
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))


def ious(windows: Array, boxes: Array) -> Array:
    """Return the (T, M) overlaps of windows and boxes: shared over joint area, 0..1."""
    shared = intersections(windows, boxes)
    return shared / np.maximum(areas(windows)[:, None] + areas(boxes) - shared, 1e-9)


def coverages(windows: Array, boxes: Array) -> Array:
    """Return the (T, M) parts of the boxes that lie within the windows, 0..1."""
    return intersections(windows, boxes) / np.maximum(areas(boxes), 1e-9)


def centres_inside(windows: Array, boxes: Array) -> Array:
    """Return (T, M) bool, whether the centres of the boxes lie within the windows."""
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.asarray(((centres > windows[:, None, :2]) & (centres < windows[:, None, 2:])).all(axis=2))
