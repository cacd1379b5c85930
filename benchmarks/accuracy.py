"""Scoring a set of COCO's size, from files to figures: ours beside pycocotools, each in a fresh process, in turns.

5,000 images, 80 classes, 36,000 objects, 72,000 detections. Both sides read the same two files: the annotations in
COCO's JSON, and the detections as arrays, `predictions.npz`, which pycocotools takes as one array (N, 7). From COCO's
file of results both take longer. Reading is timed, imports are not. hotcoco, which ours calls, takes all cores and
pycocotools one; `figures on one thread` is told to take one as well.

`figures` computes what pycocotools does, the twelve figures of COCO; `everything` three sets of rules, own sizes,
curves; `intervals` those that the Evaluate stage tells besides, of own sizes too. Memory is the peak of the process.
Prints a table, writes it to results/measured/accuracy.csv with date, hardware and versions, and ends in JSON. Exit
code 1 where a bar is missed:
  the figures at least 50 times as fast as pycocotools; memory of figures and of everything at most that of
  pycocotools, their figures within 1e-12 of its; the intervals in at most 10 s.
`accuracy.py IMAGES` takes so many images, with as many objects and detections of each, and writes no table.
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np
from bars import MEASURED, Row, ended, judged, write

from tradeoff.core.machine import installed

TABLE = MEASURED / "accuracy.csv"
IMAGES, CLASSES, OBJECTS, DETECTIONS = 5000, 80, 36_000, 72_000
ROUNDS = 5

Facts = dict[str, float]


def main(images: int = IMAGES) -> int:
    """Write the files, score them in turns, print and write; return the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), images)
        rounds = [{name: run(name, folder) for name in SIDES} for _ in range(ROUNDS)]
    rows = rows_of(rounds)
    if images == IMAGES:
        versions = {f"{name}_version": installed(name) for name in ("numpy", "hotcoco", "pycocotools")}
        write(TABLE, [row | versions for row in rows])
    return ended(TABLE, rows)


def run(name: str, folder: str) -> Facts:
    """Score in a process of its own."""
    alone = {"RAYON_NUM_THREADS": "1"} if "one thread" in name else {}
    command = [sys.executable, __file__, name, folder]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **alone})
    facts: Facts = json.loads(done.stdout.splitlines()[-1])
    return facts


def rows_of(rounds: list[dict[str, Facts]]) -> list[Row]:
    """Return the rows of rounds, each of the facts of every side."""
    theirs = [one["pycocotools"] for one in rounds]
    rows = []
    for name in SIDES:
        ours = [one[name] for one in rounds]
        rows += [
            row(f"{name}, time", [mine["s"] for mine in ours], "s", *([("<=", 10)] if name == "intervals" else [])),
            row(f"{name}, peak memory", [mine["peak_mb"] for mine in ours], "MB"),
        ]
        if name in ("pycocotools", "intervals"):
            continue
        pairs = list(zip(ours, theirs, strict=True))
        apart = [max(abs(mine[key] - other[key]) for key in FIGURES) for mine, other in pairs]
        speed = [other["s"] / mine["s"] for mine, other in pairs]
        memory = [mine["peak_mb"] / other["peak_mb"] for mine, other in pairs]
        rows += [
            row(f"{name}, times as fast", speed, "times", *([(">=", 50)] if name == "figures" else [])),
            row(f"{name}, memory beside pycocotools", memory, "times", ("<=", 1)),
            row(f"{name}, largest difference", apart, "", ("<=", 1e-12)),
        ]
    return rows


def row(what: str, values: list[float], unit: str, *bar: tuple[str, float]) -> Row:
    """Return a row: the median of the rounds, their range, and a bar such as `("<=", 10)` if it has one."""
    told = {"value": median(values), "least": min(values), "most": max(values)}
    rounded = {name: float(f"{value:.4g}") for name, value in told.items()}
    facts = {"what": what, "unit": unit, **rounded, "repeats": len(values)}
    return judged(facts, **({"value": bar[0]} if bar else {}))


