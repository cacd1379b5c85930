"""What readers of formats without ids share: images and boxes are collected as met, then numbered as in COCO."""

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import NamedTuple

from tradeoff.data.document import Document, Entry, name_fault, shown

Corners = tuple[float, float, float, float]


class Box(NamedTuple):
    """One object: corners x1, y1, x2, y2 in px, and the file and line where it stands."""

    label: str
    corners: Corners
    crowd: bool
    place: str


@dataclass
class Assembly:
    """The images and boxes of a set, by file name.

    classes: the names that labels may have, in the order of their ids; empty for those that are met, sorted.
    """

    classes: tuple[str, ...] = ()
    sizes: dict[str, tuple[int, int] | None] = field(default_factory=dict)
    boxes: dict[str, list[Box]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def fault(self, place: str, text: str) -> None:
        """Note a fault."""
        self.faults.append(f"{place}: {text}")

    def image(self, name: str, size_hw: tuple[int, int] | None, place: str, key: str = "file_name") -> bool:
        """Add an image with its stated (height, width), or None; return whether its name is good."""
        wrong = name_fault(name)
        if wrong:
            self.fault(place, f"{key}={shown(name)}: {wrong}")
            return False
        if self.sizes.get(name) not in (None, size_hw) and size_hw is not None:
            self.fault(place, f"{key}={shown(name)}: another width and height than before")
        self.sizes[name] = size_hw or self.sizes.get(name)
        self.boxes.setdefault(name, [])
        return True

    def box(self, name: str, box: Box, key: str = "label") -> None:
        """Add an object to an image that is there."""
        if not box.label or not box.label.isprintable():
            self.fault(box.place, f"{key}={shown(box.label)}: expected a name of printable characters")
        elif self.classes and box.label not in self.classes:
            names = ", ".join(self.classes[:20]) + (", ..." if len(self.classes) > 20 else "")
            self.fault(
                box.place, f"{key}={shown(box.label)}: not among the classes, which are those of training: {names}"
            )
        else:
            self.boxes[name].append(box)

    def document(self, path: str, folder: str) -> Document:
        """Return all that was collected; images are numbered by name, objects by image, classes in their order.

        Of a set without images whose files have faults no list is returned, for it is not known to be empty.
        """
        if self.faults and not self.boxes:
            return Document(path, folder, {}, "", self.faults)
        classes = self.classes or tuple(sorted({box.label for boxes in self.boxes.values() for box in boxes}))
        names = sorted(self.boxes)
        pairs = [(number, box) for number, name in enumerate(names, 1) for box in self.boxes[name]]
        category_ids = {name: number for number, name in enumerate(classes, 1)}
        lists: Entry = {
            "images": [image_entry(number, name, self.sizes[name]) for number, name in enumerate(names, 1)],
            "annotations": [
                annotation_entry(number, image_id, category_ids[box.label], box)
                for number, (image_id, box) in enumerate(pairs, 1)
            ],
            "categories": [{"id": number, "name": name} for name, number in category_ids.items()],
        }
        places = {number: box.place for number, (_, box) in enumerate(pairs, 1)}
        return Document(path, folder, lists, fingerprint(lists), self.faults, places)


def image_entry(number: int, name: str, size_hw: tuple[int, int] | None) -> Entry:
    """Return an image in COCO's form; a size that is not stated is left out."""
    stated = {} if size_hw is None else {"height": size_hw[0], "width": size_hw[1]}
    return {"id": number, "file_name": name, **stated}


def annotation_entry(number: int, image_id: int, category_id: int, box: Box) -> Entry:
    """Return an object in COCO's form; its area is that of its box."""
    x1, y1, x2, y2 = box.corners
    width, height = x2 - x1, y2 - y1
    return {
        "id": number,
        "image_id": image_id,
        "category_id": category_id,
        "bbox": [x1, y1, width, height],
        "area": max(width, 0.0) * max(height, 0.0),
        "iscrowd": int(box.crowd),
    }


def fingerprint(lists: Entry) -> str:
    """Return the SHA-256 of the lists, whatever files they came from."""
    text = json.dumps(lists, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def number(text: str | None) -> float | None:
    """Return the finite number that a text is, or None."""
    try:
        value = float(text) if text and "_" not in text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def side(text: str | None) -> int | None:
    """Return the width or height that a text is, whole px above 0, or None."""
    value = number(text)
    return int(value) if value is not None and value == int(value) and 0 < value < 2**31 else None
