"""The faults of a data set in COCO's format, all told before any work starts; no torch, no arrays."""

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

LISTS = ("images", "annotations", "categories")
#: faults of one kind in one file that are worded; the rest are counted
SHOWN = 20

Entry = dict[str, Any]


class Constant(float):
    """A NaN or Infinity written in a JSON file; JSON has none."""


def faults(train: tuple[str, str], val: tuple[str, str]) -> list[str]:
    """Return every fault of two splits, each a pair of annotation file and image folder; an empty list is good."""
    train_document, found = read(train[0])
    val_document, more = read(val[0])
    found += annotation_faults(train[0], train_document, training=True) + folder_faults(train_document, train[1])
    more += annotation_faults(val[0], val_document, training=False) + folder_faults(val_document, val[1])
    differences = [f"{val[0]}: {fault}" for fault in category_differences(train_document, val_document)]
    return list(dict.fromkeys(found + more + differences))


def read(path: str) -> tuple[Entry, list[str]]:
    """Read an annotation file; return its lists of objects, those that are there, and the faults of its form."""
    try:
        with open(path, "rb") as file:
            document = json.loads(file.read(), parse_constant=Constant)
    except OSError as error:
        return {}, [f"{path}: cannot be read ({error.strerror})"]
    except (ValueError, RecursionError) as error:
        return {}, [f"{path}: is not JSON ({error})"]
    lists = document if isinstance(document, dict) else {}
    good = {key: lists[key] for key in LISTS if is_list_of_objects(lists.get(key))}
    return good, [f"{path}: {key}: expected a list of objects" for key in LISTS if key not in good]


def is_list_of_objects(value: Any) -> bool:
    """Tell whether a value is a list of JSON objects."""
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def annotation_faults(path: str, document: Entry, training: bool) -> list[str]:
    """Return the faults within the lists of one annotation file, at most `SHOWN` of each kind."""
    kinds = [
        *(id_faults(key, document[key]) for key in document),
        (f"{key}: is empty" for key in ("images", "categories") if document.get(key) == []),
        constant_faults(document),
        (fault for entry in document.get("images", ()) for fault in image_faults(entry)),
        (fault for entry in document.get("categories", ()) for fault in name_faults(entry)),
        reference_faults(document, "image_id", "images"),
        reference_faults(document, "category_id", "categories"),
        (fault for entry in document.get("annotations", ()) for fault in box_faults(entry, training)),
        (fault for entry in document.get("annotations", ()) for fault in value_faults(entry)),
    ]
    return [f"{path}: {fault}" for kind in kinds for fault in first(kind)]


def first(kind: Iterable[str]) -> Iterator[str]:
    """Yield the first faults of one kind, then how many more there are."""
    rest = iter(kind)
    yield from islice(rest, SHOWN)
    count = sum(1 for _ in rest)
    if count:
        yield f"... and {count} more faults like the last"


def id_faults(key: str, listed: list[Entry]) -> Iterator[str]:
    """Yield ids that are missing, no whole number, used twice, or 0 where COCO's scoring takes 0 for unmatched."""
    for number, entry in enumerate(listed):
        if not whole(entry.get("id")):
            yield f"{key}[{number}]: id={entry.get('id')!r}: expected a whole number"
        elif key == "annotations" and entry["id"] == 0:
            yield f"{key}[{number}]: id=0: expected another number; scoring takes an object of id 0 for not found"
    for identity, count in Counter(entry["id"] for entry in listed if whole(entry.get("id"))).items():
        if count > 1:
            yield f"{key}: id {identity} is used {count} times"


def whole(value: Any) -> bool:
    """Tell whether a value is a whole number."""
    return isinstance(value, int) and not isinstance(value, bool)


