"""Random crops that are chosen by their overlap with the objects, as SSD is trained with.

Legend: T trials, M objects; windows (T, 4) in whole px, see `windows`.
"""

import math

import numpy as np

from tradeoff.data.dataset import Example
from tradeoff.data.windows import Array, Window, centres_inside, coverages, intersections, ious, seen

TRIALS = 50
TRIALS_API = 100
AREA = (0.1, 1.0)  # of a crop, as a part of the image
RATIO = 2.0  # most width / height of a crop, and most height / width, px
IOU_CHOICES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9)
WHOLE = math.inf  # among these choices: an overlap that no crop has
COVERED_CHOICES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
WHOLE_API = 0.15


def ssd(random: np.random.Generator, example: Example) -> Example:
    """Crop, or leave the whole image: one of seven choices, each as likely as the others.

    The other six are a crop with an overlap (IoU) of at least 0, 0.1, 0.3, 0.5, 0.7 or 0.9 with some object. It has
    the centre of an object in it, and the objects whose centre is in it are kept. A choice that is not met in 50
    trials gives way to another. A crowd is no object here, and kept where a part of it is seen. An image without
    objects stays whole.

    Source: Liu et al. 2016, section 2.2.
    Differs: an overlap with some object, as in the authors' program; the paper's words leave it open.
    """
    objects = example.boxes[~example.crowd]
    if not len(objects):
        return example
    for choice in random.permutation([*IOU_CHOICES, WHOLE]):
        if choice == WHOLE:
            break
        windows = trials(random, example.size)
        good = centres_inside(windows, objects).any(axis=1) & (ious(windows, objects).max(axis=1) >= choice)
        if good.any():
            found = windows[good][:1]
            return seen(example, window(found[0]), centres_inside(found, example.boxes)[0])
    return example


def ssd_api(random: np.random.Generator, example: Example) -> Example:
    """Crop so that a part of some object is covered: 0, 0.1, 0.3, 0.5, 0.7, 0.9 or all of it, as likely each.

    Objects are kept that are covered as much. In 15 of 100 images, and where 100 trials find no such crop, the whole
    image stays.

    Source: TF Object Detection API, ssd_random_crop with its default options.
    Differs: an image without objects stays whole, there it is cropped anyhow; a crowd is no object, and is kept where
    a part of it is seen; objects are covered by parts of a px, there their corners are cut to whole px first.
    """
    choice = random.choice(COVERED_CHOICES)
    objects = example.boxes[~example.crowd]
    if random.random() < WHOLE_API or not len(objects):
        return example
    windows = trials_api(random, example.size)
    windows = windows[coverages(windows, objects).max(axis=1) >= choice][:1]
    if not len(windows):
        return example
    touched = intersections(windows, example.boxes)[0] > 0
    return seen(example, window(windows[0]), touched & (coverages(windows, example.boxes)[0] >= choice))


def trials(random: np.random.Generator, size_hw: tuple[int, int]) -> Array:
    """Return up to T windows within an image: those whose shape does not fit in are left out.

    Their area is uniform in 0.1 to 1 of the image's and their ratio log-uniform in 1/2 to 2, both before sides are
    rounded to whole px. Where none fits in, the whole image is the one window.
    """
    height, width = size_hw
    area = random.uniform(*AREA, TRIALS) * height * width
    ratio = RATIO ** random.uniform(-1, 1, TRIALS)
    sides = np.stack([np.sqrt(area * ratio), np.sqrt(area / ratio)], axis=1).round().astype(np.int64)
    room = [width, height] - sides
    corners = np.floor(random.random((TRIALS, 2)) * (room + 1)).astype(np.int64)
    fits = (room >= 0).all(axis=1) & (sides > 0).all(axis=1)
    found = np.concatenate([corners, corners + sides], axis=1)[fits]
    return found if len(found) else np.array([[0, 0, width, height]])


def trials_api(random: np.random.Generator, size_hw: tuple[int, int]) -> Array:
    """Return up to 100 windows within an image: those whose rounded shape misses the limits are left out.

    Their ratio is uniform in 1/2 to 2, and their height uniform among the whole px that the ratio, the image and an
    area of 0.1 to 1 of the image's allow.

    Source: TensorFlow, the operation sample_distorted_bounding_box. As there, a window narrower than the image never
    touches its right edge, and one less high never its lower edge.
    """
    height, width = size_hw
    ratio = random.uniform(1 / RATIO, RATIO, TRIALS_API)
    least, most = (part * height * width for part in AREA)
    highest = np.minimum(np.rint(np.sqrt(most / ratio)), np.minimum(height, np.floor((width + 0.4999999) / ratio)))
    lowest = np.minimum(np.rint(np.sqrt(least / ratio)), highest)
    rows = lowest + np.floor(random.random(TRIALS_API) * (highest - lowest + 1))
    rows += rows * np.rint(rows * ratio) < least  # rounding may have taken a px
    rows -= rows * np.rint(rows * ratio) > most  # or given one
    sides = np.stack([np.rint(rows * ratio), rows], axis=1)
    area, room = sides.prod(axis=1), [width, height] - sides
    corners = np.floor(random.random((TRIALS_API, 2)) * room)
    fits = (area >= least) & (area <= most) & (room >= 0).all(axis=1) & (sides > 0).all(axis=1)
    return np.concatenate([corners, corners + sides], axis=1)[fits].astype(np.int64)


def window(found: Array) -> Window:
    """Return a window as plain numbers."""
    x1, y1, x2, y2 = found.tolist()
    return x1, y1, x2, y2
