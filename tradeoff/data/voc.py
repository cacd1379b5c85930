"""Reads Pascal VOC: an XML file an image, beside a list of names where there are several sets.

The pixels of VOC count from 1 and both corners belong to the box, so xmin..xmax covers the edges xmin - 1 to xmax.
What is difficult is read as a crowd: not learned, and neither right nor wrong to find. `path` and `folder` are not
read, for they tell where the file lay at its author's.

Source: Everingham et al., The PASCAL VOC 2012 Development Kit, sections 2 and 3.4.
Differs: VOC's own scoring takes a difficult object for one object; a crowd takes any number of detections.
"""

import os
from xml.etree import ElementTree

from tradeoff.core.files import opened
from tradeoff.data.assembly import Assembly, Box, number, side
from tradeoff.data.document import Document, name_fault, shown

Element = ElementTree.Element
CORNERS = ("xmin", "ymin", "xmax", "ymax")
#: names that the folder of the XML files has beside the image folder
FOLDERS = ("Annotations", "annotations")


def read(path: str, folder: str, classes: tuple[str, ...] = ()) -> Document:
    """Read a set.

    Args:
        path: a folder of XML files, all of which are read; or a list of their names without .xml, one a line, the
            files being in `Annotations` beside the image folder.
        folder: the folder of the images.
        classes: the names that labels may have, by id; empty for those that are met, sorted.
    """
    assembly = Assembly(classes)
    for file in xml_files(path, folder, assembly):
        read_file(file, assembly)
    return assembly.document(path, folder)


def xml_files(path: str, folder: str, assembly: Assembly) -> list[str]:
    """Return the XML files of a set."""
    try:
        if os.path.isdir(path):
            return [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(".xml")]
        with opened(path, "r", encoding="utf-8-sig") as file:
            names = [line.strip() for line in file if line.strip()]
    except (OSError, ValueError) as error:
        assembly.fault(path, f"cannot be read ({getattr(error, 'strerror', None) or error})")
        return []
    beside = os.path.dirname(folder)
    where = next((name for name in FOLDERS if os.path.isdir(os.path.join(beside, name))), FOLDERS[0])
    for name in filter(name_fault, names):
        assembly.fault(path, f"{shown(name)}: expected the name of an XML file below {where}")
    good = [name for name in dict.fromkeys(names) if not name_fault(name)]
    return [os.path.join(beside, where, f"{name}.xml") for name in good]


def is_of_one_class(path: str) -> bool:
    """Tell whether a list is one of the devkit's of a class, such as `dog_val`: each name has -1, 0 or 1 beside."""
    if "_" not in os.path.basename(path):
        return False
    try:
        with opened(path, "r", encoding="utf-8-sig") as file:
            words = [line.split() for line in file if line.strip()]
    except (OSError, ValueError):
        return False
    return bool(words) and all(len(pair) == 2 and pair[1] in ("-1", "0", "1") for pair in words)


def read_file(path: str, assembly: Assembly) -> None:
    """Read the XML file of one image."""
    try:
        with opened(path) as file:
            content = file.read()
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise ValueError("a document type, which no annotation needs")
        root = ElementTree.fromstring(content)
    except OSError as error:
        return assembly.fault(path, f"cannot be read ({error.strerror})")
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        return assembly.fault(path, f"is not XML ({error})")
    name = text(root, "filename")
    if name in assembly.sizes:
        return assembly.fault(path, f"filename={shown(name)}: another file has this image")
    if not assembly.image(name, size(root, path, assembly), path, key="filename"):
        return None
    for count, entry in enumerate(root.iter("object"), 1):
        read_object(entry, name, f"{path}: object {count}", assembly)
    return None


def size(root: Element, path: str, assembly: Assembly) -> tuple[int, int] | None:
    """Return the stated (height, width); one that is missing, or 0 as some tools write, is not stated."""
    stated = [text(root, f"size/{key}") for key in ("height", "width")]
    sides = [side(value) for value in stated]
    if None not in sides:
        return int(sides[0] or 0), int(sides[1] or 0)
    if any(number(value) != 0 for value in stated if value):
        assembly.fault(path, f"size: height={shown(stated[0])}, width={shown(stated[1])}: expected whole px above 0")
    return None


def read_object(entry: Element, name: str, place: str, assembly: Assembly) -> None:
    """Read one object."""
    corners = [number(text(entry, f"bndbox/{key}")) for key in CORNERS]
    difficult = text(entry, "difficult") or "0"
    for key, value in zip(CORNERS, corners, strict=True):
        if value is None:
            assembly.fault(place, f"{key}={shown(text(entry, f'bndbox/{key}'))}: expected a finite number, px")
    if difficult not in ("0", "1"):
        assembly.fault(place, f"difficult={shown(difficult)}: expected 0 or 1")
    x1, y1, x2, y2 = (value if value is not None else 0.0 for value in corners)
    if None not in corners:
        box = Box(text(entry, "name"), (x1 - 1, y1 - 1, x2, y2), difficult == "1", place)
        assembly.box(name, box, key="name")


def text(element: Element, path: str) -> str:
    """Return the text of an element below another, empty when it is missing."""
    return (element.findtext(path) or "").strip()
