"""95 % intervals of AP, and of the difference of two runs on the same images, from half of the images at a time."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tradeoff.core.errors import DataError
from tradeoff.metrics.boxes import Floats
from tradeoff.metrics.coco import mean
from tradeoff.metrics.matches import Matches
from tradeoff.metrics.resampling import average_precision

#: the figures that have an interval, in the order of `coco.STANDARD`
FIGURES = ("ap", "ap_small", "ap_medium", "ap_large")
#: pairs of halves
PAIRS = 50
Z = 1.959964

Verdict = Literal["better", "worse", "not told apart"]


@dataclass(frozen=True)
class Interval:
    """The ends of a 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Difference:
    """A figure of two runs, a and b, and a - b with its interval; None is what cannot be said."""

    a: float | None
    b: float | None
    difference: float | None
    interval: Interval | None

    @property
    def verdict(self) -> Verdict | None:
        """What a is beside b, None where nothing can be said."""
        if self.interval is None:
            return None
        if self.interval.low > 0:
            return "better"
        return "worse" if self.interval.high < 0 else "not told apart"


def of_run(matches: Matches) -> dict[str, Interval | None]:
    """Return the interval of each figure, None where it cannot be said."""
    figures, halves = measured(matches)
    return {name: interval(figures[:, place], halves[:, place]) for place, name in enumerate(FIGURES)}


def columns(matches: Matches) -> dict[str, float | None]:
    """Return the columns of the intervals, such as `ap_low` and `ap_high`."""
    told = of_run(matches).items()
    low = {f"{name}_low": found.low if found else None for name, found in told}
    return low | {f"{name}_high": found.high if found else None for name, found in told}


def of_difference(a: Matches, b: Matches) -> dict[str, Difference]:
    """Compare two runs on the same images.

    Raises:
        DataError: when the images, or what there is to find in them, differ.
    """
    refuse_others(a, b)
    sides = [measured(side) for side in (a, b)]
    told = {}
    for place, name in enumerate(FIGURES):
        (one, other), (halves, others) = ([side[n][..., place] for side in sides] for n in (0, 1))
        values = [mean(side) for side in (one, other)]
        both = None not in values
        told[name] = Difference(
            *values,
            float(np.nanmean(one) - np.nanmean(other)) if both else None,
            interval(one - other, halves - others) if both else None,
        )
    return told


def refuse_others(a: Matches, b: Matches) -> None:
    """Refuse runs that were not scored on the same images and objects."""
    for name in ("image_ids", "category_ids", "object_image", "object_label", "inside"):
        if not np.array_equal(getattr(a, name), getattr(b, name)):
            raise DataError(f"{name} of the two runs differ: they were not scored on the same images and objects")


def measured(matches: Matches) -> tuple[Floats, Floats]:
    """Return the figures of all images, (1, A), and of halves of them, (B, A)."""
    images = len(matches.image_ids)
    return figures(matches, np.ones((1, images))), figures(matches, halved(images, PAIRS))


def figures(matches: Matches, weights: Floats) -> Floats:
    """Return AP by area of weighted images, (B, A); NaN without objects."""
    ap = average_precision(matches, weights).mean(axis=2)
    known = ~np.isnan(ap)
    with np.errstate(invalid="ignore"):
        return np.where(known, ap, 0).sum(axis=-1) / known.sum(axis=-1)


def halved(images: int, pairs: int) -> Floats:
    """Return the weights, (2 × pairs, images) 0 or 1, of random halves and what each leaves."""
    random = np.random.default_rng(0)
    chosen = np.argsort(random.random((pairs, images)), axis=1) < images // 2
    return np.concatenate([chosen, ~chosen]).astype(np.float64)


def interval(value: Floats, halves: Floats) -> Interval | None:
    """Return the interval of a figure, (1,), from its halves, (B,)."""
    if np.isnan(halves).any():
        return None
    (told,) = value
    centre, spread = 2 * told - halves.mean(), halves.std()
    return Interval(float(centre - Z * spread), float(centre + Z * spread))
