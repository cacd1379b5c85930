"""How often the intervals of AP and of paired differences hold the truth, in simulated studies of several kinds.

A world of 30,000 images with objects is made, and two detectors look at all of it. What is simulated is what makes
intervals of AP hard: images that are hard as a whole, classes of unequal frequency that stand together, clusters of
one class, hits whose score says something of their fit, doubles, mistaken classes, false alarms, crowds. The truth is
the AP of the whole world, which stands for endless images. A study is a few hundred images of it that have at least
50 boxes of each class; matching is done once, for COCO matches image by image. `scarce` has 10 boxes; `rare classes`
and `too rare` have as many as come, the truth being the mean over all classes: the one is at the edge of what has an
interval, the other beyond it. `empty` counts the studies that have none.

Beside the method of `metrics/intervals.py`, `plain` is the figure ± 1.96 times the spread of the halves. The kind
`by size` tells the sizes as well, and how a percentile bootstrap (of AP, 100 resamples) does, which most tools take.
Writes results/measured/coverage.csv, each kind as it is done; prints it, and as the last line the least coverage of
the method. `coverage.py STUDIES [KIND ...]` takes fewer studies, or some kinds alone.
"""

import csv
import json
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from tradeoff.core.machine import code_version, detect
from tradeoff.metrics import intervals
from tradeoff.metrics.boxes import Found, Truth
from tradeoff.metrics.coco import STANDARD
from tradeoff.metrics.matches import Matches, match

TABLE = Path(__file__).parents[1] / "results" / "measured" / "coverage.csv"
WORLD, STUDIES, RESAMPLES = 30_000, 1000, 100


@dataclass(frozen=True)
class Detector:
    """How well a simulated detector sees.

    finds: log odds of finding an object of 64 px. blur: of the edges of a box, as a share of its side. alarms: false
    ones of an image and class. doubles, mistaken: shares of the hits. sharp: how much a score says of the hit.
    """

    finds: float = 1.0
    blur: float = 0.09
    alarms: float = 0.3
    doubles: float = 0.1
    mistaken: float = 0.08
    sharp: float = 1.2


@dataclass(frozen=True)
class Kind:
    """A kind of study.

    often: how often each class is in an image. more: further objects of it, mean. images: of a study. a, b: the
    detectors. thorough: whether sizes and a bootstrap are looked at. boxes: of each class, the fewest in a study.
    """

    often: tuple[float, ...]
    more: float
    images: int
    a: Detector
    b: Detector
    thorough: bool = False
    boxes: int = 50


FIVE, SIXTEEN = (0.5, 0.3, 0.2, 0.15, 0.1), tuple(np.geomspace(0.25, 0.06, 16))
MIDDLING = Detector(), Detector(finds=1.2, alarms=0.35)
RARE, RARER = tuple(np.geomspace(0.4, 0.006, 24)), tuple(np.geomspace(0.3, 0.003, 60))
STRONG = Detector(2.5, 0.035, 0.1, 0.03, 0.02, 1.8)
VERY_STRONG = Detector(5.0, 0.008, 0.02, 0.01, 0.005, 2.5)
KINDS = {
    "middling": Kind(FIVE, 1.5, 320, *MIDDLING),
    "weak": Kind(FIVE, 1.5, 320, Detector(-0.3, 0.13, 0.8, mistaken=0.15), Detector(0, 0.12, 0.6, mistaken=0.15)),
    "strong": Kind(FIVE, 1.5, 320, STRONG, replace(STRONG, finds=2.7, blur=0.03)),
    "few images": Kind((0.6, 0.5, 0.4), 1.8, 80, Detector(blur=0.08), Detector(finds=0.6, blur=0.08)),
    "many classes": Kind(SIXTEEN, 1.5, 600, Detector(alarms=0.05), Detector(blur=0.08, alarms=0.05)),
    "scarce": Kind(FIVE, 1.5, 80, *MIDDLING, boxes=10),
    "very strong": Kind(FIVE, 1.5, 320, VERY_STRONG, replace(VERY_STRONG, finds=5.5)),
    "rare classes": Kind(RARE, 1.5, 600, Detector(alarms=0.05), Detector(blur=0.08, alarms=0.05), boxes=0),
    "too rare": Kind(RARER, 1.5, 200, Detector(alarms=0.02), Detector(blur=0.08, alarms=0.02), boxes=0),
    "by size": Kind(FIVE, 1.5, 320, *MIDDLING, thorough=True),
}


