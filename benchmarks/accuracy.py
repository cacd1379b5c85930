"""Scoring a set of COCO's size, from files to figures: ours beside pycocotools, each in a fresh process, in turns.

5,000 images, 80 classes, 36,000 objects, 72,000 detections. `figures` computes what pycocotools does, the twelve
figures of COCO; `everything` three sets of rules, own sizes, curves; `intervals` those that the Evaluate stage tells
besides. They read the annotations and `predictions.npz`, pycocotools the annotations and its file of results. Imports
are not timed. Prints for each the seconds and the peak of memory, in all and above what the process had before it
read. The last line, JSON, has the ratios to pycocotools, and the seconds of the intervals.
"""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

IMAGES, CLASSES, OBJECTS, DETECTIONS = 5000, 80, 36_000, 72_000
ROUNDS = 3


def main() -> None:
    """Write the files, score them in turns and print."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        rounds = [{name: run(name, folder) for name in SIDES} for _ in range(ROUNDS)]
    told = {name: {key: median(one[name][key] for one in rounds) for key in rounds[0][name]} for name in SIDES}
    for name, facts in told.items():
        print(f"{name}: {facts}")
    theirs = told["pycocotools"]
    ours = {
        name: {
            "times_as_fast": round(median(one["pycocotools"]["s"] / one[name]["s"] for one in rounds), 1),
            "memory_ratio": round(told[name]["peak_mb"] / theirs["peak_mb"], 3),
            "largest_difference": max(abs(told[name][key] - theirs[key]) for key in FIGURES),
        }
        for name in ("figures", "everything")
    }
    print(json.dumps({**ours, "intervals_s": round(told["intervals"]["s"], 2)}))


def run(name: str, folder: str) -> dict[str, float]:
    """Score in a process of its own."""
    ended = subprocess.run([sys.executable, __file__, name, folder], stdout=subprocess.PIPE, text=True, check=True)
    facts: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return facts


def write(folder: Path) -> None:
    """Write random objects, and detections of which most are near an object, in the form of each side.

    As in COCO an image has up to three classes, and some classes are met far more often than others.
    """
    random = np.random.default_rng(0)
    sides = np.exp(random.uniform(np.log(8), np.log(300), (OBJECTS, 2)))
    boxes = np.concatenate([random.uniform(0, 400, (OBJECTS, 2)), sides], axis=1).round(2)
    often = 1 / np.arange(1, CLASSES + 1)
    table = random.choice(CLASSES, (IMAGES, 3), p=often / often.sum()) + 1
    owners = random.integers(1, IMAGES + 1, OBJECTS)
    classes = table[owners - 1, random.integers(0, 3, OBJECTS)]
    near = random.integers(0, OBJECTS, DETECTIONS)
    found = boxes[near] + random.normal(0, 0.1, (DETECTIONS, 4)) * boxes[near][:, [2, 3, 2, 3]]
    found[:, 2:] = np.maximum(found[:, 2:], 1)
    lost = random.random(DETECTIONS) < 0.3
    images = np.where(lost, random.integers(1, IMAGES + 1, DETECTIONS), owners[near])
    labels, scores = classes[near], random.random(DETECTIONS).astype(np.float32)
    corners = np.concatenate([found[:, :2], found[:, :2] + found[:, 2:]], axis=1).astype(np.float32)
    np.savez_compressed(folder / "predictions.npz", image_id=images, label=labels - 1, score=scores, box=corners)
    truth = {
        "images": [{"id": n, "file_name": f"{n}.jpg"} for n in range(1, IMAGES + 1)],
        "categories": [{"id": n, "name": str(n)} for n in range(1, CLASSES + 1)],
        "annotations": listed(
            owners, classes, boxes, area=boxes[:, 2] * boxes[:, 3], iscrowd=random.random(OBJECTS) < 0.01
        ),
    }
    (folder / "truth.json").write_text(json.dumps(truth))
    wide = corners.astype(np.float64)
    wide[:, 2:] -= wide[:, :2]
    (folder / "found.json").write_text(json.dumps(listed(images, labels, wide, score=scores.astype(np.float64))))


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
            scoring = COCOeval(truth, truth.loadRes(str(folder / "found.json")), "bbox")
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
    before, began = peak_mb(), time.perf_counter()
    figures = score(folder)
    seconds = time.perf_counter() - began
    print(json.dumps({"s": seconds, "peak_mb": peak_mb(), "above_mb": peak_mb() - before, **figures}))


SIDES = {
    "pycocotools": prepare_pycocotools,
    "figures": partial(prepare_ours, everything=False),
    "everything": partial(prepare_ours, everything=True),
    "intervals": prepare_intervals,
}
FIGURES = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar_1", "ar_10", "ar_100")
FIGURES += ("ar_small", "ar_medium", "ar_large")

if __name__ == "__main__":
    child(sys.argv[1], Path(sys.argv[2])) if len(sys.argv) > 1 else main()
