"""95 % intervals of AP, and of the difference of two runs on the same images, from halves of the images.

What is meant is the AP that endless images of the same kind would give, with the same detector. The images are cut in
two at random, 50 times, and each half is scored:

- **Spread.** The standard deviation over halves is that of the figure of all images: a half drawn without
  replacement differs from the whole as much as the whole differs from the truth (the delete-half jackknife).
- **Bias.** COCO fills the dips of a noisy curve, so fewer images give a higher AP. What that adds falls with the
  number of images where the curve falls, with its root where it is flat, and both happen in one figure. So what all
  images lie above the truth is between 1 and 1 / (√2 - 1) = 2.41 times what a half lies above them; each end takes
  the one that puts it farther out. Drawing with replacement, as a bootstrap does, repeats images and so moves the
  dips.
- **Ends.** Student's t, for the spread is itself an estimate: of 50 cuts, and of images that matter very unequally.
  By the kurtosis of what single images contribute, simulated studies of 60 and 250 images knew it as well as about 30
  and 40 normal values would; 2.5 √n is taken. This constant comes from simulations like those that check it. The
  figure itself is always inside.
- **Points.** COCO takes the precision at 101 points of recall, so AP goes in steps, and halves do not show them: a
  curve that ends at 0.993 has the points of one that ends at 0.996, and one that misses nothing in a few hundred
  objects has one more. The area under a curve is above its AP by 0 to p / 101, where p is the precision at its end,
  by the place of that end between two points alone (`metrics/points.py`). Where the images at hand have q of it, the
  AP of endless images differs by what their area does and by q - p / 101 to q more. So the lower end takes
  p / 101 - q and the upper one q: means over thresholds and classes, and for a difference a - b sums over the runs,
  those of b the other way round. As independent of the spread they join it by the root of the sum of squares. At an
  AP of 0.82 or less this widens the mean interval by at most 4 %, for curves end at low precisions; at 0.98 by a
  seventh to a quarter, of differences by a third.
- **Classes.** A class that is missing from a half has there its AP of all images, so that halves differ by what was
  detected and not by which classes they hold. A class seen in a handful of images does not show its own spread, and
  others like it are missing from the set altogether.

There is no interval where all halves agree, such as of the 0 of no detections or between runs with the same ones; nor
with objects in fewer than 20 images, or where more than a tenth of the classes that have objects have them in fewer
than 5 images. `benchmarks/coverage.py` measures how often the truth is inside: in 1,000 studies of each of six kinds
with 50 objects a class or more, AP of 0.14 to 0.98, in 95.7 to 97.9 %, of differences in 95.4 to 98.4 %
(results/measured/coverage.csv, with studies of scarcer classes). Without points, at an AP of 0.98, it was inside in
87 % of 100 studies for one detector, in 64 % for another, which points bring to 89 %, and in 88 % for their
difference. That squares are added was chosen by 60 of these; 200 of two other worlds gave 98, 91 and 99 % (89, 64 and
85). The truth that is missed lies below a figure: near 1 its lower end may still be too high.

Two runs are compared by the halves of the same cuts.

Source: Shao and Wu 1989, A general theory for jackknife variance estimation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tradeoff.core.errors import DataError
from tradeoff.metrics import points
from tradeoff.metrics.boxes import Floats
from tradeoff.metrics.coco import LARGEST_PX2, STANDARD
from tradeoff.metrics.engines import Ranges
from tradeoff.metrics.matches import Matches
from tradeoff.metrics.resampling import Real, average_precision

#: the figures of `coco.STANDARD`, in its order; those of other areas are named by `figure`
FIGURES = ("ap", "ap_small", "ap_medium", "ap_large")
#: how often the images are cut in two
CUTS = 50
#: what a half lies above all images, as a share of what these lie above the truth: at least and at most
SHARES = 2**0.5 - 1, 1.0
#: the fewest images with objects
FEWEST = 20
#: a class with objects in fewer images is scarce
FEWEST_OF_CLASS = 5
#: the largest share of scarce classes
SCARCE = 0.1
#: the quantile of the normal distribution
Z = 1.959963984540054


@dataclass(frozen=True)
class Interval:
    """The ends of a 95 % interval."""

    low: float
    high: float


#: of each figure by its name; None where nothing can be said
Intervals = dict[str, Interval | None]


@dataclass(frozen=True)
class Difference:
    """A figure of two runs, a and b, and a - b with its interval; None is what cannot be said."""

    a: float | None
    b: float | None
    difference: float | None
    interval: Interval | None

    @property
    def verdict(self) -> Literal["better", "worse", "not told apart"] | None:
        """What a is beside b, None where nothing can be said."""
        if self.interval is None:
            return None
        if self.interval.low > 0:
            return "better"
        return "worse" if self.interval.high < 0 else "not told apart"


def columns(told: Intervals) -> dict[str, float | None]:
    """Return the columns of the intervals, such as `ap_low` and `ap_high`."""
    standard = {name: told[name] for name in FIGURES}.items()
    low = {f"{name}_low": found.low if found else None for name, found in standard}
    return low | {f"{name}_high": found.high if found else None for name, found in standard}


def arrays(told: Intervals, areas: Ranges) -> dict[str, Floats]:
    """Return the ends of the intervals of so many areas, NaN where nothing can be said."""
    chosen = [told[figure(area)] for area in areas]
    return {
        "ap_by_size_low": np.array([found.low if found else np.nan for found in chosen]),
        "ap_by_size_high": np.array([found.high if found else np.nan for found in chosen]),
    }


def figure(area: tuple[float, float]) -> str:
    """Name the AP of an area, px²: one of `FIGURES`, or by its sides such as `ap_16_to_32_px`, `ap_from_256_px`."""
    if area in STANDARD:
        return FIGURES[STANDARD.index(area)]
    low, high = (f"{side**0.5:.10g}" for side in area)
    return f"ap_from_{low}_px" if area[1] == LARGEST_PX2 else f"ap_{low}_to_{high}_px"


def of_run(matches: Matches) -> Intervals:
    """Return the interval of the AP of each area, around it and within 0..1; None where it cannot be said."""
    whole, halves = figures(matches)
    told = map(interval, whole, halves.T, support(matches), steps(matches).T)
    within = [Interval(max(0.0, found.low), min(1.0, found.high)) if found else None for found in told]
    return dict(zip(map(figure, matches.areas), within, strict=True))


def of_difference(a: Matches, b: Matches) -> dict[str, Difference]:
    """Compare two runs on the same images, in the areas that both were scored in; as `of_run`.

    Raises:
        DataError: when the images, or what there is to find in them, differ.
    """
    shared = [area for area in a.areas if area in b.areas]
    a, b = a.of_areas(shared), b.of_areas(shared)
    refuse_others(a, b)
    (one, some), (other, others) = figures(a), figures(b)
    found = map(interval, one - other, (some - others).T, support(a), (steps(a) + steps(b)[::-1]).T)
    sides = ([known(value) for value in side.tolist()] for side in (one, other, one - other))
    return dict(zip(map(figure, shared), map(Difference, *sides, found), strict=True))


def known(value: float) -> float | None:
    """Return a number, None for NaN."""
    return None if np.isnan(value) else value


def refuse_others(a: Matches, b: Matches) -> None:
    """Refuse runs that were not scored on the same images and objects.

    Raises:
        DataError: naming what differs.
    """
    for name in ("image_ids", "category_ids", "object_image", "object_label", "inside"):
        if not np.array_equal(getattr(a, name), getattr(b, name)):
            raise DataError(f"{name}: differs between the two runs; expected the same images and objects")


def figures(matches: Matches) -> tuple[Floats, Floats]:
    """Return the figures of all images, (A,), and of the halves of them, (2 × CUTS, A)."""
    images = len(matches.image_ids)
    whole, halves = by_class(matches, np.ones((1, images))), by_class(matches, halved(images))
    return over_classes(whole)[0], over_classes(np.where(np.isnan(halves), whole, halves))


def by_class(matches: Matches, weights: Real) -> Floats:
    """Return the means over thresholds of weighted images, (B, A, C)."""
    return average_precision(matches, weights).mean(axis=2, dtype=np.float64)


def over_classes(ap: Floats) -> Floats:
    """Return the means over the classes that have objects of (B, A, C), (B, A); NaN where none has."""
    has_objects = ~np.isnan(ap)
    with np.errstate(invalid="ignore"):
        told: Floats = np.where(has_objects, ap, 0).sum(axis=-1) / has_objects.sum(axis=-1)
    return told


def halved(images: int) -> Real:
    """Return 1 for the images of a half, else 0: (2 × CUTS, images), halves and what these leave in turns."""
    random = np.random.default_rng(0)
    chosen = np.argsort(random.random((CUTS, images)), axis=1) < images // 2
    return np.stack([chosen, ~chosen], axis=1).reshape(2 * CUTS, images).astype(np.float32)


def steps(matches: Matches) -> Floats:
    """Return how far the points of recall let the truth lie below and above the figure of each area, (2, A)."""
    above, most = over_classes(points.left(matches))
    return np.maximum([most - above, above], 0)


def support(matches: Matches) -> list[int]:
    """Count for each area the images that have an object to find; 0 where too many classes are scarce."""
    told = []
    for inside in matches.inside:
        labels, images = np.unique([matches.object_label[inside], matches.object_image[inside]], axis=1)
        _, of_class = np.unique(labels, return_counts=True)
        scarce = np.count_nonzero(of_class < FEWEST_OF_CLASS) > SCARCE * len(of_class)
        told.append(0 if scarce else len(np.unique(images)))
    return told


def interval(whole: float, halves: Floats, images: int, step: Sequence[float] | Floats) -> Interval | None:
    """Return the interval of a figure, which holds the figure; None where nothing can be said.

    Args:
        whole: of all images.
        halves: (2 × CUTS,) of the halves.
        images: that have objects, as `support` counts.
        step: of COCO's points down and up, as `steps` tells.
    """
    if images < FEWEST or halves.min() == halves.max():
        return None
    bias = [(halves.mean() - whole) / share for share in SHARES]
    reach = quantile(1 / (1 / CUTS + 1 / (2.5 * np.sqrt(images)))) * halves.std()
    low, high = whole - max(bias) - np.hypot(reach, step[0]), whole - min(bias) + np.hypot(reach, step[1])
    return Interval(float(min(low, whole)), float(max(high, whole)))


def quantile(freedom: float) -> float:
    """Return the 97.5 % quantile of Student's t.

    Source: Abramowitz and Stegun 1964, 26.7.5; within 0.001 from 8 degrees of freedom on.
    """
    terms = (Z**3 + Z) / 4, (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96, (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384
    return Z + sum(term / freedom**power for power, term in enumerate(terms, start=1))
