"""COCO's average precision and recall of boxes, computed by pycocotools."""

import contextlib
import io
import math
from collections.abc import Sequence
from typing import Any

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tradeoff.core.errors import DataError

Entry = dict[str, Any]

#: the order of COCOeval.stats
NAMES = (
    "ap",
    "ap50",
    "ap75",
    "ap_small",
    "ap_medium",
    "ap_large",
    "ar_1",
    "ar_10",
    "ar_100",
    "ar_small",
    "ar_medium",
    "ar_large",
)


def evaluate(ground_truth: Entry, detections: Sequence[Entry]) -> dict[str, float | None]:
    """Score detections against annotations.

    Args:
        ground_truth: COCO's format: images with id; annotations with image_id, category_id, bbox (x, y, width, height
            px of the original), area px² and perhaps iscrowd; categories with id.
        detections: each with image_id, category_id, bbox as above and score.

    Returns:
        `ap` is the mean over IoU 0.5 to 0.95, `ap50` and `ap75` at one IoU, `ap_small` below 32² px of area,
        `ap_medium` and `ap_large` from 96² on; `ar_1` `ar_10` `ar_100` the recall with so many detections per image.
        All are 0..1 and means over the categories that have objects; None where there is no object to find.
        `eval_images` is the number of images.

    Raises:
        DataError: if a detection is not finite, or of an image or a category that is not in the ground truth.

    Source: Lin et al. 2014, and the COCO detection evaluation as in pycocotools.
    """
    refuse_wrong(ground_truth, detections)
    with contextlib.redirect_stdout(io.StringIO()):
        scoring = COCOeval(truth(ground_truth), found(ground_truth, detections), "bbox")
        scoring.evaluate()
        scoring.accumulate()
        scoring.summarize()
    values = [float(value) for value in scoring.stats]
    scores = {name: None if value < 0 else value for name, value in zip(NAMES, values, strict=True)}
    return {**scores, "eval_images": len(ground_truth["images"])}


def refuse_wrong(ground_truth: Entry, detections: Sequence[Entry]) -> None:
    """Refuse what pycocotools would take without a word: to it, a NaN box is a perfect match."""
    images, categories = ({entry["id"] for entry in ground_truth[key]} for key in ("images", "categories"))
    for number, entry in enumerate(detections):
        where = f"detection {number} of image {entry['image_id']}"
        if len(entry["bbox"]) != 4 or not all(map(math.isfinite, (*entry["bbox"], entry["score"]))):
            raise DataError(f"{where}: bbox={entry['bbox']} score={entry['score']}: expected 4 + 1 finite numbers")
        if entry["image_id"] not in images:
            raise DataError(f"{where}: no such image in the ground truth")
        if entry["category_id"] not in categories:
            raise DataError(f"{where}: category {entry['category_id']} is not in the ground truth")


def indexed(images: list[Entry], categories: list[Entry], annotations: list[Entry]) -> COCO:
    """Return an index over copies of annotations, numbered from 1: pycocotools takes id 0 for unmatched."""
    index = COCO()
    numbered = [{**entry, "id": number} for number, entry in enumerate(annotations, start=1)]
    index.dataset = {"images": images, "categories": categories, "annotations": numbered}
    index.createIndex()
    return index


def truth(ground_truth: Entry) -> COCO:
    """Return the index of the objects."""
    objects = [{"iscrowd": 0, **entry} for entry in ground_truth["annotations"]]
    return indexed(ground_truth["images"], ground_truth["categories"], objects)


def found(ground_truth: Entry, detections: Sequence[Entry]) -> COCO:
    """Return the index of the detections; `COCO.loadRes` cannot read none."""
    boxes = [{**entry, "area": entry["bbox"][2] * entry["bbox"][3], "iscrowd": 0} for entry in detections]
    return indexed(ground_truth["images"], ground_truth["categories"], boxes)
