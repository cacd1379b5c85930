"""What is wrong within the lists of a set, whatever format they were read from; no torch, no arrays."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from tradeoff.data.coco_json import Constant, holds_constant
from tradeoff.data.document import Document, Entry, name_fault, shown

#: faults of one kind in one file that are worded for the eye; the rest are counted
SHOWN = 20
#: the largest id, that of 64 bits, and the largest number of a box, px
ID_MAX, PX_MAX = 2**63 - 1, 1e9
#: how far a stated area may exceed that of a box whose sides are a pixel longer
AREA_SLACK = 1.01

Kinds = list[list[str]]


def list_faults(document: Document, training: bool) -> Kinds:
    """Return the faults of one document, by kind; with `training` a box without area is let through."""
    path, images = document.path, document.entries("images")
    kinds: list[Iterable[str]] = [
        document.faults,
        *((f"{path}: {fault}" for fault in id_faults(key, document.entries(key))) for key in document.lists),
        empty_faults(document, training),
        (f"{path}: {fault}" for entry in images for fault in image_faults(entry)),
        (f"{path}: {fault}" for entry in document.entries("categories") for fault in name_faults(entry)),
        (f"{path}: {fault}" for fault in repeated_names(document.entries("categories"))),
        reference_faults(document, "image_id", "images"),
        reference_faults(document, "category_id", "categories"),
        told(document, lambda entry: box_faults(entry, training)),
        told(document, value_faults),
        () if training else outside_faults(document),
        () if training else told(document, area_faults),
    ]
    return [list(kind) for kind in kinds]


def told(document: Document, find: Callable[[Entry], Iterable[str]]) -> Iterator[str]:
    """Yield the faults that a function finds in the annotations, each with its place."""
    for entry in document.entries("annotations"):
        for fault in find(entry):
            yield f"{document.place(entry)}: {fault}"


def worded(kinds: Kinds) -> list[str]:
    """Return the faults, at most `SHOWN` of each kind and then how many more there are."""
    return list(dict.fromkeys(fault for kind in kinds for fault in first(kind)))


def first(kind: Iterable[str]) -> Iterator[str]:
    """Yield the first faults of one kind, then how many more there are."""
    rest = iter(kind)
    yield from islice(rest, SHOWN)
    count = sum(1 for _ in rest)
    if count:
        yield f"... and {count} more faults like the last; `python -m tradeoff.data check` has all in its last line"


def id_faults(key: str, listed: list[Entry]) -> Iterator[str]:
    """Yield ids that are missing, no whole number, used twice, or 0 where COCO's scoring takes 0 for unmatched."""
    for number, entry in enumerate(listed):
        if not whole(entry.get("id")):
            yield f"{key}[{number}]: id={shown(entry.get('id'))}: expected a whole number"
        elif key == "annotations" and entry["id"] == 0:
            yield f"{key}[{number}]: id=0: expected another number; scoring takes an object of id 0 for not found"
    for identity, count in Counter(entry["id"] for entry in listed if whole(entry.get("id"))).items():
        if count > 1:
            yield f"{key}: id {identity} is used {count} times"


def empty_faults(document: Document, training: bool) -> Iterator[str]:
    """Yield what is missing from a set without images, classes or objects."""
    for key in ("images", "categories"):
        if document.lists.get(key) == []:
            yield f"{document.path}: {key}: is empty"
    objects = document.lists.get("annotations")
    if objects is not None and document.lists.get("images") and all(entry.get("iscrowd") == 1 for entry in objects):
        use = "learn" if training else "score"
        yield f"{document.path}: annotations: there is no object to {use}, crowds aside"


def whole(value: Any) -> bool:
    """Tell whether a value is a whole number of 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= ID_MAX


def finite(value: Any, largest: float) -> bool:
    """Tell whether a value is a number from -largest to largest."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and -largest <= value <= largest


def image_faults(entry: Entry) -> Iterator[str]:
    """Yield the faults of one image: a file name that is none or leaves the image folder, a size that is none."""
    place, wrong = f"image {shown(entry.get('id'))}", name_fault(entry.get("file_name"))
    if wrong:
        yield f"{place}: file_name={shown(entry.get('file_name'))}: {wrong}"
    for key in ("width", "height"):
        if key in entry and not (whole(entry[key]) and 0 < entry[key] < PX_MAX):
            yield f"{place}: {key}={shown(entry[key])}: expected a whole number of pixels above 0"


def name_faults(entry: Entry) -> Iterator[str]:
    """Yield the fault of a category without a name."""
    name = entry.get("name")
    if not isinstance(name, str) or not name or not name.isprintable():
        yield f"category {shown(entry.get('id'))}: name={shown(name)}: expected a word"


