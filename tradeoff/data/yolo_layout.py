"""Where the images, labels and class names of a set in YOLO's format are: `data.yaml`, or the customary names.

`train`, `val` and `test` of `data.yaml` are folders of images, or lists of images ending in .txt. They are meant from
the folder of `data.yaml`, and never lead out of it: `path`, a place on its author's machine, is not read, and a
leading `..`, as some exports write, is dropped. Without the file they are `images/train` and so on, with
`labels/train` beside. The file may have another name where it is given itself.
"""

import os
from collections import Counter
from typing import Any

import yaml

from tradeoff.core.errors import DataError
from tradeoff.core.files import opened
from tradeoff.data.coco_faults import whole
from tradeoff.data.document import leaves_folder, shown
from tradeoff.data.yolo import LIST, labels_of

YAML = "data.yaml"
PARTS = ("train", "val", "test")
#: the part of a set that has no others: `images`, with `labels` beside
ALL = "all"


class EachKeyOnce(yaml.SafeLoader):
    """Reads YAML, and refuses a key that is there twice, of which the last would be taken in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping."""
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        twice = [shown(key) for key, count in keys.items() if count > 1]
        if twice:
            raise yaml.YAMLError(f"the key {twice[0]} is there twice")
        return dict(super().construct_mapping(node, deep))


def classes(root: str) -> tuple[str, ...]:
    """Return the names of the classes, by number; here and below, `root` is the folder or its YAML file.

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
    described, listed = description(root), os.path.join(root, LIST)
    if described is not None:
        return yaml_of(root), in_order(described.get("names"))
    if not os.path.exists(listed):
        raise DataError(f"{yaml_of(root)}: is not there, nor is {LIST}, to name the classes")
    return listed, [line.strip() for line in lines(listed) if line.strip()]


def yaml_of(root: str) -> str:
    """Return the path of the YAML file that describes a set."""
    return root if os.path.isfile(root) else os.path.join(root, YAML)


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
    described, told = description(root) or {}, yaml_of(root)
    entry = described.get(part, "images" if part == ALL else f"images/{part}")
    if not isinstance(entry, str) or not entry.isprintable():
        raise DataError(f"{told}: {part}={shown(entry)}: expected one folder of images, or one list")
    inner = os.path.normpath(entry)
    while inner.startswith("../"):
        inner = inner[3:]
    if leaves_folder(inner):
        raise DataError(f"{told}: {part}={shown(entry)}: leaves the folder of {os.path.basename(told)}")
    path = os.path.join(os.path.dirname(told), inner)
    if path.endswith(".txt"):
        return path, os.path.dirname(path)
    return os.path.join(os.path.dirname(told), beside(inner)), path


def beside(images: str) -> str:
    """Return the folder of the labels of an image folder."""
    return os.path.dirname(labels_of(f"{images}/name"))


def parts(root: str) -> list[str]:
    """Return the parts that there are, by `data.yaml` or as customary folders, or `ALL` where there are none."""
    described, images = description(root) or {}, os.path.join(os.path.dirname(yaml_of(root)), "images")
    found = [part for part in PARTS if described.get(part) or os.path.isdir(os.path.join(images, part))]
    return found or [ALL] * os.path.isdir(images)


def description(root: str) -> dict[str, Any] | None:
    """Return what the YAML file says, or None where there is none.

    Raises:
        DataError: if it cannot be read.
    """
    path = yaml_of(root)
    if not os.path.exists(path):
        return None
    try:
        found = yaml.load("".join(lines(path)), EachKeyOnce)
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
