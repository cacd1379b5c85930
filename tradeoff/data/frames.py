"""Random frames of a given shape: a larger canvas, and cropping and padding to a ratio of the sides."""

import numpy as np

from tradeoff.data.dataset import Example
from tradeoff.data.windows import coverages, seen

#: part of an object that a crop to a ratio must cover for it to be kept (TF Object Detection API)
COVERED_MIN = 0.3
#: most of a canvas padded to a ratio, as a multiple of the sides of the image (the same)
PADDED_MAX = 2.0


def expand(random: np.random.Generator, example: Example, largest: float) -> Example:
    """Put half of the images somewhere on a canvas whose sides are 1 to `largest` times theirs, uniform.

    Source: Liu et al. 2016 (arXiv 1512.02325v5), section 3.6, where `largest` is 4.
    """
    chosen, factor = random.random() < 0.5, random.uniform(1, largest)
    if not chosen:
        return example
    height, width = example.size
    return placed(random, example, (round(factor * height), round(factor * width)))


def pad_to_ratio(random: np.random.Generator, example: Example, ratio: float) -> Example:
    """Put an image somewhere on a canvas of a width / height.

    The canvas is the least one times a factor, uniform from 1 to the largest by which no side exceeds twice that of
    the image; where the least canvas does so already, it is that one.

    Source: TF Object Detection API, random_pad_to_aspect_ratio with its default options.
    Differs: the place is random and the canvas has the mean colour, there it is the upper left corner, on black.
    """
    height, width = example.size
    rows, columns = max(height, width / ratio), max(width, height * ratio)
    largest = max(1.0, min(PADDED_MAX * height / rows, PADDED_MAX * width / columns))
    factor = random.uniform(1, largest)
    return placed(random, example, (max(height, round(factor * rows)), max(width, round(factor * columns))))


def crop_to_ratio(random: np.random.Generator, example: Example, ratio: float) -> Example:
    """Cut the largest part of a width / height out of an image, somewhere; objects stay of which it covers 0.3.

    Source: TF Object Detection API, random_crop_to_aspect_ratio.
    Differs: crowds stay wherever a part of them is seen.
    """
    height, width = example.size
    rows, columns = min(height, max(1, round(width / ratio))), min(width, max(1, round(height * ratio)))
    left, top = int(random.integers(width - columns + 1)), int(random.integers(height - rows + 1))
    window = (left, top, left + columns, top + rows)
    return seen(example, window, coverages(np.array([window]), example.boxes)[0] >= COVERED_MIN)


def placed(random: np.random.Generator, example: Example, canvas_hw: tuple[int, int]) -> Example:
    """Put an image somewhere on a canvas of (height, width) px, not less than its own."""
    (height, width), (rows, columns) = example.size, canvas_hw
    left, top = int(random.integers(columns - width + 1)), int(random.integers(rows - height + 1))
    every = np.ones(len(example.boxes), bool)
    return seen(example, (-left, -top, columns - left, rows - top), every)