def repeated_names(categories: list[Entry]) -> Iterator[str]:
    """Yield names that several categories have; nothing would tell their objects apart."""
    for name, count in Counter(shown(entry["name"]) for entry in categories if "name" in entry).items():
        if count > 1:
            yield f"categories: name {name} is used {count} times; rename all but one, or make them one category"


def reference_faults(document: Document, key: str, listed: str) -> Iterator[str]:
    """Yield annotations that point to an image or a category that is not listed."""
    known = {entry["id"] for entry in document.entries(listed) if whole(entry.get("id"))}
    for entry in document.entries("annotations") if listed in document.lists else ():
        if not whole(entry.get(key)) or entry[key] not in known:
            yield f"{document.place(entry)}: {key}={shown(entry.get(key))} is not among the {listed}"


def box_faults(entry: Entry, training: bool) -> Iterator[str]:
    """Yield the fault of a box that is not 4 finite numbers with positive sides.

    A side of 0 is let through in training, where such boxes are dropped: COCO's train2017 itself has two of them,
    annotations 918 and 2206849.
    """
    box = entry.get("bbox")
    if holds_constant(box):
        return
    if not isinstance(box, list) or len(box) != 4 or not all(finite(value, PX_MAX) for value in box):
        yield f"bbox={shown(box)}: expected 4 finite numbers x, y, width, height in px"
    elif min(box[2:]) < 0 or (min(box[2:]) == 0 and not training):
        yield f"bbox={shown(box)}: expected a width and a height above 0"


def value_faults(entry: Entry) -> Iterator[str]:
    """Yield the faults of the optional values of an annotation."""
    area = entry.get("area", 0)
    if not isinstance(area, Constant) and not (finite(area, PX_MAX**2) and area >= 0):
        yield f"area={shown(area)}: expected a number of at least 0, px²"
    if entry.get("iscrowd", 0) not in (0, 1):
        yield f"iscrowd={shown(entry['iscrowd'])}: expected 0 or 1"


def area_faults(entry: Entry) -> Iterator[str]:
    """Yield an area above that of the box, rounded sides allowed for; scoring goes by it, training does not."""
    stated = entry.get("area", 0)
    if sound(entry) and stated > AREA_SLACK * (entry["bbox"][2] + 1) * (entry["bbox"][3] + 1):
        most = f"at most the area of its box, {entry['bbox'][2] * entry['bbox'][3]:g} px²"
        yield f"area={shown(stated)}: expected {most}; mend it, or leave it out and that is taken"


def sound(entry: Entry) -> bool:
    """Tell whether an annotation has a box with an area, and values of which nothing is wrong."""
    faulty = any(box_faults(entry, training=False)) or any(value_faults(entry))
    return not faulty and not holds_constant([entry["bbox"], entry.get("area")])


def outside_faults(document: Document) -> Iterator[str]:
    """Yield boxes of which nothing lies within their image; no detection can find them."""
    for entry, (height, width) in with_sizes(document):
        x, y, across, down = entry["bbox"]
        if min(x + across, width) <= max(x, 0) or min(y + down, height) <= max(y, 0):
            where = f"outside of its image, {width}×{height} px"
            yield f"{document.place(entry)}: bbox={shown(entry['bbox'])}: is {where}"


def with_sizes(document: Document) -> Iterator[tuple[Entry, tuple[int, int]]]:
    """Yield the annotations that have a sound box and an image of a stated size, with its (height, width)."""
    sizes = {
        entry["id"]: (entry["height"], entry["width"])
        for entry in document.entries("images")
        if whole(entry.get("id")) and {"height", "width"} <= set(entry) and not any(image_faults(entry))
    }
    for entry in document.entries("annotations"):
        if whole(entry.get("image_id")) and entry["image_id"] in sizes and sound(entry):
            yield entry, sizes[entry["image_id"]]


def category_differences(train: Document, val: Document) -> Iterator[str]:
    """Yield the difference between the categories of two documents."""
    if "categories" not in train.lists or "categories" not in val.lists:
        return
    ours, theirs = (
        {shown(f"{entry.get('id')} {entry.get('name')}")[1:-1] for entry in document.entries("categories")}
        for document in (train, val)
    )
    if ours != theirs:
        gone, new = (", ".join(sorted(names)[:5]) or "none" for names in (ours - theirs, theirs - ours))
        difference = f"without {gone} and with {new} against training"
        yield f"{val.path}: categories: {difference}; both need the same ids and names"