def finite(value: Any) -> bool:
    """Tell whether a value is a finite number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def constant_faults(document: Entry) -> Iterator[str]:
    """Yield the keys that hold NaN or Infinity."""
    for key, listed in document.items():
        for number, entry in enumerate(listed):
            for name, value in entry.items():
                if holds_constant(value):
                    where = f"{key}[{number}] id {entry.get('id')}"
                    yield f"{where}: {name} holds NaN or Infinity, which is no JSON number"


def holds_constant(value: Any) -> bool:
    """Tell whether NaN or Infinity was written somewhere in a value."""
    if isinstance(value, list):
        return any(map(holds_constant, value))
    return any(map(holds_constant, value.values())) if isinstance(value, dict) else isinstance(value, Constant)


def image_faults(entry: Entry) -> Iterator[str]:
    """Yield the faults of one image: a file name that is none or leaves the image folder, a size that is none."""
    name = entry.get("file_name")
    if not isinstance(name, str) or not name:
        yield f"image {entry.get('id')}: file_name={name!r}: expected a name"
    elif leaves_folder(name):
        yield f"image {entry.get('id')}: file_name={name!r} leaves the image folder; give a path below it"
    for key in ("width", "height"):
        if key in entry and not (whole(entry[key]) and entry[key] > 0):
            yield f"image {entry.get('id')}: {key}={entry[key]!r}: expected a whole number of pixels above 0"


def leaves_folder(name: str) -> bool:
    """Tell whether a file name points out of its folder."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "" or ":" in parts[0] or ".." in parts


def name_faults(entry: Entry) -> Iterator[str]:
    """Yield the fault of a category without a name."""
    if not isinstance(entry.get("name"), str) or not entry["name"]:
        yield f"category {entry.get('id')}: name={entry.get('name')!r}: expected a word"


def reference_faults(document: Entry, key: str, listed: str) -> Iterator[str]:
    """Yield annotations that point to an image or a category that is not listed."""
    known = {entry["id"] for entry in document.get(listed, ()) if whole(entry.get("id"))}
    for entry in document.get("annotations", ()) if listed in document else ():
        if not whole(entry.get(key)) or entry[key] not in known:
            yield f"annotation {entry.get('id')}: {key}={entry.get(key)!r} is not among the {listed}"


def box_faults(entry: Entry, training: bool) -> Iterator[str]:
    """Yield the fault of a box that is not 4 finite numbers with positive sides.

    A side of 0 is let through in training, where such boxes are dropped: COCO's train2017 itself has two of them,
    annotations 918 and 2206849.
    """
    box = entry.get("bbox")
    if holds_constant(box):
        return
    if not isinstance(box, list) or len(box) != 4 or not all(map(finite, box)):
        yield f"annotation {entry.get('id')}: bbox={box!r}: expected 4 finite numbers x, y, width, height in px"
    elif min(box[2:]) < 0 or (min(box[2:]) == 0 and not training):
        yield f"annotation {entry.get('id')}: bbox={box!r}: expected a width and a height above 0"


def value_faults(entry: Entry) -> Iterator[str]:
    """Yield the faults of the optional values of an annotation."""
    area = entry.get("area", 0)
    if not isinstance(area, Constant) and not (finite(area) and area >= 0):
        yield f"annotation {entry.get('id')}: area={area!r}: expected a number of at least 0, px²"
    if entry.get("iscrowd", 0) not in (0, 1):
        yield f"annotation {entry.get('id')}: iscrowd={entry['iscrowd']!r}: expected 0 or 1"


def folder_faults(document: Entry, folder: str) -> list[str]:
    """Return the faults of an image folder: not there, or without some of the files that are listed."""
    if not os.path.isdir(folder):
        return [f"{folder}: no such folder of images"]
    names = [entry.get("file_name") for entry in document.get("images", ())]
    present = set(os.listdir(folder))
    missing = [name for name in names if isinstance(name, str) and name and not leaves_folder(name)]
    missing = [name for name in missing if name not in present and not os.path.isfile(os.path.join(folder, name))]
    if not missing:
        return []
    return [f"{folder}: {len(missing)} of {len(names)} image files are missing: {some(missing)}"]


def some(names: list[str]) -> str:
    """Name the first few."""
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


def category_differences(train: Entry, val: Entry) -> Iterator[str]:
    """Yield the difference between the categories of two annotation files."""
    if "categories" not in train or "categories" not in val:
        return
    ours, theirs = (
        {f"{entry.get('id')} {entry.get('name')}" for entry in document["categories"]} for document in (train, val)
    )
    if ours != theirs:
        gone, new = (some(sorted(names)) or "none" for names in (ours - theirs, theirs - ours))
        yield f"categories: without {gone} and with {new} against training; both files need the same ids and names"
