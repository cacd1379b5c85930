"""Random ground truths and detections in COCO's format, with everything that makes scoring hard."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tradeoff.metrics import boxes

Entry = dict[str, Any]

#: px; the squares are on, just below and just above the edges of COCO's sizes
SIDES = (4, 16, 31.9999, 32, 32.0001, 60, 95.9999, 96, 96.0001, 200)


@dataclass(frozen=True)
class RandomSet:
    """A ground truth, and detections as a list of entries."""

    truth: Entry
    detections: list[Entry]


def random_set(seed: int, images: int = 5, classes: int = 3, most: int = 40) -> RandomSet:
    """Make a set: crowds, equal scores, gaps in all ids, images and classes without objects or detections.

    Boxes lie on a coarse grid, so that overlaps are equal often and exact at thresholds. Areas are of boxes or not.
    """
    random = np.random.default_rng(seed)
    image_ids = random.choice(10_000, images, replace=False).tolist()
    category_ids = (1 + random.choice(90, classes, replace=False)).tolist()
    empty = random.random(images) < 0.2

    def place() -> dict[str, Any]:
        full = [identity for identity, without in zip(image_ids, empty, strict=True) if not without] or image_ids
        return {"image_id": int(random.choice(full)), "category_id": int(random.choice(category_ids))}

    def box() -> list[float]:
        corner = 4 * random.integers(0, 20, 2)
        return [*corner.astype(float).tolist(), *map(float, random.choice(SIDES, 2))]

    objects = [{**place(), "bbox": box(), "iscrowd": int(random.random() < 0.15)} for _ in range(random.integers(25))]
    for entry, number in zip(objects, 1 + random.permutation(500), strict=False):
        scale = random.choice([1.0, 1.0, 0.5])
        entry |= {"id": int(number), "area": entry["bbox"][2] * entry["bbox"][3] * scale}
    detections = [detection(random, objects, place(), box()) for _ in range(random.integers(most + 1))]
    if detections and random.random() < 0.3:  # one crowded image, beyond the limits of 100 and 10
        target = detections[0]["image_id"]
        crowd = random.integers(90, 301)
        detections += [{**detection(random, objects, place(), box()), "image_id": target} for _ in range(crowd)]
    truth = {
        "images": [{"id": identity} for identity in image_ids],
        "categories": [{"id": identity, "name": f"class {identity}"} for identity in category_ids],
        "annotations": objects,
    }
    return RandomSet(truth, detections)


def detection(random: np.random.Generator, objects: list[Entry], place: Entry, box: list[float]) -> Entry:
    """Make a detection: an object, one that was moved or has another class, or a box somewhere."""
    if objects and random.random() < 0.75:
        chosen = objects[random.integers(len(objects))]
        moved = np.array(chosen["bbox"]) + random.choice([0, 0, 1, 2, 4, 7.5]) * random.integers(-1, 2, 4)
        box = [*moved[:2].tolist(), *np.maximum(moved[2:], 0).tolist()]
        keys = ("image_id", "category_id") if random.random() < 0.9 else ("image_id",)
        place = {**place, **{key: chosen[key] for key in keys}}
    return {**place, "bbox": box, "score": float(np.round(random.random(), int(random.choice([1, 2, 8]))))}


def arrays(made: RandomSet) -> tuple[boxes.Truth, boxes.Found]:
    """Return a set as the metrics take it."""
    truth = boxes.truth(made.truth)
    return truth, boxes.detections(truth, made.detections)
