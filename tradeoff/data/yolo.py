"""Reads YOLO's text labels: a file an image, a line an object: class cx cy width height.

The class counts the names of `data.yaml`, or the lines of `classes.txt`, from 0; the box is in parts of the width and
the height of the image, 0 to 1. The label file of an image has its name with .txt instead of its ending; an image
without one has no objects, and labels without an image are a fault. Sizes in px are read from the image files.
"""

import os

from tradeoff.core.errors import DataError
from tradeoff.core.files import opened
from tradeoff.data.assembly import Assembly, Box, Corners, number
from tradeoff.data.document import Document, name_fault, shown
from tradeoff.data.image_files import Header, headers

#: the file of class names, which some tools write among the labels
LIST = "classes.txt"
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".mpo", ".gif")
#: how far a box may reach beyond its image by the rounding of its four numbers
ROUNDING = 1e-3


def read(path: str, folder: str, classes: tuple[str, ...] = ()) -> Document:
    """Read a set.

    Args:
        path: the folder of the label files; or a list of images, one a line, below the image folder, whose labels
            are where `labels` stands for the last `images` of their path.
        folder: the folder of the images.
        classes: the names, by number.
    """
    assembly = Assembly(classes)
    is_list = os.path.isfile(path)
    names = listed(path, assembly) if is_list else found(folder, path, assembly)
    for name, header in zip(names, headers(folder, names), strict=True):
        if isinstance(header, DataError):
            assembly.faults.append(str(header))
        elif assembly.image(name, (header.height, header.width), path):
            labels = os.path.join(folder, labels_of(name)) if is_list else os.path.join(path, name)
            read_labels(f"{os.path.splitext(labels)[0]}.txt", name, header, assembly)
    if not is_list:
        orphans(path, names, assembly)
    return assembly.document(path, folder)


def found(folder: str, labels: str, assembly: Assembly) -> list[str]:
    """Return the images below a folder, and note a folder that is not there."""
    for place, what in ((folder, "images"), (labels, "labels")):
        if not os.path.isdir(place):
            assembly.fault(place, f"no such folder of {what}")
    return below(folder, ENDINGS)


def below(folder: str, endings: tuple[str, ...]) -> list[str]:
    """Return the files of some endings below a folder, sorted."""
    paths = [os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names]
    return sorted(os.path.relpath(path, folder) for path in paths if path.lower().endswith(endings))


def orphans(labels: str, names: list[str], assembly: Assembly) -> None:
    """Note the label files that have lines and no image."""
    known = {os.path.splitext(name)[0] for name in names}
    for name in below(labels, (".txt",)):
        path = os.path.join(labels, name)
        if os.path.splitext(name)[0] not in known and os.path.basename(name) != LIST and label_lines(path, assembly):
            assembly.fault(path, "has objects and no image; add the image, or delete the file")


def listed(path: str, assembly: Assembly) -> list[str]:
    """Return the images of a list, as paths below the image folder."""
    try:
        with opened(path, "r", encoding="utf-8-sig") as file:
            lines = [line.strip() for line in file]
    except (OSError, ValueError) as error:
        assembly.fault(path, f"cannot be read ({getattr(error, 'strerror', None) or error})")
        return []
    names = []
    for count, line in enumerate(lines, 1):
        if line and name_fault(line):
            assembly.fault(f"{path}: line {count}", f"{shown(line)}: expected a path below the image folder")
        elif line:
            names.append(line.removeprefix("./"))
    return list(dict.fromkeys(names))


def labels_of(name: str) -> str:
    """Return where the labels of an image are: `labels` stands for the last `images` of its path."""
    parts = name.split("/")
    last = max((place for place, part in enumerate(parts[:-1]) if part == "images"), default=None)
    return "/".join("labels" if place == last else part for place, part in enumerate(parts))


def read_labels(path: str, name: str, header: Header, assembly: Assembly) -> None:
    """Read the label file of one image, if it has one."""
    for count, line in label_lines(path, assembly):
        read_line(line.split(), name, header, f"{path}: line {count}", assembly)


def label_lines(path: str, assembly: Assembly) -> list[tuple[int, str]]:
    """Return the lines of a label file that hold something, with their numbers; none where there is no file."""
    try:
        with opened(path, "r", encoding="utf-8-sig") as file:
            return [(count, line) for count, line in enumerate(file, 1) if line.strip()]
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        assembly.fault(path, f"cannot be read ({getattr(error, 'strerror', None) or error})")
        return []


def read_line(values: list[str], name: str, header: Header, place: str, assembly: Assembly) -> None:
    """Read one object."""
    numbers = [number(value) for value in values]
    if len(values) != 5 or None in numbers:
        return assembly.fault(
            place, f"{shown(' '.join(values))}: expected 5 finite numbers: class cx cy width height"
        )
    label, *parts = (value for value in numbers if value is not None)
    if label not in range(len(assembly.classes)):
        last = len(assembly.classes) - 1
        return assembly.fault(place, f"class={shown(values[0])}: expected a whole number from 0 to {last}")
    if not all(-ROUNDING <= value <= 1 + ROUNDING for value in parts):
        return assembly.fault(place, f"{shown(' '.join(values[1:]))}: expected parts of the image's sides, 0 to 1")
    assembly.box(name, Box(assembly.classes[int(label)], corners(parts, header), False, place))
    return None


def corners(parts: list[float], header: Header) -> Corners:
    """Convert centre and sides, in parts of an image, to corners in px."""
    x, y, width, height = parts
    left, top, right, bottom = x - width / 2, y - height / 2, x + width / 2, y + height / 2
    return left * header.width, top * header.height, right * header.width, bottom * header.height
