"""A small data set in COCO's format, written to a folder, and where the photographs of COCO are if they are there."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

COCO_TINY = Path(__file__).parents[3] / "shared" / "data" / "coco_tiny"
needs_photographs = pytest.mark.skipif(not COCO_TINY.is_dir(), reason="no COCO photographs in ../shared/data")

#: (id, file, height, width); not in the order of the ids
IMAGES = ((30, "c.png", 40, 60), (10, "a.png", 20, 30), (20, "b.png", 50, 50))
CATEGORIES = ((7, "cat"), (2, "dog"), (90, "toothbrush"))


def document() -> dict[str, Any]:
    """Return a good annotation file: image 20 has no object, image 30 has a crowd, category ids have gaps."""
    return {
        "images": [{"id": i, "file_name": name, "height": h, "width": w} for i, name, h, w in IMAGES],
        "annotations": [
            {"id": 5, "image_id": 30, "category_id": 90, "bbox": [10, 10, 20, 20], "area": 300.0, "iscrowd": 0},
            {"id": 6, "image_id": 10, "category_id": 2, "bbox": [-5, 2, 10, 8], "area": 70.0, "iscrowd": 0},
            {"id": 8, "image_id": 30, "category_id": 7, "bbox": [0, 0, 60, 40], "area": 900.0, "iscrowd": 1},
        ],
        "categories": [{"id": i, "name": name} for i, name in CATEGORIES],
    }


def write(root: Path, train: Any = None, val: Any = None) -> Path:
    """Write both splits below a folder; a string is written as it is."""
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    for part, content in (("train", train), ("val", val)):
        content = document() if content is None else content
        text = content if isinstance(content, str) else json.dumps(content)
        (root / "annotations" / f"instances_{part}2017.json").write_text(text)
        folder = root / f"{part}2017"
        folder.mkdir(exist_ok=True)
        for number, name, height, width in IMAGES:
            Image.fromarray(np.full((height, width, 3), number, np.uint8)).save(folder / name)
    return root
