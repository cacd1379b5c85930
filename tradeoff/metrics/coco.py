"""COCO's average precision and recall of boxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tradeoff.metrics import boxes
from tradeoff.metrics.boxes import Floats, Found, Truth
from tradeoff.metrics.engines import ENGINES, Ranges

#: T = 10 thresholds of IoU
IOUS = np.linspace(0.5, 0.95, 10)
#: R = 101 points of recall
RECALLS = np.linspace(0, 1, 101)
#: D = 3 limits of detections per image and class
LIMITS = (1, 10, 100)
#: the largest area that counts, px²
LARGEST_PX2 = 1e5**2
#: areas, px², both ends inclusive: an object of 32² is small and medium
STANDARD = ((0.0, LARGEST_PX2), (0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, LARGEST_PX2))


@dataclass(frozen=True, eq=False)
class Grid:
    """What COCO's evaluation measures before any mean is taken; NaN where a class has no object.

    T, R, D as above, C classes, A area ranges of which the first four are `STANDARD`.

    precision: (T, R, C, A, D), the best at that recall or a higher one, 0 beyond the last that is reached. recall:
    (T, C, A, D), the highest that is reached. score: (T, R, C, A, D), at which that recall is, 0 beyond. ranges: A.
    """

    precision: Floats
    recall: Floats
    score: Floats
    ranges: Ranges

    def where(self, area: tuple[float, float]) -> int:
        """Return the place of an area range."""
        return list(self.ranges).index(area)


def measure(objects: Truth, detections: Found, engine: str, extra: Ranges = ()) -> Grid:
    """Match detections to objects and accumulate precision over recall.

    Args:
        objects: the truth.
        detections: what was found.
        engine: hotcoco or pycocotools.
        extra: area ranges besides `STANDARD`, px².

    Source: Lin et al. 2014, and the COCO detection evaluation as in pycocotools.
    """
    ranges = tuple(dict.fromkeys((*STANDARD, *extra)))
    if not len(objects.image_ids) or not objects.classes:
        shape = (len(IOUS), objects.classes, len(ranges), len(LIMITS))
        blank = np.full((shape[0], len(RECALLS), *shape[1:]), np.nan)
        return Grid(blank, np.full(shape, np.nan), blank, ranges)
    precision, recall, score = ENGINES[engine](objects, detections, ranges)
    undefined = recall < 0
    for array in (precision, score):
        array[np.broadcast_to(undefined[:, None], array.shape)] = np.nan
    return Grid(precision, np.where(undefined, np.nan, recall), score, ranges)


def figures(grid: Grid) -> dict[str, float | None]:
    """Return the twelve standard figures, each 0..1, or None where there is no object to find.

    `ap` is the mean over IoU 0.5 to 0.95, `ap50` and `ap75` at one IoU; `ap_small` is of objects up to 32² px of
    area, `ap_medium` up to 96², `ap_large` from there on; `ar_1` `ar_10` `ar_100` the recall with so many detections
    per image and class. All are means over the classes that have objects.
    """
    precision, recall = grid.precision[..., -1], grid.recall
    told = {
        "ap": precision[..., 0],
        "ap50": precision[0, ..., 0],
        "ap75": precision[5, ..., 0],
        **{f"ap_{name}": precision[..., a] for a, name in enumerate(("small", "medium", "large"), start=1)},
        **{f"ar_{limit}": recall[..., 0, d] for d, limit in enumerate(LIMITS)},
        **{f"ar_{name}": recall[..., a, -1] for a, name in enumerate(("small", "medium", "large"), start=1)},
    }
    return {name: mean(values) for name, values in told.items()}


def mean(values: Floats) -> float | None:
    """Return the mean of what is defined, None if nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else None


def evaluate(
    ground_truth: Mapping[str, Any], detections: Sequence[Mapping[str, Any]], engine: str = "hotcoco"
) -> dict[str, float | None]:
    """Score detections in COCO's format.

    Args:
        ground_truth: as `boxes.truth` takes it.
        detections: each with image_id, category_id, bbox (x, y, width, height px) and score.
        engine: hotcoco or pycocotools.

    Returns:
        The twelve `figures`, and `eval_images`, the number of images.

    Raises:
        DataError: if the ground truth is refused by `boxes.truth` or the detections by `boxes.detections`.
    """
    objects = boxes.truth(ground_truth)
    grid = measure(objects, boxes.detections(objects, detections), engine)
    return {**figures(grid), "eval_images": len(objects.image_ids)}