def scenes(kind: Kind, random: np.random.Generator) -> tuple[Truth, np.ndarray, np.ndarray]:
    """Return the objects of a world, how hard each image is (I,), and how easy each object (M,)."""
    shape = WORLD, len(kind.often)
    likely = 0.8 * random.normal(size=shape) + 0.8 * random.normal(size=(WORLD, 1))
    there = likely > np.diagonal(np.quantile(likely, 1 - np.array(kind.often), axis=0))
    cluster = np.exp(0.7 * random.normal(size=shape) - 0.245)
    counts = np.where(there, 1 + random.poisson(kind.more * cluster), 0)
    image, label = np.repeat(np.indices(shape).reshape(2, -1), counts.ravel(), axis=1)
    side, ratio = (
        np.exp(random.uniform(np.log(12), np.log(300), len(image))),
        np.exp(random.normal(0, 0.2, len(image))),
    )
    sides = np.stack([side * ratio, side / ratio], axis=1)
    box = np.concatenate([random.random((len(image), 2)) * np.maximum([640, 480] - sides, 1), sides], axis=1)
    ids, names = np.arange(1, shape[1] + 1), tuple(map(str, range(shape[1])))
    crowd = random.random(len(image)) < 0.01
    truth = Truth(np.arange(1, WORLD + 1), ids, names, image, label, box, sides.prod(axis=1), crowd)
    return truth, random.normal(size=WORLD), random.normal(size=len(image))


def look(truth: Truth, hard: np.ndarray, easy: np.ndarray, by: Detector, random: np.random.Generator) -> Found:
    """Return what a detector finds in a world."""
    clear = by.finds + 0.7 * np.log2(np.sqrt(truth.area) / 64) - 0.7 * hard[truth.image] + 0.7 * easy
    clear += 0.7 * random.normal(size=len(clear))
    hits = np.flatnonzero(random.random(len(clear)) < chance(1.5 * clear))
    label = truth.label[hits]
    mistaken = random.random(len(hits)) < by.mistaken * np.exp(-0.5 * clear[hits])
    label = np.where(mistaken, (label + random.integers(1, truth.classes, len(hits))) % truth.classes, label)
    twice = hits[random.random(len(hits)) < by.doubles]
    alarms = random.poisson(by.alarms * np.exp(0.5 * hard - 0.125), (truth.classes, WORLD)).T
    image, wrong = np.repeat(np.indices(alarms.shape).reshape(2, -1), alarms.ravel(), axis=1)
    sides = np.exp(random.uniform(np.log(10), np.log(250), (len(image), 2)))
    lost = np.concatenate([random.random((len(image), 2)) * [500, 350], sides], axis=1)
    near, far = (moved(truth, rows, blur, clear, random) for rows, blur in ((hits, by.blur), (twice, 3 * by.blur)))
    score = np.concatenate([by.sharp * clear[hits], by.sharp * clear[twice] - 1.5, np.full(len(image), -1.5)])
    return Found(
        np.concatenate([truth.image[hits], truth.image[twice], image]),
        np.concatenate([label, truth.label[twice], wrong]),
        np.concatenate([near, far, lost]),
        chance(score + random.normal(size=len(score))).round(4),
    )


def chance(odds: np.ndarray) -> np.ndarray:
    """Return the probability of log odds."""
    return 1 / (1 + np.exp(-odds))


