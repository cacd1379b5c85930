"""What a set holds, in a few numbers."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tradeoff.data.coco_faults import box_faults, sound, whole, with_sizes
from tradeoff.data.document import Document, Entry
from tradeoff.data.image_files import Header

#: upper edges of COCO's small and medium, px²
SMALL, MEDIUM = 32**2, 96**2

Card = dict[str, Any]


def card(document: Document, headers: Mapping[str, Header]) -> Card:
    """Return the facts of a set; objects with faulty boxes and crowds are left out of sizes and classes.

    Args:
        document: the set, faulty or not.
        headers: of the image files that can be read, by file name.
    """
    objects = [entry for entry in document.entries("annotations") if sound(entry) and whole(entry.get("category_id"))]
    singles = [entry for entry in objects if entry.get("iscrowd", 0) != 1]
    owners = {entry["image_id"] for entry in objects if whole(entry.get("image_id"))}
    images = document.entries("images")
    widths, heights = ([getattr(header, side) for header in headers.values()] for side in ("width", "height"))
    return {
        "annotations": document.path,
        "image_folder": document.folder,
        "images": len(images),
        "images_without_objects": sum(entry.get("id") not in owners for entry in images if whole(entry.get("id"))),
        "width_px": [min(widths, default=None), max(widths, default=None)],
        "height_px": [min(heights, default=None), max(heights, default=None)],
        "turned_by_exif": sum(header.orientation != 1 for header in headers.values()),
        "objects": len(singles),
        "crowds": len(objects) - len(singles),
        **sizes(singles),
        "beyond_image": sum(beyond(entry, size_hw) for entry, size_hw in with_sizes(document)),
        "without_area": sum(without_area(entry) for entry in document.entries("annotations")),
        "repeated": repeated(singles),
        "classes": per_class(document, singles),
    }


def sizes(objects: list[Entry]) -> dict[str, int]:
    """Count objects by COCO's sizes, by their area where one is stated."""
    areas = [area(entry) for entry in objects]
    small, upto_medium = (sum(value < edge for value in areas) for edge in (SMALL, MEDIUM))
    return {"small": small, "medium": upto_medium - small, "large": len(areas) - upto_medium}


def area(entry: Entry) -> float:
    """Return the stated area of an object, or that of its box, px²."""
    stated = entry.get("area")
    return float(stated) if isinstance(stated, (int, float)) else float(entry["bbox"][2] * entry["bbox"][3])


def beyond(entry: Entry, size_hw: tuple[int, int]) -> bool:
    """Tell whether a box reaches beyond its image by more than a pixel."""
    x, y, width, height = entry["bbox"]
    return bool(min(x, y) < -1 or x + width > size_hw[1] + 1 or y + height > size_hw[0] + 1)


def without_area(entry: Entry) -> bool:
    """Tell whether a box has a side of 0 and no other fault."""
    return any(box_faults(entry, training=False)) and not any(box_faults(entry, training=True))


def repeated(objects: list[Entry]) -> int:
    """Count objects that are on their image before, with the same class and box."""
    counts = Counter((str(entry.get("image_id")), entry["category_id"], tuple(entry["bbox"])) for entry in objects)
    return sum(counts.values()) - len(counts)


def per_class(document: Document, objects: list[Entry]) -> dict[str, int]:
    """Count the objects of each name of a category, most first; those without any are told as well."""
    counts = Counter(entry["category_id"] for entry in objects)
    listed = {
        entry["id"]: str(entry.get("name")) for entry in document.entries("categories") if whole(entry.get("id"))
    }
    named: Counter[str] = Counter()
    for identity, name in listed.items():
        named[name] += counts[identity]
    return dict(sorted(named.items(), key=lambda pair: (-pair[1], pair[0])))


def text(name: str, facts: Card, faults: list[str]) -> str:
    """Return a card and the faults of a set, of which `facts` has the number, as lines for the eye."""
    classes = facts["classes"]
    width, height = ("..".join(dict.fromkeys(map(str, facts[f"{side}_px"]))) for side in ("width", "height"))
    notes = [
        f"{facts[key]} {words}"
        for key, words in (
            ("crowds", "crowds"),
            ("beyond_image", "beyond their image (clipped in training)"),
            ("without_area", "without area (dropped in training)"),
            ("repeated", "repeated"),
        )
        if facts[key]
    ]
    lines = [
        f"{name}: {facts['annotations']}, images in {facts['image_folder']}",
        f"  {facts['images']} images, {facts['images_without_objects']} without objects; {width}×{height} px"
        + (f"; {facts['turned_by_exif']} turned by EXIF, taken as stored" if facts["turned_by_exif"] else ""),
        f"  {facts['objects']} objects: {facts['small']} small, {facts['medium']} medium, {facts['large']} large "
        "(32² and 96² px²)" + "".join(f"; {note}" for note in notes),
        f"  {len(classes)} classes: " + ", ".join(f"{name} {count}" for name, count in classes.items()),
        f"  {facts['faults'] or 'no'} fault{'' if facts['faults'] == 1 else 's'}",
        *(f"  - {fault}" for fault in faults),
    ]
    return "\n".join(lines)
