"""What can be asked for as `data=`: a data set, and the splits of it that training and scoring read."""

import os
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from tradeoff.core.digest import digest, file_sha256
from tradeoff.core.errors import ConfigError, DataError
from tradeoff.recipes.base import Recipe, locate, option

#: the largest seed; a stream is keyed by 64 bits, half of them the seed
SEED_MAX = 2**32 - 1


@dataclass(frozen=True, kw_only=True)
class Split(Recipe):
    """The part of a data set that a stage reads; it is in the stage's key, and `build` gives the images."""


@dataclass(frozen=True, kw_only=True)
class Data(Recipe):
    """A data set: the images to train on, and those to score and time on."""

    def train_split(self, seed: int) -> Split:
        """Return the endless training stream of a seed."""
        raise NotImplementedError(f"{type(self).__name__} has no training split")

    def val_split(self, images: int | None) -> Split:
        """Return the first `images` of the validation set in a fixed order; None is all of it."""
        raise NotImplementedError(f"{type(self).__name__} has no validation split")

    def check(self) -> None:
        """Look for faults before any work starts; there are none unless a data set says so.

        Raises:
            DataError: with every fault of the data set, one line each.
        """


@dataclass(frozen=True, kw_only=True)
class CocoSplit(Split):
    """One annotation file in COCO's format, known by its content, and its folder of images."""

    TARGET: ClassVar[str] = "tradeoff.data.coco:CocoDataset"

    sha256: str = option("", "of the annotation file's bytes")
    train: bool = option(False, "whether it is an endless training stream")
    files: str = option("", "digest of the names and sizes of all files of the image folder")
    seed: int = option(0, "of the order of a training stream", low=0, high=SEED_MAX)
    images: int | None = option(None, "only the first so many images by id; null is all", low=1)
    annotations: str = option("", "path of the annotation file", where=True)
    folder: str = option("", "path of the image folder", where=True)


@dataclass(frozen=True, kw_only=True)
class Coco(Data):
    """Photographs with annotations in COCO's format, COCO itself by default names below `root`."""

    root: str | None = option(None, "folder with annotations/instances_{train,val}2017.json and {train,val}2017/")
    train_annotations: str | None = option(None, "annotation file to train on")
    train_images: str | None = option(None, "image folder to train on")
    val_annotations: str | None = option(None, "annotation file to score on")
    val_images: str | None = option(None, "image folder to score on")

    def __post_init__(self) -> None:
        super().__post_init__()
        missing = [spec.name for spec in fields(self) if spec.name != "root" and not getattr(self, spec.name)]
        if missing and not self.root:
            raise ConfigError(
                "root: required and not given; give data.root=FOLDER that holds "
                "annotations/instances_train2017.json, annotations/instances_val2017.json, train2017/ and val2017/, "
                f"or give {', '.join(f'data.{name}' for name in missing)}"
            )

    def paths(self, part: str) -> tuple[str, str]:
        """Return the absolute paths of the annotation file and the image folder of "train" or "val"."""
        annotations = getattr(self, f"{part}_annotations") or self.below(f"annotations/instances_{part}2017.json")
        return absolute(annotations), absolute(getattr(self, f"{part}_images") or self.below(f"{part}2017"))

    def below(self, name: str) -> str:
        """Return a path below the root."""
        return os.path.join(self.root or "", name)

    def train_split(self, seed: int) -> CocoSplit:
        """Return the endless training stream of a seed.

        Raises:
            DataError: if the annotation file cannot be read.
        """
        return self.split("train", train=True, seed=seed)

    def val_split(self, images: int | None) -> CocoSplit:
        """Return the first `images` of the validation set by image id; None is all of it.

        Raises:
            DataError: if the annotation file cannot be read.
        """
        return self.split("val", images=images)

    def split(self, part: str, **options: Any) -> CocoSplit:
        """Return a split of "train" or "val"."""
        annotations, folder = self.paths(part)
        return CocoSplit(
            annotations=annotations, folder=folder, sha256=content(annotations), files=listing(folder), **options
        )

    def check(self) -> None:
        """Read both annotation files and look for every image file.

        Raises:
            DataError: with every fault of both splits, each with its file and id, one line each.
        """
        faults = locate("tradeoff.data.coco_faults:faults")(self.paths("train"), self.paths("val"))
        if faults:
            raise DataError("\n".join(faults))


@dataclass(frozen=True, kw_only=True)
class Pictures(Recipe):
    """How the made 640×480 pictures look: harder with more objects and clutter, smaller sides, less contrast."""

    objects: int = option(10, "most objects in a picture; from 1, uniform", low=1, high=100)
    side_min_px: float = option(14.0, "shortest longer side of an object's box; log-uniform", low=4, high=448)
    side_max_px: float = option(288.0, "longest longer side of an object's box", low=4, high=448)
    overlap_iou: float = option(0.3, "largest overlap of two boxes", low=0, high=1)
    contrast_min: float = option(60.0, "least distance of object and ground in RGB, of 255", low=0, high=160)
    clutter: int = option(8, "most distractors in a picture; from 0, uniform", low=0, high=1000)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.side_min_px > self.side_max_px:
            raise ConfigError(f"side_min_px={self.side_min_px:g}: expected at most side_max_px={self.side_max_px:g}")


@dataclass(frozen=True, kw_only=True)
class ShapesSplit(Pictures, Split):
    """A stream of made pictures; raise VERSION when the same index gives another picture."""

    TARGET: ClassVar[str] = "tradeoff.data.shapes:ShapesDataset"

    train: bool = option(False, "whether it is an endless training stream")
    seed: int = option(
        0, "of the stream; training and validation streams differ even for equal seeds", low=0, high=SEED_MAX
    )
    images: int | None = option(None, "pictures of a validation set; null is endless", low=1)


@dataclass(frozen=True, kw_only=True)
class Shapes(Pictures, Data):
    """Shapes on clutter, told apart by outline alone and made on the fly: nothing to download."""

    val_seed: int = option(0, "of the validation set, which depends on nothing else", low=0, high=SEED_MAX)
    val_images: int = option(500, "pictures of the validation set", low=1, high=100_000)

    def train_split(self, seed: int) -> ShapesSplit:
        """Return the endless training stream of a seed."""
        return ShapesSplit(train=True, seed=seed, **self.pictures())

    def val_split(self, images: int | None) -> ShapesSplit:
        """Return the first `images` of the validation set; None is all of it."""
        count = min(images or self.val_images, self.val_images)
        return ShapesSplit(images=count, seed=self.val_seed, **self.pictures())

    def pictures(self) -> dict[str, Any]:
        """Return the options of the generator."""
        return {spec.name: getattr(self, spec.name) for spec in fields(Pictures)}


def absolute(path: str) -> str:
    """Return a path from the root, relative ones being meant from the current folder."""
    return os.path.abspath(os.path.expanduser(path))


def content(path: str) -> str:
    """Return the SHA-256 of a file.

    Raises:
        DataError: if the file cannot be read.
    """
    try:
        return file_sha256(Path(path))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error


@lru_cache(maxsize=64)
def listing(folder: str) -> str:
    """Return the digest of the names and sizes of the files below a folder, found once in a process."""
    paths = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]
    return digest(sorted([os.path.relpath(path, folder), os.path.getsize(path)] for path in paths))