def moved(truth: Truth, rows: np.ndarray, blur: float, clear: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return boxes of objects with blurred edges, less so where an object is clear."""
    box, spread = truth.box[rows], blur * np.exp(0.3 * random.normal(size=len(rows)) - 0.35 * clear[rows])
    first, last = (random.normal(size=(len(rows), 2)) * spread[:, None] * box[:, 2:] for _ in range(2))
    return np.concatenate([box[:, :2] + first, np.maximum(box[:, 2:] + last - first, 1)], axis=1)


def study(world: Matches, chosen: np.ndarray) -> Matches:
    """Return the matches of some images, rising."""
    place = np.full(WORLD, -1)
    place[chosen] = np.arange(len(chosen))
    rows, objects = place[world.image] >= 0, place[world.object_image] >= 0
    return replace(
        world,
        image_ids=world.image_ids[chosen],
        image=place[world.image[rows]],
        label=world.label[rows],
        outcome=world.outcome[:, :, rows],
        object_image=place[world.object_image[objects]],
        object_label=world.object_label[objects],
        inside=world.inside[:, objects],
    )


def drawn(world: Matches, kind: Kind, random: np.random.Generator) -> np.ndarray:
    """Draw the images of a study until there are enough boxes of each class."""
    while True:
        chosen = np.sort(random.choice(WORLD, kind.images, replace=False))
        there = world.inside[0] & np.isin(world.object_image, chosen)
        if np.bincount(world.object_label[there], minlength=len(world.category_ids)).min() >= kind.boxes:
            return chosen


def figures(matches: Matches, weights: np.ndarray) -> np.ndarray:
    """Return the figures of weighted images, (B, A)."""
    return intervals.over_classes(intervals.by_class(matches, weights))


def resampled(side: Matches, random: np.random.Generator) -> np.ndarray:
    """Return AP of images drawn with replacement, (RESAMPLES,)."""
    images = len(side.image_ids)
    weights = random.multinomial(images, np.full(images, 1 / images), RESAMPLES).astype(np.float32)
    return figures(of_all_sizes(side), weights)[:, 0]


def of_all_sizes(world: Matches) -> Matches:
    """Return matches for AP alone."""
    return world.of_areas(STANDARD[:1])


def told(a: Matches, b: Matches, seed: int | None) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the interval that each method gives for each figure of one study; a seed asks for the bootstrap."""
    ends: dict[tuple[str, str], intervals.Interval | None] = {}
    (one, some), (other, others) = intervals.figures(a), intervals.figures(b)
    images, steps, of_b = intervals.support(a), intervals.steps(a), intervals.steps(b)
    for place, name in enumerate(intervals.FIGURES[: len(one)]):
        both = {
            name: (one[place], some[:, place], steps),
            f"difference of {name}": (
                one[place] - other[place],
                some[:, place] - others[:, place],
                steps + of_b[::-1],
            ),
        }
        for figure, (value, halves, step) in both.items():
            ends[figure, "ours"] = intervals.interval(value, halves, images[place], step[:, place])
            ends[figure, "plain"] = around(value, halves)
    if seed is not None:
        first, second = (resampled(side, np.random.default_rng(seed)) for side in (a, b))
        for name, values in {"ap": first, "difference of ap": first - second}.items():
            ends[name, "percentile bootstrap"] = intervals.Interval(*np.quantile(values, [0.025, 0.975]))
    return {key: (found.low, found.high) if found else (np.nan, np.nan) for key, found in ends.items()}


def around(value: float, halves: np.ndarray) -> intervals.Interval:
    """Return the figure ± 1.96 times the spread."""
    reach = NormalDist().inv_cdf(0.975) * halves.std()
    return intervals.Interval(value - reach, value + reach)


def measured(name: str, studies: int) -> list[dict[str, Any]]:
    """Return the rows of a kind."""
    kind, random = KINDS[name], np.random.default_rng(1)
    truth, hard, easy = scenes(kind, random)
    worlds = [match(truth, look(truth, hard, easy, by, random)) for by in (kind.a, kind.b)]
    worlds = worlds if kind.thorough else [of_all_sizes(world) for world in worlds]
    a, b = (figures(world, np.ones((1, WORLD)))[0] for world in worlds)
    right = dict(zip(intervals.FIGURES, a, strict=False))
    right |= {f"difference of {figure}": value for figure, value in zip(intervals.FIGURES, a - b, strict=False)}
    found = []
    for seed in range(studies):
        chosen = drawn(worlds[0], kind, random)
        found.append(told(*(study(world, chosen) for world in worlds), seed if kind.thorough else None))
    facts = {"kind": name, "images": kind.images, "classes": len(kind.often), "fewest_boxes": kind.boxes}
    ends = {key: np.array([one[key] for one in found]) for key in found[0]}
    keyed = [({"figure": figure, "method": method}, right[figure], ends[figure, method]) for figure, method in ends]
    return [{**facts, **key, **summary(value, told)} for key, value, told in keyed]


def summary(right: float, ends: np.ndarray) -> dict[str, Any]:
    """Return how often the truth is inside of intervals (S, 2), and how wide these are."""
    every, ends = len(ends), ends[~np.isnan(ends).any(axis=1)]
    if not len(ends):
        return {"truth": round(right, 4), "studies": 0, "empty": every}
    below, above = (right < ends[:, 0]).mean(), (right > ends[:, 1]).mean()
    return {
        "truth": round(right, 4),
        "studies": len(ends),
        "empty": every - len(ends),
        "inside_pct": round(100 * (1 - below - above), 1),
        "truth_below_pct": round(100 * below, 1),
        "truth_above_pct": round(100 * above, 1),
        "centre_mean": round(ends.mean(), 4),
        "width_mean": round((ends[:, 1] - ends[:, 0]).mean(), 4),
    }


def main(studies: int, names: list[str]) -> None:
    """Simulate, write the table and print it."""
    machine = {
        "device_name": detect("cpu").device_name,
        "python_version": platform.python_version(),
        "numpy_version": np.__version__,
        "code_version": code_version(),
    }
    rows = []
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(measured, names, [studies] * len(names)):
            now = {"created_utc": datetime.now(UTC).isoformat(timespec="seconds")}
            rows += [row | machine | now for row in found]
            write(rows)
            print("\n".join("  ".join(map(str, row.values())) for row in found), flush=True)
    ours = [row for row in rows if row["method"] == "ours" and row["studies"]]
    print(json.dumps({name: least(ours, name) for name in ("ap", "difference of ap")}))


def least(rows: list[dict[str, Any]], figure: str) -> float | None:
    """Return the least coverage of a figure, None where no study had an interval."""
    return min((row["inside_pct"] for row in rows if row["figure"] == figure), default=None)


def write(rows: list[dict[str, Any]]) -> None:
    """Write the table; kinds that it has besides stay."""
    kinds = {row["kind"] for row in rows}
    if TABLE.is_file():
        with TABLE.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["kind"] not in kinds] + rows
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[-1]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else STUDIES, sys.argv[2:] or list(KINDS))