def prepare(folder: Path, images: int) -> None:
    """Write random objects, and detections of which most are near an object.

    As in COCO an image has up to three classes, and some classes are met far more often than others.
    """
    objects, detections = (count * images // IMAGES for count in (OBJECTS, DETECTIONS))
    random = np.random.default_rng(0)
    sides = np.exp(random.uniform(np.log(8), np.log(300), (objects, 2)))
    boxes = np.concatenate([random.uniform(0, 400, (objects, 2)), sides], axis=1).round(2)
    often = 1 / np.arange(1, CLASSES + 1)
    table = random.choice(CLASSES, (images, 3), p=often / often.sum()) + 1
    owners = random.integers(1, images + 1, objects)
    classes = table[owners - 1, random.integers(0, 3, objects)]
    near = random.integers(0, objects, detections)
    found = boxes[near] + random.normal(0, 0.1, (detections, 4)) * boxes[near][:, [2, 3, 2, 3]]
    found[:, 2:] = np.maximum(found[:, 2:], 1)
    lost = random.random(detections) < 0.3
    places = np.where(lost, random.integers(1, images + 1, detections), owners[near])
    labels, scores = classes[near], random.random(detections).astype(np.float32)
    corners = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:]], axis=1).astype(np.float32)
    np.savez_compressed(folder / "predictions.npz", image_id=places, label=labels - 1, score=scores, box=corners)
    truth = {
        "images": [{"id": n, "file_name": f"{n}.jpg"} for n in range(1, images + 1)],
        "categories": [{"id": n, "name": str(n)} for n in range(1, CLASSES + 1)],
        "annotations": listed(
            owners, classes, boxes, area=boxes[:, 2] * boxes[:, 3], iscrowd=random.random(objects) < 0.01
        ),
    }
    (folder / "truth.json").write_text(json.dumps(truth))


def listed(images: np.ndarray, classes: np.ndarray, boxes: np.ndarray, **more: np.ndarray) -> list[dict[str, object]]:
    """Return boxes as entries of COCO's format."""
    numbers = np.arange(1, len(images) + 1)
    columns = {"id": numbers, "image_id": images, "category_id": classes, "bbox": boxes, **more}
    plain = {name: values.astype(int) if values.dtype == bool else values for name, values in columns.items()}
    rows = zip(*(values.tolist() for values in plain.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def prepare_ours(everything: bool) -> Callable[[Path], dict[str, float]]:
    """Import what scoring needs; return how a folder is scored."""
    import hotcoco  # noqa: F401 - imported late by the engine, and imports are not timed

    from tradeoff.metrics import boxes, coco
    from tradeoff.metrics.accuracy import accuracy
    from tradeoff.recipes.metric import Metric

    def score(folder: Path) -> dict[str, float]:
        truth = boxes.truth(json.loads((folder / "truth.json").read_bytes()))
        with np.load(folder / "predictions.npz") as file:
            found = boxes.predicted(truth, dict(file), truth.category_ids)
        if not everything:
            return coco.figures(coco.measure(truth, found, "hotcoco"))
        columns, _ = accuracy(truth, found, **Metric().options())
        return {name: columns[name] for name in FIGURES}

    return score


def prepare_intervals() -> Callable[[Path], dict[str, float | None]]:
    """Import what intervals need; return how they are had of a folder."""
    from tradeoff.metrics import boxes, coco, intervals
    from tradeoff.metrics.accuracy import areas
    from tradeoff.metrics.matches import match
    from tradeoff.recipes.metric import Metric

    def score(folder: Path) -> dict[str, float | None]:
        truth = boxes.truth(json.loads((folder / "truth.json").read_bytes()))
        with np.load(folder / "predictions.npz") as file:
            found = boxes.predicted(truth, dict(file), truth.category_ids)
        ranges = coco.with_standard(areas(Metric().size_edges_px))
        return intervals.columns(intervals.of_run(match(truth, found, ranges)))

    return score


def prepare_pycocotools() -> Callable[[Path], dict[str, float]]:
    """Import pycocotools; return how a folder is scored."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    def score(folder: Path) -> dict[str, float]:
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO(str(folder / "truth.json"))
            with np.load(folder / "predictions.npz") as file:
                image, label, score, box = (file[name] for name in ("image_id", "label", "score", "box"))
            sides = box[:, 2:].astype(np.float64) - box[:, :2]
            found = truth.loadRes(np.column_stack([image, box[:, :2], sides, score, label + 1]))
            scoring = COCOeval(truth, found, "bbox")
            scoring.evaluate()
            scoring.accumulate()
            scoring.summarize()
        return dict(zip(FIGURES, map(float, scoring.stats), strict=True))

    return score


def peak_mb() -> float:
    """Return the most memory that this process has had, 10^6 bytes; Linux alone tells it of the process itself."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


def child(name: str, folder: Path) -> None:
    """Score once and print the facts."""
    score = SIDES[name]()
    began = time.perf_counter()
    figures = score(folder)
    seconds = time.perf_counter() - began
    print(json.dumps({"s": seconds, "peak_mb": peak_mb(), **figures}))


SIDES = {
    "pycocotools": prepare_pycocotools,
    "figures": partial(prepare_ours, everything=False),
    "figures on one thread": partial(prepare_ours, everything=False),
    "everything": partial(prepare_ours, everything=True),
    "intervals": prepare_intervals,
}
FIGURES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar_1", "ar_10", "ar_100")
FIGURES += ("ar_small", "ar_medium", "ar_large")

if __name__ == "__main__":
    if len(sys.argv) > 2:
        child(sys.argv[1], Path(sys.argv[2]))
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
