"""Checking a set of the size of COCO's val2017: 5,000 photographs, 36,000 boxes, headers only, by the command itself.

The photographs are 20 JPEG files of 640×480 px under 5,000 names, the disk's cache warm as after an unpacking. Prints
the seconds of each of three runs, start of the interpreter included; the last line, JSON, has their median.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

IMAGES, CLASSES, BOXES, FILES, ROUNDS = 5000, 80, 36_000, 20, 3
WIDTH, HEIGHT = 640, 480


def main() -> None:
    """Write the set, check it a few times and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder))
        seconds = [check(path, Path(folder)) for _ in range(ROUNDS)]
    print(", ".join(f"{value:.2f} s" for value in seconds))
    print(json.dumps({"images": IMAGES, "boxes": BOXES, "check_s": round(median(seconds), 2)}))


def write(folder: Path) -> Path:
    """Write the photographs and their annotations; return the path of these."""
    random = np.random.default_rng(0)
    for number in range(IMAGES):
        place = folder / f"{number:012}.jpg"
        if number < FILES:
            small = Image.fromarray(random.integers(0, 256, (HEIGHT // 4, WIDTH // 4, 3), dtype=np.uint8))
            small.resize((WIDTH, HEIGHT)).save(place, quality=90)
        else:
            os.link(folder / f"{number % FILES:012}.jpg", place)
    corners = random.uniform(0, [WIDTH - 10, HEIGHT - 10], (BOXES, 2))
    sides = np.minimum(random.uniform(4, 300, (BOXES, 2)), [WIDTH, HEIGHT] - corners)
    columns = (random.integers(0, IMAGES, BOXES), random.integers(1, CLASSES + 1, BOXES), corners, sides)
    boxes = [
        {"id": n, "image_id": image, "category_id": label, "bbox": [*corner, *side], "area": side[0] * side[1]}
        for n, (image, label, corner, side) in enumerate(zip(*(c.tolist() for c in columns), strict=True), 1)
    ]
    names = [{"id": n, "file_name": f"{n:012}.jpg", "width": WIDTH, "height": HEIGHT} for n in range(IMAGES)]
    document = {
        "images": names,
        "annotations": [{**box, "iscrowd": 0} for box in boxes],
        "categories": [{"id": n, "name": f"class {n}"} for n in range(1, CLASSES + 1)],
    }
    path = folder / "val.json"
    path.write_text(json.dumps(document))
    return path


def check(path: Path, images: Path) -> float:
    """Run the command in a process of its own; return its seconds."""
    command = [sys.executable, "-m", "tradeoff.data", "check", str(path), "--images", str(images)]
    began = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - began
    (card,) = json.loads(ended.stdout.splitlines()[-1])["parts"].values()
    assert (card["images"], card["objects"], card["faults"]) == (IMAGES, BOXES, 0), card
    return seconds


if __name__ == "__main__":
    main()
