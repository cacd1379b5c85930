"""Finds what a path holds: in which format, which parts, and where their images are."""

import glob
import os
from dataclasses import replace

from tradeoff.core.errors import DataError
from tradeoff.data import documents, yolo_layout
from tradeoff.data.voc import FOLDERS, is_of_one_class
from tradeoff.data.yolo import LIST
from tradeoff.data.yolo_layout import YAML
from tradeoff.recipes.sources import Format, Source, absolute

#: names that an image folder has beside or above annotations
IMAGES = ("images", "JPEGImages")
ENDINGS: dict[str, Format] = {
    ".json": "coco",
    ".csv": "csv",
    ".yaml": "yolo",
    ".yml": "yolo",
    ".txt": "voc",
    ".xml": "voc",
}
YAML_ENDINGS = tuple(ending for ending, kind in ENDINGS.items() if kind == "yolo")

Parts = dict[str, Source]


def find(path: str, kind: Format | None = None, images: str | None = None) -> Parts:
    """Return the parts of a set, such as train and val, by name.

    Args:
        path: an annotation file, a list of names or a folder.
        kind: the format; None is found by the name of the file or by what the folder holds.
        images: the image folder of all parts; None is where it customarily is.

    Raises:
        DataError: if there is nothing of a known format, or nothing of the one given.
    """
    path = absolute(path)
    if not os.path.exists(path):
        raise DataError(f"{path}: no such file or folder")
    tried: tuple[Format, ...] = (kind,) if kind else ("yolo", "coco", "voc", "csv")
    for candidate in tried if os.path.isdir(path) else (kind or file_format(path),):
        found = FINDERS[candidate](path)
        if found:
            placed = {name: with_images(source, images) for name, source in found.items()}
            return same_classes(placed)
    raise DataError(
        f"{path}: holds nothing of {' or '.join(tried)}; expected data.yaml or classes.txt with images (yolo), "
        "annotations/instances_*.json (coco), XML files in Annotations (voc) or CSV files (csv); or give the file"
    )


def file_format(path: str) -> Format:
    """Return the format of a file by the ending of its name.

    Raises:
        DataError: if it tells none.
    """
    ending = os.path.splitext(path)[1].lower()
    if ending not in ENDINGS:
        raise DataError(f"{path}: the name tells no format; give --format {'|'.join(FINDERS)}")
    return ENDINGS[ending]


def with_images(source: Source, images: str | None) -> Source:
    """Put another image folder into a source."""
    return replace(source, folders=(absolute(images),)) if images else source


def same_classes(parts: Parts) -> Parts:
    """Give the parts of VOC and CSV the classes of their training part, where there is one."""
    train = next((parts[name] for name in sorted(parts) if is_training(name)), None)
    if train is None or train.format not in ("voc", "csv"):
        return parts
    classes = documents.classes(train)
    return {name: replace(source, classes=classes) for name, source in parts.items()}


def is_training(name: str) -> bool:
    """Tell whether a part is one to train on, by its name."""
    return name.startswith("train")


def coco(path: str) -> Parts:
    """Find annotation files in COCO's JSON."""
    files = [path] if os.path.isfile(path) else matching(path, "annotations", "instances_*.json")
    names = {os.path.splitext(os.path.basename(file))[0].removeprefix("instances_"): file for file in files}
    return {name: single("coco", file, image_folder(file, name)) for name, file in names.items()}


def csv(path: str) -> Parts:
    """Find CSV files."""
    files = [path] if os.path.isfile(path) else matching(path, "*.csv")
    names = {os.path.splitext(os.path.basename(file))[0]: file for file in files}
    return {name: single("csv", file, image_folder(file, name)) for name, file in names.items()}


def voc(path: str) -> Parts:
    """Find a list of names, the lists of a devkit's folder, or a folder of XML files."""
    if path.endswith(".xml"):
        path = os.path.dirname(path)
    if os.path.isfile(path):
        above = os.path.dirname(os.path.dirname(os.path.dirname(path)))
        return {os.path.splitext(os.path.basename(path))[0]: single("voc", path, image_folder(above, ""))}
    folder = next((os.path.join(path, name) for name in FOLDERS if os.path.isdir(os.path.join(path, name))), path)
    if not any(name.endswith(".xml") for name in os.listdir(folder)):
        return {}
    images = image_folder(folder, "")
    lists = matching(os.path.dirname(folder), "ImageSets", "Main", "*.txt")
    names = {os.path.splitext(os.path.basename(file))[0]: file for file in lists if not is_of_one_class(file)}
    return {name: single("voc", file, images) for name, file in (names or {"all": folder}).items()}


def matching(folder: str, *pattern: str) -> list[str]:
    """Return the paths below a folder of any name that match a pattern, sorted."""
    return sorted(glob.glob(os.path.join(glob.escape(folder), *pattern)))


def yolo(path: str) -> Parts:
    """Find the parts that a YAML file or the customary folders have."""
    described = os.path.isfile(path) and path.lower().endswith(YAML_ENDINGS)
    root = path if described or os.path.isdir(path) else os.path.dirname(path)
    if not described and not any(os.path.exists(os.path.join(root, name)) for name in (YAML, LIST)):
        return {}
    classes = yolo_layout.classes(root)
    places = {part: yolo_layout.place(root, part) for part in yolo_layout.parts(root)}
    return {part: replace(single("yolo", *place), classes=classes) for part, place in places.items()}


def single(kind: Format, annotations: str, folder: str) -> Source:
    """Return a source of one annotation file and its image folder."""
    return Source(format=kind, annotations=(annotations,), folders=(folder,))


def image_folder(path: str, name: str) -> str:
    """Return the image folder of annotations: of their name, or called so, beside or above them, or their own."""
    own = path if os.path.isdir(path) else os.path.dirname(path)
    wanted = [
        os.path.join(place, called) for called in (name, *IMAGES) if called for place in (own, os.path.dirname(own))
    ]
    return next((folder for folder in wanted if os.path.isdir(folder)), own)


FINDERS = {"coco": coco, "voc": voc, "yolo": yolo, "csv": csv}
