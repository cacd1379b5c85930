"""COCO's matching kept detection by detection, so that any part or multiple of the images can be scored again.

The engines tell figures of all images alone, or one object of Python for each image, class and area, which takes many
times as long as the matching itself. This does the same matching on arrays, one round for each rank within an image
and class; the tests compare the figures that it gives with those of the engines.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tradeoff.core.errors import StoreError
from tradeoff.metrics.boxes import Bools, Floats, Found, Ints, Truth
from tradeoff.metrics.coco import IOUS, LIMITS, STANDARD
from tradeoff.metrics.engines import Ranges
from tradeoff.metrics.matching import IGNORED, RIGHT, WRONG, blocks, iou_of, share_of

#: the file of a scored run
FILE = "matches.npz"
#: (P,) of a detection, an object and their overlap
Pairs = tuple[Ints, Ints, Floats]


@dataclass(frozen=True, eq=False)
class Matches:
    """What became of D detections and M objects of I images and C classes, for A areas and T thresholds of IoU.

    image, label: (D,) of the detections, by class, then by falling score, equal scores in the order of the images.
    outcome: (A, T, D) int8, RIGHT, WRONG or IGNORED. object_image, object_label: (M,) of the objects. inside: (A, M),
    whether an object is to be found. ranges: (A, 2) the areas, px², both ends inclusive.
    """

    image_ids: Ints
    category_ids: Ints
    image: Ints
    label: Ints
    outcome: NDArray[np.int8]
    object_image: Ints
    object_label: Ints
    inside: Bools
    ranges: Floats

    @property
    def areas(self) -> list[tuple[float, float]]:
        """The areas, px², one pair each."""
        return [(low, high) for low, high in self.ranges.tolist()]

    def of_areas(self, chosen: Sequence[tuple[float, float]]) -> "Matches":
        """Return the matches of some of the areas, in the order given."""
        places = [self.areas.index(area) for area in chosen]
        return replace(self, outcome=self.outcome[places], inside=self.inside[places], ranges=self.ranges[places])

    def write(self, folder: Path) -> None:
        """Write the file that `read` reads: the fields under their names."""
        arrays = {spec.name: getattr(self, spec.name) for spec in fields(self)}
        np.savez_compressed(folder / FILE, allow_pickle=False, **arrays)


def read(folder: Path) -> Matches:
    """Read the matches of a scored run.

    Raises:
        StoreError: when the file is missing or damaged; a damaged one makes zipfile, zlib and NumPy raise anything.
    """
    path = folder / FILE
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            found = Matches(**{spec.name: arrays[spec.name] for spec in fields(Matches)})
        check(found)
    except Exception as error:
        raise StoreError(f"{path}: cannot be read ({error}); give the command of that row again") from error
    return found


def check(found: Matches) -> None:
    """Refuse arrays that cannot be those of matches.

    Raises:
        ValueError: naming what is wrong.
    """
    areas, levels = found.outcome.shape[:-1]
    images, classes, detections, objects = map(
        len, (found.image_ids, found.category_ids, found.image, found.object_image)
    )
    shapes = {
        "image_ids": (images,), "category_ids": (classes,), "image": (detections,), "label": (detections,),
        "outcome": (areas, levels, detections), "object_image": (objects,), "object_label": (objects,),
        "inside": (areas, objects), "ranges": (areas, 2),
    }  # fmt: skip
    for name, shape in shapes.items():
        array, kind = getattr(found, name), {"inside": "b", "ranges": "f"}.get(name, "iu")
        if array.shape != shape or array.dtype.kind not in kind:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, expected {shape} of {kind}")
    ends = {"image": images, "object_image": images, "label": classes, "object_label": classes}
    astray = [
        name for name, end in ends.items() if ((getattr(found, name) < 0) | (getattr(found, name) >= end)).any()
    ]
    if not np.isin(found.outcome, (RIGHT, WRONG, IGNORED)).all():
        astray.append("outcome")
    if (np.diff(found.label) < 0).any():
        astray.append("label")
    if astray:
        raise ValueError(f"{', '.join(astray)}: values that cannot be")


def match(truth: Truth, found: Found, ranges: Ranges = STANDARD) -> Matches:
    """Match by COCO's rules at `coco.IOUS` for areas, px², both ends inclusive.

    The 100 best detections of an image and class choose in the order of their scores, each of the free objects the
    one that it overlaps most, of equal ones the last. A crowd stays free. Crowds and objects outside of the area are
    chosen only where no other can be, and what chooses them is ignored; so is what chooses nothing and is itself
    outside.

    Source: the COCO detection evaluation as in pycocotools.
    """
    rows, rank = ranked(found)
    rounds = list(by_rank(rank, near(truth, found, rows)))
    size = found.box[rows, 2] * found.box[rows, 3]
    inside = np.stack([~truth.crowd & (truth.area >= low) & (truth.area <= high) for low, high in ranges])
    outcome = np.full((len(ranges), len(IOUS), len(rows)), WRONG, np.int8)
    for told, wanted, (low, high) in zip(outcome, inside, ranges, strict=True):
        told[:, (size < low) | (size > high)] = IGNORED
        choose(told, wanted, truth.crowd, rounds)
    return Matches(
        image_ids=truth.image_ids,
        category_ids=truth.category_ids,
        image=found.image[rows],
        label=found.label[rows],
        outcome=outcome,
        object_image=truth.image,
        object_label=truth.label,
        inside=inside,
        ranges=np.array(ranges, np.float64),
    )


def ranked(found: Found) -> tuple[Ints, Ints]:
    """Return the detections that count, by class and best first, and the rank of each within its image and class."""
    rows = found.ranking[np.argsort(found.label[found.ranking], kind="stable")]
    grouped = np.lexsort((found.image[rows], found.label[rows]))
    keys = np.stack([found.label[rows], found.image[rows]])[:, grouped]
    place = np.arange(len(rows))
    first = np.append(True, (np.diff(keys) != 0).any(axis=0))[: len(rows)]
    rank = np.empty(len(rows), np.int64)
    rank[grouped] = place - np.maximum.accumulate(np.where(first, place, 0))
    counted = rank < LIMITS[-1]
    return rows[counted], rank[counted]


def near(truth: Truth, found: Found, rows: Ints) -> Pairs:
    """Return the pairs of an image and class that overlap enough for the lowest threshold.

    The overlap with a crowd is the share of the detection. Detections are told by their place in `rows`; those of one
    stand together, objects as they came.
    """
    keys = truth.image * truth.classes + truth.label
    order = np.argsort(keys, kind="stable")
    wanted = found.image[rows] * truth.classes + found.label[rows]
    starts = np.searchsorted(keys[order], wanted)
    counts = np.searchsorted(keys[order], wanted, side="right") - starts
    kept = [(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))]
    for part in blocks(counts):
        detection = np.repeat(part, counts[part])
        begins = np.cumsum(counts[part]) - counts[part]
        candidate = order[np.arange(len(detection)) + np.repeat(starts[part] - begins, counts[part])]
        box, other = found.box[rows[detection]], truth.box[candidate]
        overlap = np.where(truth.crowd[candidate], share_of(box, other), iou_of(box, other))
        close = overlap >= IOUS[0]
        kept.append((detection[close], candidate[close], overlap[close]))
    detection, candidate, overlap = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    return detection, candidate, overlap


def by_rank(rank: Ints, pairs: Pairs) -> list[Pairs]:
    """Cut pairs into those of the best detections of every image and class, of the second best and so on."""
    order = np.argsort(rank[pairs[0]], kind="stable")
    detection, candidate, overlap = pairs[0][order], pairs[1][order], pairs[2][order]
    cuts = np.flatnonzero(np.diff(rank[detection], prepend=-1, append=-1))
    return [(detection[a:b], candidate[a:b], overlap[a:b]) for a, b in pairwise(cuts)]


def choose(told: NDArray[np.int8], wanted: Bools, crowd: Bools, rounds: list[Pairs]) -> None:
    """Let detections choose objects and write into `told` (T, D) what becomes of those that choose one.

    Args:
        told: the outcome of a detection that chooses nothing.
        wanted: (M,) whether an object is to be found.
        crowd: (M,).
        rounds: the pairs of each rank.
    """
    free = np.ones((len(IOUS), len(wanted)), np.bool_)
    for detection, candidate, overlap in rounds:
        begins = np.flatnonzero(np.diff(detection, prepend=-1))
        owner = np.cumsum(np.diff(detection, prepend=-1) != 0) - 1
        able = free[:, candidate] & (overlap >= IOUS[:, None])
        preferred = able & wanted[candidate]
        able &= preferred | ~np.logical_or.reduceat(preferred, begins, axis=1)[:, owner]
        value = np.where(able, overlap, -1.0)
        best = value == np.maximum.reduceat(value, begins, axis=1)[:, owner]
        place = np.maximum.reduceat(np.where(able & best, np.arange(len(candidate)), -1), begins, axis=1)
        level, column = np.nonzero(place >= 0)
        taken = candidate[place[level, column]]
        told[level, detection[begins[column]]] = np.where(wanted[taken], RIGHT, IGNORED)
        free[level, taken] = crowd[taken]
