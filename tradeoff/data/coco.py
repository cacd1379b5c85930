"""Annotated photographs of any format, in COCO's form and kept as a few arrays."""

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tradeoff.core.errors import DataError
from tradeoff.data import documents
from tradeoff.data.dataset import Example, inside
from tradeoff.data.decode import read_rgb
from tradeoff.data.document import Document, Entry
from tradeoff.data.streams import Stream, generator
from tradeoff.recipes.data import CocoSplit


class CocoDataset:
    """One split of annotated photographs, in the order of the image ids.

    A training stream goes through all images in a new order each epoch, those without objects included. Its boxes
    are clipped to the image and those without area are dropped; validation is as annotated.
    """

    def __init__(self, **options: Any) -> None:
        """Read the annotations of a `CocoSplit` with these options; they are taken to have been checked.

        Raises:
            DataError: if the annotations are not those that the split was made of.
        """
        self.split = CocoSplit(**options)
        document = self.read()
        self.path, self.folder = document.path, document.folder
        categories = sorted(document.entries("categories"), key=lambda entry: entry["id"])
        self.classes = tuple(str(entry["name"]) for entry in categories)
        self.category_ids = tuple(int(entry["id"]) for entry in categories)
        images = sorted(document.entries("images"), key=lambda entry: entry["id"])[: self.split.images]
        self.index_images(images)
        self.index_annotations(document.entries("annotations"))
        self.order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, np.int64))

    def read(self) -> Document:
        """Read the annotations, and refuse those that have changed since the split was made."""
        document = documents.read(self.split)
        if document.faults or document.sha256 != self.split.sha256:
            raise DataError(f"{document.path}: changed since the command was given; give it again")
        return document

    def index_images(self, images: list[Entry]) -> None:
        """Keep ids, file names and sizes; a size that is not stated is 0."""
        self.image_ids = np.array([entry["id"] for entry in images], np.int64)
        self.names = np.array([entry["file_name"] for entry in images], np.str_)
        self.sizes = np.array([(entry.get("height", 0), entry.get("width", 0)) for entry in images], np.int64)

    def index_annotations(self, annotations: list[Entry]) -> None:
        """Keep the objects of the chosen images, sorted by image; image i has rows starts[i] to starts[i + 1]."""
        owners = np.array([entry["image_id"] for entry in annotations], np.int64)
        order = np.argsort(owners, kind="stable")
        order = order[np.isin(owners[order], self.image_ids)]
        chosen = [annotations[row] for row in order]
        self.starts = np.searchsorted(owners[order], np.append(self.image_ids, np.iinfo(np.int64).max))
        self.boxes_xywh = np.array([entry["bbox"] for entry in chosen], np.float64).reshape(-1, 4)
        self.labels = np.searchsorted(self.category_ids, [entry["category_id"] for entry in chosen]).astype(np.int64)
        self.crowd = np.array([entry.get("iscrowd", 0) for entry in chosen], np.bool_)
        width_height = self.boxes_xywh[:, 2] * self.boxes_xywh[:, 3]
        areas = [entry.get("area", default) for entry, default in zip(chosen, width_height, strict=True)]
        self.areas = np.array(areas, np.float64)
        self.annotation_ids = np.array([entry["id"] for entry in chosen], np.int64)

    def __len__(self) -> int:
        return len(self.image_ids)

    def example(self, index: int) -> Example:
        """Return an example; a training index without end, a validation index from 0 to len-1.

        Raises:
            DataError: if the image file is missing, broken, or not of the size that the annotation file states.
        """
        row = self.shuffled(index) if self.split.train else inside(index, len(self))
        image = self.image(row)
        objects = slice(self.starts[row], self.starts[row + 1])
        boxes, labels, crowd = xyxy(self.boxes_xywh[objects]), self.labels[objects], self.crowd[objects]
        if self.split.train:
            boxes = np.clip(boxes, 0, np.tile(image.shape[1::-1], 2))
            keep = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
            boxes, labels, crowd = boxes[keep], labels[keep], crowd[keep]
        return Example(image, boxes, labels.copy(), crowd.copy(), int(self.image_ids[row]))

    def shuffled(self, index: int) -> int:
        """Return the image of a training index: each epoch has every image once."""
        epoch, place = divmod(index, len(self))
        if self.order[0] != epoch:
            random = generator(Stream.EPOCH_ORDER, self.split.seed, epoch)
            self.order = (epoch, random.permutation(len(self)))
        return int(self.order[1][place])

    def image(self, row: int) -> NDArray[np.uint8]:
        """Read an image file and compare its size with the one stated."""
        path = os.path.join(self.folder, str(self.names[row]))
        image = read_rgb(path)
        stated = tuple(map(int, self.sizes[row]))
        if any(want not in (0, got) for want, got in zip(stated, image.shape, strict=False)):
            got = f"{image.shape[1]}×{image.shape[0]}"
            raise DataError(f"{path}: is {got} px, but {stated[1]}×{stated[0]} in {self.path}")
        return image

    def ground_truth(self) -> Entry:
        """Return the annotations of the validation images in COCO's format, without segmentations."""
        if self.split.train:
            raise ValueError("a training stream has no ground truth to score against")
        counts = np.diff(self.starts)
        columns = zip(
            self.annotation_ids.tolist(),
            np.repeat(self.image_ids, counts).tolist(),
            np.take(self.category_ids, self.labels).tolist(),
            self.boxes_xywh.tolist(),
            self.areas.tolist(),
            self.crowd.astype(int).tolist(),
            strict=True,
        )
        keys = ("id", "image_id", "category_id", "bbox", "area", "iscrowd")
        pairs = zip(self.category_ids, self.classes, strict=True)
        return {
            "images": [{"id": identity} for identity in self.image_ids.tolist()],
            "annotations": [dict(zip(keys, values, strict=True)) for values in columns],
            "categories": [{"id": identity, "name": name} for identity, name in pairs],
        }


def xyxy(boxes_xywh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert (M, 4) boxes x, y, width, height to x1, y1, x2, y2."""
    return np.concatenate([boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]], axis=1)
