"""One small set in every format, so that what the readers make of it can be compared."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from tradeoff.recipes.data import Annotated, Coco
from tradeoff.recipes.formats import Csv, Voc, Yolo

#: (file, width, height), by name; b.png has no object
IMAGES = (("a.png", 40, 20), ("b.png", 50, 50), ("c.png", 64, 32))
CLASSES = ("cat", "dog")


class Thing(NamedTuple):
    """An object: the edges of its box are whole px, so that every format can say them exactly."""

    image: str
    label: str
    box: tuple[int, int, int, int]
    crowd: bool = False


THINGS = (
    Thing("a.png", "dog", (0, 4, 10, 20)),
    Thing("c.png", "cat", (16, 8, 32, 24)),
    Thing("c.png", "dog", (8, 0, 64, 16)),
)
CROWD = Thing("c.png", "cat", (0, 0, 64, 32), crowd=True)

Things = tuple[Thing, ...]


def write_images(folder: Path) -> None:
    """Write the images."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, width, height) in enumerate(IMAGES):
        Image.fromarray(np.full((height, width, 3), 50 * number, np.uint8)).save(folder / name)


def coco(root: Path, part: str, things: Things) -> None:
    """Write a part in COCO's JSON."""
    ids = {name: number for number, (name, _, _) in enumerate(IMAGES, 1)}
    annotations = [
        {
            "id": number,
            "image_id": ids[thing.image],
            "category_id": CLASSES.index(thing.label) + 1,
            "bbox": [thing.box[0], thing.box[1], thing.box[2] - thing.box[0], thing.box[3] - thing.box[1]],
            "iscrowd": int(thing.crowd),
        }
        for number, thing in enumerate(things, 1)
    ]
    document = {
        "images": [{"id": ids[name], "file_name": name, "width": w, "height": h} for name, w, h in IMAGES],
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for number, name in enumerate(CLASSES, 1)],
    }
    save(root / "annotations" / f"instances_{part}2017.json", json.dumps(document))
    write_images(root / f"{part}2017")


def voc(root: Path, part: str, things: Things) -> None:
    """Write a part as Pascal VOC: the first pixel is 1, and both corners belong to the box."""
    for name, width, height in IMAGES:
        objects = "".join(
            f"<object><name>{thing.label}</name><difficult>{int(thing.crowd)}</difficult><bndbox>"
            f"<xmin>{thing.box[0] + 1}</xmin><ymin>{thing.box[1] + 1}</ymin>"
            f"<xmax>{thing.box[2]}</xmax><ymax>{thing.box[3]}</ymax></bndbox></object>\n"
            for thing in things
            if thing.image == name
        )
        text = f"""<annotation><folder>x</folder><filename>{name}</filename><path>elsewhere/x/{name}</path>
<size><width>{width}</width><height>{height}</height><depth>3</depth></size>\n{objects}</annotation>\n"""
        save(root / "Annotations" / f"{name[:-4]}.xml", text)
    save(root / "ImageSets" / "Main" / f"{part}.txt", "".join(f"{name[:-4]}\n" for name, _, _ in IMAGES))
    write_images(root / "JPEGImages")


def yolo(root: Path, part: str, things: Things) -> None:
    """Write a part in YOLO's labels; an image without objects has no file, and there are no crowds."""
    lines: dict[str, list[str]] = {}
    sizes = {name: (width, height) for name, width, height in IMAGES}
    for thing in things:
        (width, height), (x1, y1, x2, y2) = sizes[thing.image], thing.box
        numbers = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
        lines.setdefault(thing.image, []).append(" ".join(map(str, (CLASSES.index(thing.label), *numbers))))
    for name, _, _ in IMAGES:
        if name in lines:
            save(root / "labels" / part / f"{name[:-4]}.txt", "\n".join(lines[name]) + "\n")
    save(root / "data.yaml", "path: elsewhere\ntrain: images/train\nval: ../images/val\nnames: {0: cat, 1: dog}\n")
    write_images(root / "images" / part)


def csv(root: Path, part: str, things: Things) -> None:
    """Write a part in CSV; an image without objects has a line of its own."""
    rows = [",".join(map(str, (t.image, *t.box, t.label, int(t.crowd)))) for t in things]
    rows += [f"{name},,,,,," for name, _, _ in IMAGES if name not in {thing.image for thing in things}]
    save(root / f"{part}.csv", "\n".join(["file_name,x1,y1,x2,y2,label,crowd", *rows]) + "\n")
    write_images(root / "images")


def save(path: Path, text: str) -> None:
    """Write a text and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


FORMATS: dict[str, tuple[Callable[[Path, str, Things], None], type[Annotated]]] = {
    "coco": (coco, Coco),
    "voc": (voc, Voc),
    "yolo": (yolo, Yolo),
    "csv": (csv, Csv),
}


def written(kind: str, root: Path, things: Things = THINGS) -> Annotated:
    """Write both parts of a set in a format, and return the recipe that asks for it."""
    write, recipe = FORMATS[kind]
    for part in ("train", "val"):
        write(root, part, things)
    return recipe(root=str(root))
