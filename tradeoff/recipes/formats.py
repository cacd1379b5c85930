"""What can be asked for as `data=voc`, `yolo` and `csv`: photographs whose annotations are no COCO JSON."""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from tradeoff.core.errors import ConfigError
from tradeoff.recipes.base import locate
from tradeoff.recipes.data import Annotated
from tradeoff.recipes.sources import Format, Source, absolute


@dataclass(frozen=True, kw_only=True)
class Labelled(Annotated):
    """A format whose labels are names; the classes are those of the training annotations, sorted."""

    def classes(self) -> tuple[str, ...]:
        """Return the labels of the training annotations."""
        return labels(self.FORMAT, *self.paths("train"))


@lru_cache(maxsize=64)
def labels(kind: Format, annotations: str, folder: str) -> tuple[str, ...]:
    """Return the labels of annotations, sorted, found once in a process."""
    source = Source(format=kind, annotations=(annotations,), folders=(folder,))
    found: tuple[str, ...] = locate("tradeoff.data.documents:classes")(source)
    return found


@dataclass(frozen=True, kw_only=True)
class Voc(Labelled):
    """Pascal VOC: an XML file an image, and lists of their names; or two folders of XML files."""

    FORMAT: ClassVar[Format] = "voc"
    NAMES: ClassVar[dict[str, str]] = {"annotations": "ImageSets/Main/{part}.txt", "images": "JPEGImages"}


@dataclass(frozen=True, kw_only=True)
class Csv(Labelled):
    """A CSV file a split, a line an object (columns: `tradeoff/data/csv_boxes.py`)."""

    FORMAT: ClassVar[Format] = "csv"
    NAMES: ClassVar[dict[str, str]] = {"annotations": "{part}.csv", "images": "images"}


@dataclass(frozen=True, kw_only=True)
class Yolo(Annotated):
    """YOLO's text labels: a file an image; `data.yaml` or `classes.txt` in the root names the classes."""

    FORMAT: ClassVar[Format] = "yolo"
    NAMES: ClassVar[dict[str, str]] = {"annotations": "labels/{part}", "images": "images/{part}"}

    def __post_init__(self) -> None:
        if not self.root:
            raise ConfigError("root: required and not given; give data.root=FOLDER with data.yaml or classes.txt")
        super().__post_init__()

    def classes(self) -> tuple[str, ...]:
        """Return the names of the classes.

        Raises:
            DataError: if they cannot be read.
        """
        found: tuple[str, ...] = locate("tradeoff.data.yolo_layout:classes")(absolute(self.root or ""))
        return found

    def paths(self, part: str) -> tuple[str, str]:
        """Return the absolute paths of the labels and the images of "train" or "val", as `data.yaml` has them.

        Raises:
            DataError: if it cannot be read.
        """
        annotations, images = (getattr(self, f"{part}_{what}") for what in self.NAMES)
        if not images:
            labels, images = locate("tradeoff.data.yolo_layout:place")(absolute(self.root or ""), part)
        else:
            labels = locate("tradeoff.data.yolo_layout:beside")(absolute(images))
        return absolute(annotations or labels), absolute(images)
