"""Where the images, labels and class names of a set in YOLO's format are: `data.yaml`, or the customary names.

`train`, `val` and `test` of `data.yaml` are folders of images, or lists of images ending in .txt. They are meant from
the folder of `data.yaml`, and never lead out of it: `path`, a place on its author's machine, is not read, and a
leading `..`, as some exports write, is dropped. Without the file they are `images/train` and so on, with
`labels/train` beside.
"""

import os
from typing import Any

import yaml

from tradeoff.core.errors import DataError
from tradeoff.core.files import opened
from tradeoff.data.coco_faults import whole
from tradeoff.data.document import leaves_folder, shown
from tradeoff.data.yolo import LIST, labels_of

YAML = "data.yaml"
PARTS = ("train", "val", "test")


def classes(root: str) -> tuple[str, ...]:
    """Return the names of the classes, by number.

    Raises:
        DataError: if there are none, or they are no different words.
    """
    path, names = named(root)
    words = isinstance(names, list) and all(isinstance(name, str) and name and name.isprintable() for name in names)
    if not names or not words:
        wanted = "expected the names of the classes, in the order of their numbers: [cat, dog] or {0: cat, 1: dog}"
        raise DataError(f"{path}: names={shown(names)}: {wanted}")
    if len(set(names)) < len(names):
        raise DataError(f"{path}: names={shown(names)}: expected a name once only")
    return tuple(names)


def named(root: str) -> tuple[str, Any]:
    """Return the file that names the classes, and what it has for names.

    Raises:
        DataError: if there is no such file, or it cannot be read.
    """
    described, path = description(root), os.path.join(root, YAML)
    if described is not None:
        return path, in_order(described.get("names"))
    if not os.path.exists(os.path.join(root, LIST)):
        raise DataError(f"{path}: is not there, nor is {LIST}, to name the classes")
    return os.path.join(root, LIST), [line.strip() for line in lines(os.path.join(root, LIST)) if line.strip()]


def in_order(names: Any) -> Any:
    """Return a list of names, whole numbers among them as words; a mapping has to count from 0, in whole numbers."""
    if isinstance(names, dict) and all(map(whole, names)) and set(names) == set(range(len(names))):
        names = [names[number] for number in range(len(names))]
    return [str(name) if whole(name) else name for name in names] if isinstance(names, list) else names


def place(root: str, part: str) -> tuple[str, str]:
    """Return the labels and the images of a part: two folders, or a list and the folder that it is meant from.

    Raises:
        DataError: if `data.yaml` cannot be read, or does not say it in one path below its folder.
    """
    described = description(root) or {}
    entry = described.get(part, f"images/{part}")
    if not isinstance(entry, str) or not entry.isprintable():
        raise DataError(
            f"{os.path.join(root, YAML)}: {part}={shown(entry)}: expected one folder of images, or one list"
        )
    inner = os.path.normpath(entry)
    while inner.startswith("../"):
        inner = inner[3:]
    if leaves_folder(inner):
        raise DataError(f"{os.path.join(root, YAML)}: {part}={shown(entry)}: leaves the folder of {YAML}")
    path = os.path.join(root, inner)
    if path.endswith(".txt"):
        return path, os.path.dirname(path)
    return os.path.join(root, beside(inner)), path


def beside(images: str) -> str:
    """Return the folder of the labels of an image folder."""
    return os.path.dirname(labels_of(f"{images}/name"))


def parts(root: str) -> list[str]:
    """Return the parts that there are, by `data.yaml` or as customary folders."""
    described = description(root) or {}
    return [part for part in PARTS if described.get(part) or os.path.isdir(os.path.join(root, "images", part))]


def description(root: str) -> dict[str, Any] | None:
    """Return what `data.yaml` says, or None where there is none.

    Raises:
        DataError: if it cannot be read.
    """
    path = os.path.join(root, YAML)
    if not os.path.exists(path):
        return None
    try:
        found = yaml.safe_load("".join(lines(path)))
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path}: is not YAML ({(str(error).splitlines() or ['?'])[0]})") from error
    if not isinstance(found, dict):
        raise DataError(f"{path}: expected keys with values: train, val, names")
    return found


def lines(path: str) -> list[str]:
    """Return the lines of a text file.

    Raises:
        DataError: if it cannot be read.
    """
    try:
        with opened(path, "r", encoding="utf-8-sig") as file:
            return list(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
