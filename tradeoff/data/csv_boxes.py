"""Reads boxes from a CSV file: a line an object.

| column | or | meaning |
|---|---|---|
| `file_name` | `filename` | of the image, below the image folder |
| `x1`, `y1`, `x2`, `y2` | `xmin`, `ymin`, `xmax`, `ymax` | edges of the box, px from the left and the top |
| `label` | `class` | name of the class |
| `width`, `height` | | of the image, px; may be left out |
| `crowd` | `difficult` | 1: not learned, and neither right nor wrong to find; 0 or empty; may be left out |

The first line names the columns, in any order; further columns are not read. An image without objects has one line
whose box and label are empty. The other names are those of the TF Object Detection API's examples.
"""

import csv
from collections.abc import Iterator

from tradeoff.core.files import opened
from tradeoff.data.assembly import Assembly, Box, number, side
from tradeoff.data.document import Document, shown

NAMES = {
    "file_name": ("file_name", "filename"),
    "x1": ("x1", "xmin"),
    "y1": ("y1", "ymin"),
    "x2": ("x2", "xmax"),
    "y2": ("y2", "ymax"),
    "label": ("label", "class"),
    "width": ("width",),
    "height": ("height",),
    "crowd": ("crowd", "difficult"),
}
REQUIRED = ("file_name", "x1", "y1", "x2", "y2", "label")
CORNERS = ("x1", "y1", "x2", "y2")

Row = dict[str, str]


def read(path: str, folder: str, classes: tuple[str, ...] = ()) -> Document:
    """Read a set.

    Args:
        path: the CSV file, UTF-8.
        folder: the folder of the images.
        classes: the names that labels may have, by id; empty for those that are met, sorted.
    """
    assembly = Assembly(classes)
    try:
        with opened(path, "r", encoding="utf-8-sig", newline="") as file:
            for place, row in rows(path, file, assembly):
                read_row(place, row, assembly)
    except OSError as error:
        assembly.fault(path, f"cannot be read ({error.strerror})")
    except (ValueError, csv.Error) as error:
        assembly.fault(path, f"is not CSV in UTF-8 ({error})")
    return assembly.document(path, folder)


def rows(path: str, lines: Iterator[str], assembly: Assembly) -> Iterator[tuple[str, Row]]:
    """Yield the place and the known columns of each line below the first."""
    reader = csv.reader(lines, strict=True)
    header = [name.strip() for name in next(reader, [])]
    columns = {key: header.index(name) for key, names in NAMES.items() for name in names if name in header}
    doubled = [found for names in NAMES.values() if len(found := [name for name in header if name in names]) > 1]
    if doubled:
        words = "; ".join(", ".join(found) for found in doubled)
        return assembly.fault(path, f"line 1: columns of one meaning: {words}; keep one of them")
    missing = [" or ".join(NAMES[key]) for key in REQUIRED if key not in columns]
    if missing:
        return assembly.fault(path, f"line 1: no column {', '.join(missing)}; there are {shown(', '.join(header))}")
    for values in reader:
        place = f"{path}: line {reader.line_num}"
        if len(values) == len(header):
            yield place, {key: values[index].strip() for key, index in columns.items()}
        elif values:
            assembly.fault(place, f"{len(values)} values: expected {len(header)}, as line 1 has")
    return None


def read_row(place: str, row: Row, assembly: Assembly) -> None:
    """Read one line."""
    name = row["file_name"]
    if not assembly.image(name, size(place, row, assembly), place):
        return
    if not any(row[key] for key in (*CORNERS, "label")):
        return
    corners = [number(row[key]) for key in CORNERS]
    for key, value in zip(CORNERS, corners, strict=True):
        if value is None:
            assembly.fault(place, f"{key}={shown(row[key])}: expected a finite number, px")
    crowd = row.get("crowd") or "0"
    if crowd not in ("0", "1"):
        assembly.fault(place, f"crowd={shown(crowd)}: expected 0 or 1")
    x1, y1, x2, y2 = (value if value is not None else 0.0 for value in corners)
    if None not in corners:
        assembly.box(name, Box(row["label"], (x1, y1, x2, y2), crowd == "1", place))


def size(place: str, row: Row, assembly: Assembly) -> tuple[int, int] | None:
    """Return the stated (height, width), or None where there is none."""
    stated = {key: row[key] for key in ("height", "width") if row.get(key)}
    height, width = side(stated.get("height")), side(stated.get("width"))
    if height is not None and width is not None:
        return height, width
    for key, value in stated.items():
        assembly.fault(place, f"{key}={shown(value)}: expected whole px above 0, and both sides or none")
    return None
