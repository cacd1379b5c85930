"""Objects and detections of a validation set as flat arrays: what every metric takes, checked once.

NaN, infinities and references to nothing end here. To an evaluator a NaN box is a perfect match, and an infinite one
can end the process.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tradeoff.core.errors import DataError

#: the largest coordinate or side that is taken for one, px; areas and sums of them then stay finite
LARGEST_PX = 1e9

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Truth:
    """The M objects of I images in C classes.

    image_ids: (I,) rising. category_ids: (C,) rising. names: (C,) of the categories. image: (M,) 0..I-1. label: (M,)
    0..C-1. box: (M, 4) x, y, width, height px of the original image. area: (M,) px². crowd: (M,).
    """

    image_ids: Ints
    category_ids: Ints
    names: tuple[str, ...]
    image: Ints
    label: Ints
    box: Floats
    area: Floats
    crowd: Bools

    @property
    def classes(self) -> int:
        """The number of classes, C."""
        return len(self.category_ids)

    def objects(self, chosen: Bools) -> Ints:
        """Count the objects of a mask (M,) by class, (C,)."""
        return np.bincount(self.label[chosen], minlength=self.classes)


@dataclass(frozen=True, eq=False)
class Found:
    """N detections, in the order in which they were given.

    image: (N,) 0..I-1 and label: (N,) 0..C-1, as in `Truth`. box: (N, 4) x, y, width, height px. score: (N,).
    """

    image: Ints
    label: Ints
    box: Floats
    score: Floats

    @cached_property
    def ranking(self) -> Ints:
        """The detections by falling score; equal scores in the order of the image ids, then as given."""
        return np.lexsort((self.image, -self.score))


def truth(ground_truth: Mapping[str, Any]) -> Truth:
    """Make the arrays of annotations in COCO's format.

    Args:
        ground_truth: images with id; categories with id and perhaps name; annotations with image_id, category_id,
            bbox (x, y, width, height px) and perhaps area and iscrowd. A missing area is width × height, a missing
            iscrowd 0. The ids of annotations are not read, so that 0 and doubles mean nothing.

    Raises:
        DataError: if an image or category is listed twice, or an annotation is of neither or has no finite box with
            positive sides.
    """
    entries = ground_truth["annotations"]
    image_ids, category_ids = listed(ground_truth, "images"), listed(ground_truth, "categories")
    names = {entry["id"]: str(entry.get("name", entry["id"])) for entry in ground_truth["categories"]}
    box = boxes("annotation", entries)
    refuse_endless("annotation", box)
    product = (box[:, 2] * box[:, 3]).tolist()
    area = np.array([entry.get("area", default) for entry, default in zip(entries, product, strict=True)], np.float64)
    refuse("annotation", ~(box[:, 2:] > 0).all(axis=1), "bbox", box, "a width and a height above 0")
    refuse("annotation", ~(np.isfinite(area) & (area >= 0)), "area", area, "a finite number of at least 0")
    return Truth(
        image_ids,
        category_ids,
        tuple(names[identity] for identity in category_ids.tolist()),
        rows("annotation", "image", [entry["image_id"] for entry in entries], image_ids),
        rows("annotation", "category", [entry["category_id"] for entry in entries], category_ids),
        box,
        area,
        np.array([bool(entry.get("iscrowd", 0)) for entry in entries], np.bool_),
    )


def found(of: Truth, image_id: ArrayLike, category_id: ArrayLike, box: Floats, score: ArrayLike) -> Found:
    """Make the arrays of detections on the images and categories of a truth.

    Args:
        of: what they will be compared with.
        image_id: (N,) as in the ground truth.
        category_id: (N,) as in the ground truth.
        box: (N, 4) x, y, width, height px.
        score: (N,).

    Raises:
        DataError: if a number is not finite, a side is negative, or the image or category is not in the truth.
    """
    box, score = np.asarray(box, np.float64).reshape(-1, 4), np.asarray(score, np.float64)
    refuse_endless("detection", box)
    refuse("detection", ~np.isfinite(score), "score", score, "a finite number")
    refuse("detection", ~(box[:, 2:] >= 0).all(axis=1), "bbox", box, "sides of at least 0")
    image = rows("detection", "image", image_id, of.image_ids)
    return Found(image, rows("detection", "category", category_id, of.category_ids), box, score)


def detections(of: Truth, entries: Sequence[Mapping[str, Any]]) -> Found:
    """Make the arrays of detections in COCO's format.

    Args:
        of: what they will be compared with.
        entries: each with image_id, category_id, bbox (x, y, width, height px) and score.

    Raises:
        DataError: as `found`.
    """
    images, categories, scores = ([entry[key] for entry in entries] for key in ("image_id", "category_id", "score"))
    return found(of, images, categories, boxes("detection", entries), scores)


def predicted(of: Truth, predictions: Mapping[str, NDArray[Any]], category_ids: Sequence[int]) -> Found:
    """Make the arrays of detections as the Predict stage keeps them.

    Args:
        of: what they will be compared with.
        predictions: image_id (N,); label (N,), places in `category_ids`; score (N,); box (N, 4) x1, y1, x2, y2 px.
        category_ids: of the labels.

    Raises:
        DataError: if there is no such label, or as `found`.
    """
    label = predictions["label"]
    outside = (label < 0) | (label >= len(category_ids))
    refuse("detection", outside, "label", label, f"0 to {len(category_ids) - 1}")
    box = predictions["box"].astype(np.float64)
    box[:, 2:] -= box[:, :2]
    return found(of, predictions["image_id"], np.array(category_ids, np.int64)[label], box, predictions["score"])


def boxes(kind: str, entries: Sequence[Mapping[str, Any]]) -> Floats:
    """Return the boxes (M, 4) of entries in COCO's format.

    Raises:
        DataError: naming the first that has not four numbers.
    """
    listed = [entry["bbox"] for entry in entries]
    for number in (number for number, box in enumerate(listed) if len(box) != 4):
        raise DataError(f"{kind} {number}: bbox={listed[number]}: expected 4 finite numbers x, y, width, height")
    return np.fromiter(chain.from_iterable(listed), np.float64, 4 * len(listed)).reshape(-1, 4)


def listed(ground_truth: Mapping[str, Any], key: str) -> Ints:
    """Return the ids of the images or the categories, rising.

    Raises:
        DataError: if one is there twice.
    """
    ids, counts = np.unique(np.array([entry["id"] for entry in ground_truth[key]], np.int64), return_counts=True)
    if (counts > 1).any():
        raise DataError(f"{key}: id {ids[counts > 1][0]} is listed {counts.max()} times; give each its own")
    return ids


def rows(kind: str, what: str, ids: ArrayLike, known: Ints) -> Ints:
    """Return the places of ids among the known ones.

    Raises:
        DataError: naming the first that is not known, or if they are no whole numbers.
    """
    wanted = np.asarray(ids)
    if wanted.size and wanted.dtype.kind not in "iu":
        raise DataError(f"{kind}s: {what} ids of type {wanted.dtype}: expected whole numbers")
    wanted = wanted.astype(np.int64)
    place = np.searchsorted(known, wanted)
    missing = place == len(known)
    missing[~missing] = known[place[~missing]] != wanted[~missing]
    refuse(kind, missing, what, wanted, f"one of the ground truth's {len(known)}; there is no such {what}")
    return place


def refuse_endless(kind: str, box: Floats) -> None:
    """Refuse boxes (M, 4) that are not finite or larger than any image.

    Raises:
        DataError: naming the first.
    """
    expected = f"4 finite numbers of at most {LARGEST_PX:g} px"
    refuse(kind, ~(np.abs(box) <= LARGEST_PX).all(axis=1), "bbox", box, expected)


def refuse(kind: str, wrong: ArrayLike, key: str, values: NDArray[Any], expected: str) -> None:
    """Refuse entries of which one is wrong, naming the first.

    Raises:
        DataError: if any is wrong.
    """
    numbers = np.flatnonzero(wrong)
    if len(numbers):
        more = f"; the first of {len(numbers)}" if len(numbers) > 1 else ""
        raise DataError(f"{kind} {numbers[0]}: {key}={values[numbers[0]].tolist()}: expected {expected}{more}")
