"""Pictures whose every pixel says where it is and what it belongs to, so that boxes can be found again."""

import numpy as np

from tradeoff.data.dataset import Example

FIRST = 150  # blue of the first object; the ground is 0, what lies beyond an image is 104


def picture(seed: int, objects: int = 4, width: int = 120, height: int = 90) -> Example:
    """Paint rectangles that do not touch: red is x, green is y, blue is 150 + the number of the object."""
    random = np.random.default_rng(seed)
    image = np.zeros((height, width, 3), np.uint8)
    image[..., 0], image[..., 1] = np.arange(width), np.arange(height)[:, None]
    boxes: list[list[float]] = []
    while len(boxes) < objects:
        (x1, x2), (y1, y2) = (np.sort(random.integers(0, side + 1, 2)) for side in (width, height))
        if x2 - x1 > 4 and y2 - y1 > 4 and not image[max(0, y1 - 1) : y2 + 1, max(0, x1 - 1) : x2 + 1, 2].any():
            image[y1:y2, x1:x2, 2] = FIRST + len(boxes)
            boxes.append([x1, y1, x2, y2])
    labels = np.arange(objects)
    return Example(image, np.array(boxes, np.float64).reshape(-1, 4), labels, np.zeros(objects, bool), seed)


def found(image: np.ndarray, label: int) -> list[int] | None:
    """Find the box of an object by its colour, or None where there is nothing of it."""
    rows, columns = np.nonzero(image[..., 2] == FIRST + label)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else None


def assert_boxes_follow_pixels(example: Example) -> None:
    """Every box is where its colour is."""
    for box, label in zip(example.boxes.tolist(), example.labels, strict=True):
        assert box == found(example.image, label)


def pixels_of(image: np.ndarray, label: int) -> int:
    """Count the pixels of an object."""
    return int((image[..., 2] == FIRST + label).sum())
