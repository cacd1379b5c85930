"""Everything that is said about the accuracy of a set of detections: numbers for columns, arrays for a file."""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeoff.metrics import coco, matching, ranked, tide
from tradeoff.metrics.boxes import Floats, Found, Truth
from tradeoff.metrics.coco import IOUS, LARGEST_PX2, RECALLS, Grid


def accuracy(
    truth: Truth, found: Found, *, engine: str, size_edges_px: tuple[float, ...], score_threshold: float
) -> tuple[dict[str, float | None], dict[str, NDArray[Any]]]:
    """Score detections by the rules of COCO, Pascal VOC and Open Images, and say what errors cost.

    Args:
        truth: the objects.
        found: the detections.
        engine: that does COCO's matching, hotcoco or pycocotools.
        size_edges_px: rising edges of B - 1 sizes, squared into areas.
        score_threshold: at which precision, recall and F1 are told.

    Returns:
        The accuracy columns, None where there is nothing to say, and the arrays that `stages/evaluate.py` documents.
    """
    buckets = areas(size_edges_px)
    grid = coco.measure(truth, found, engine, extra=buckets)
    voc, open_images = matching.voc(truth, found), matching.open_images(truth, found)
    objects = truth.objects(~truth.crowd)
    points = ranked.at_score(found, voc, objects, score_threshold)
    vectors = {
        "voc_ap50": ranked.by_class(found, voc, objects, ranked.area),
        "voc_ap50_11pt": ranked.by_class(found, voc, objects, ranked.eleven_points),
        "oi_ap50": ranked.by_class(found, open_images, truth.objects(np.ones_like(truth.crowd)), ranked.area),
    }
    columns = {
        **coco.figures(grid),
        "eval_images": len(truth.image_ids),
        **{name: coco.mean(values) for name, values in vectors.items()},
        **{f"{name}_at_score": coco.mean(values[-1:]) for name, values in points.items()},
        **tide.costs(truth, found),
    }
    arrays = {
        **labels(truth, buckets),
        **cuts(grid, [grid.where(bucket) for bucket in buckets]),
        **{f"{name}_by_class": values for name, values in vectors.items()},
        **{f"{name}_at_score_by_class": values[:-1] for name, values in points.items()},
        "score_threshold": np.array(score_threshold),
    }
    return columns, arrays


def areas(size_edges_px: tuple[float, ...]) -> list[tuple[float, float]]:
    """Return the areas between squared edges, px², both ends inclusive as in COCO, from 0 to COCO's largest."""
    return list(pairwise([0.0, *(edge**2 for edge in size_edges_px), LARGEST_PX2]))


def labels(truth: Truth, buckets: list[tuple[float, float]]) -> dict[str, NDArray[Any]]:
    """Return what the axes of the arrays are, and how many objects there are to find."""
    inside = [~truth.crowd & (truth.area >= low) & (truth.area <= high) for low, high in buckets]
    return {
        "category_id": truth.category_ids,
        "category": np.array(truth.names, np.str_),
        "iou": IOUS,
        "recall": RECALLS,
        "size_area_px2": np.array(buckets),
        "objects_by_class": truth.objects(~truth.crowd),
        "objects_by_size_class": np.stack([truth.objects(chosen) for chosen in inside]),
    }


def cuts(grid: Grid, places: list[int]) -> dict[str, Floats]:
    """Return COCO's figures by class, by IoU and by own size, with 100 detections, and the curves."""
    ap, ar = grid.ap, grid.ar
    return {
        "ap_by_iou": over_classes(ap[..., 0]),
        "ap_by_class": ap[..., 0].mean(axis=0),
        "ap_by_iou_class": ap[..., 0],
        "ap_by_size": over_classes(ap[..., places].mean(axis=0).T),
        "ap_by_size_class": ap[..., places].mean(axis=0).T,
        "ar_by_iou": over_classes(ar[..., 0]),
        "ar_by_class": ar[..., 0].mean(axis=0),
        "ar_by_iou_class": ar[..., 0],
        "ar_by_size": over_classes(ar[..., places].mean(axis=0).T),
        "ar_by_size_class": ar[..., places].mean(axis=0).T,
        "curve_precision": grid.precision,
        "curve_score": grid.score,
    }


def over_classes(values: Floats) -> Floats:
    """Return the means of (X, C) over the classes that are defined, (X,); NaN where none is."""
    told = [coco.mean(row) for row in values]
    return np.array([np.nan if value is None else value for value in told])
