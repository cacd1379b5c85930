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
#: detections that count, of an image and a class; the last of them except where the figure says another
LIMITS = (1, 10, 100)
#: the largest area that counts, px²
LARGEST_PX2 = 1e5**2
#: areas, px², both ends inclusive: an object of 32² is small and medium
STANDARD = ((0.0, LARGEST_PX2), (0.0, 32.0**2), (32.0**2, 96.0**2), (96.0**2, LARGEST_PX2))


@dataclass(frozen=True, eq=False)
class Grid:
    """What COCO's evaluation measures before any mean over classes is taken; NaN where a class has no object.

    T, R as above, C classes, A area ranges of which the first four are `STANDARD`.

    ap: (T, C, A). ar: (T, C, A), the highest recall that is reached. ar_few: (T, C, 2), with 1 and 10 detections, of
    all areas. precision: (T, R, C), of all areas, the best at that recall or a higher one, 0 beyond the last that is
    reached. score: (T, R, C), down to which that recall is reached, 0 beyond. ranges: the A areas, px².
    """

    ap: Floats
    ar: Floats
    ar_few: Floats
    precision: Floats
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
    ranges = with_standard(extra)
    if not len(objects.image_ids) or not objects.classes:
        return nothing(objects.classes, ranges)
    precision, recall, score = ENGINES[engine](objects, detections, ranges, LIMITS)
    return Grid(
        ap=defined(precision[..., -1].mean(axis=1)),
        ar=defined(recall[..., -1]),
        ar_few=defined(recall[..., 0, :-1]),
        precision=defined(precision[..., 0, -1]),
        score=defined(score[..., 0, -1]),
        ranges=ranges,
    )


def with_standard(extra: Ranges) -> Ranges:
    """Return area ranges after `STANDARD`, each once."""
    return tuple(dict.fromkeys((*STANDARD, *extra)))


def defined(values: Floats) -> Floats:
    """Return a copy with NaN for what an engine leaves at -1, a class for which there is no object."""
    return np.where(values < 0, np.nan, values)


def nothing(classes: int, ranges: Ranges) -> Grid:
    """Return the grid of a set without images or without categories."""
    by_area = np.full((len(IOUS), classes, len(ranges)), np.nan)
    curve = np.full((len(IOUS), len(RECALLS), classes), np.nan)
    few = np.full((len(IOUS), classes, len(LIMITS) - 1), np.nan)
    return Grid(ap=by_area, ar=by_area, ar_few=few, precision=curve, score=curve, ranges=ranges)


def figures(grid: Grid) -> dict[str, float | None]:
    """Return the twelve standard figures, each 0..1, or None where there is no object to find.

    `ap` is the mean over IoU 0.5 to 0.95, `ap50` and `ap75` at one IoU; `ap_small` is of objects up to 32² px of
    area, `ap_medium` up to 96², `ap_large` from there on; `ar_1` `ar_10` `ar_100` the recall with so many detections
    per image and class. All are means over the classes that have objects.
    """
    sizes = list(enumerate(("small", "medium", "large"), start=1))
    told = {
        "ap": grid.ap[..., 0],
        "ap50": grid.ap[0, :, 0],
        "ap75": grid.ap[5, :, 0],
        **{f"ap_{name}": grid.ap[..., place] for place, name in sizes},
        "ar_1": grid.ar_few[..., 0],
        "ar_10": grid.ar_few[..., 1],
        "ar_100": grid.ar[..., 0],
        **{f"ar_{name}": grid.ar[..., place] for place, name in sizes},
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
