"""What can be asked for as `data=`: a data set, and the splits of it that training and scoring read."""

import os
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

from tradeoff.core.digest import digest, file_sha256
from tradeoff.core.errors import ConfigError, DataError
from tradeoff.recipes.base import Recipe, locate, option
from tradeoff.recipes.sources import Format, Source, absolute

#: the largest seed; a stream is keyed by 64 bits, half of them the seed
SEED_MAX = 2**32 - 1
#: the two parts of an annotated set
PARTS = ("train", "val")


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
class CocoSplit(Source, Split):
    """Annotated photographs in COCO's form, whichever format they were read from, known by their content."""

    TARGET: ClassVar[str] = "tradeoff.data.coco:CocoDataset"

    sha256: str = option("", "of the annotation file's bytes; of formats without such a file, of what was read")
    train: bool = option(False, "whether it is an endless training stream")
    files: str = option("", "digest of the names and sizes of all files of the image folder")
    seed: int = option(0, "of the order of a training stream", low=0, high=SEED_MAX)
    images: int | None = option(None, "only the first so many images by id; null is all", low=1)


@dataclass(frozen=True, kw_only=True)
class Annotated(Data):
    """Photographs and their annotations in one format, by default names below `root` or wherever they are.

    `NAMES` has the default names of annotations and images; {part} stands for train and val.
    """

    FORMAT: ClassVar[Format]
    NAMES: ClassVar[dict[str, str]]

    root: str | None = option(None, "folder that holds all, under the names that the format has")
    train_annotations: str | None = option(None, "annotations to train on")
    train_images: str | None = option(None, "image folder to train on")
    val_annotations: str | None = option(None, "annotations to score on")
    val_images: str | None = option(None, "image folder to score on")

    def __post_init__(self) -> None:
        super().__post_init__()
        wanted = [(part, what) for what in self.NAMES for part in PARTS]
        missing = [f"data.{part}_{what}" for part, what in wanted if not getattr(self, f"{part}_{what}")]
        if missing and not self.root:
            holds = ", ".join(dict.fromkeys(self.default(part, what) for part, what in wanted))
            ways = f"give data.root=FOLDER that holds {holds}, or give {', '.join(missing)}"
            raise ConfigError(f"root: required and not given; {ways}")

    def default(self, part: str, what: str) -> str:
        """Return the name below the root of the annotations or the images of "train" or "val"."""
        return self.NAMES[what].format(part=part)

    def paths(self, part: str) -> tuple[str, str]:
        """Return the absolute paths of the annotations and the image folder of "train" or "val"."""
        given = {what: getattr(self, f"{part}_{what}") for what in self.NAMES}
        found = [path or os.path.join(self.root or "", self.default(part, what)) for what, path in given.items()]
        return absolute(found[0]), absolute(found[1])

    def source(self, part: str) -> Source:
        """Return what is read as "train" or "val"."""
        annotations, images = self.paths(part)
        return Source(format=self.FORMAT, annotations=(annotations,), folders=(images,), classes=self.classes())

    def classes(self) -> tuple[str, ...]:
        """Return the names of the labels by id; empty where the annotations say it themselves."""
        return ()

    def train_split(self, seed: int) -> CocoSplit:
        """Return the endless training stream of a seed.

        Raises:
            DataError: if the annotations cannot be read.
        """
        return self.split_of("train", train=True, seed=seed)

    def val_split(self, images: int | None) -> CocoSplit:
        """Return the first `images` of the validation set by image id; None is all of it.

        Raises:
            DataError: if the annotations cannot be read.
        """
        return self.split_of("val", images=images)

    def split_of(self, part: str, **options: Any) -> CocoSplit:
        """Return a split of "train" or "val"."""
        source = self.source(part)
        return CocoSplit(**source.options(), sha256=content(source), files=listing(*source.folders), **options)

    def check(self) -> None:
        """Read the annotations of both splits, and the header of every image.

        Raises:
            DataError: with every fault of both splits, each with its file and id, one line each.
        """
        faults = locate("tradeoff.data.documents:faults")(self.source("train"), self.source("val"))
        if faults:
            raise DataError("\n".join(faults))


@dataclass(frozen=True, kw_only=True)
class Coco(Annotated):
    """Photographs with annotations in COCO's format, COCO itself by default names below `root`."""

    FORMAT: ClassVar[Format] = "coco"
    NAMES: ClassVar[dict[str, str]] = {
        "annotations": "annotations/instances_{part}2017.json",
        "images": "{part}2017",
    }

    split: Literal["minival"] | None = option(None, "minival: COCO 2014, scored on the study's part of val2014")

    def default(self, part: str, what: str) -> str:
        """Return the name below the root; the minival is a part of COCO 2014."""
        name = super().default(part, what)
        return name.replace("2017", "2014") if self.split else name

    def source(self, part: str) -> Source:
        """Return what is read as "train" or "val"; with the minival, train is train2014 and the rest of val2014.

        Source: Huang et al. 2017, section 3.
        """
        if not self.split:
            return super().source(part)
        chosen = PARTS if part == "train" else ("val",)
        annotations, folders = zip(*(self.paths(name) for name in chosen), strict=True)
        source = Source(format=self.FORMAT, annotations=annotations, folders=folders)
        return replace(source, subset="rest" if part == "train" else "minival")


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


def content(source: Source) -> str:
    """Return the SHA-256 by which annotations are known.

    Raises:
        DataError: if they cannot be read.
    """
    if source.format != "coco":
        return read_content(source.format, source.annotations, source.folders, source.classes)
    try:
        digests = [file_sha256(Path(path)) for path in source.annotations]
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror})") from error
    joined: str = locate("tradeoff.data.document:joined")(digests)
    return joined


@lru_cache(maxsize=64)
def read_content(
    kind: Format, annotations: tuple[str, ...], folders: tuple[str, ...], classes: tuple[str, ...]
) -> str:
    """Return the SHA-256 of what a reader makes of annotations, found once in a process."""
    source = Source(format=kind, annotations=annotations, folders=folders, classes=classes)
    found: str = locate("tradeoff.data.documents:fingerprint")(source)
    return found


@lru_cache(maxsize=64)
def listing(*folders: str) -> str:
    """Return the digest of the names and sizes of the files below image folders, found once in a process."""
    found = []
    for folder in folders:
        paths = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]
        found.append(digest(sorted([os.path.relpath(path, folder), os.path.getsize(path)] for path in paths)))
    return found[0] if len(found) == 1 else digest(found)
