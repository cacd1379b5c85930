"""Where the annotations and the images of a set are, in which format, and what of them is read."""

import os
from dataclasses import dataclass
from typing import Literal

from tradeoff.recipes.base import Recipe, option

Format = Literal["coco", "voc", "yolo", "csv"]


@dataclass(frozen=True, kw_only=True)
class Source(Recipe):
    """Annotations of one format and their images; several files of annotations are read as one."""

    format: Literal["coco", "voc", "yolo", "csv"] = option("coco", "of the annotations", where=True)
    annotations: tuple[str, ...] = option((), "paths of the annotation files, or of what stands for them", where=True)
    folders: tuple[str, ...] = option((), "paths of their image folders", where=True)
    classes: tuple[str, ...] = option((), "names of the labels by id; empty is as the annotations have them")
    subset: Literal["minival", "rest"] | None = option(None, "COCO 2014's minival, or all but it; null is all")


def absolute(path: str) -> str:
    """Return a path from the root, relative ones being meant from the current folder."""
    return os.path.abspath(os.path.expanduser(path))
