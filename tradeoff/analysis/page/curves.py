"""Curves behind a row, thinned for the page: precision against recall, AP by class, by IoU and by size."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: what the curves of precision are drawn for; None is the mean of all thresholds
IOUS: tuple[float | None, ...] = (0.5, 0.75, None)
#: every so many of the 101 recalls are drawn
STEP = 2
#: what reading a damaged or older file can raise
UNREADABLE = (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error)


def of_key(cache: Path, key: str) -> dict[str, Any] | None:
    """Return the curves of an evaluation in the cache, None if there are none."""
    return read(cache / "evaluate" / key / "curves.npz")


def read(path: Path) -> dict[str, Any] | None:
    """Return the curves of a `curves.npz`, whose fields are in `tradeoff.stages.evaluate`; None if it cannot be read.

    Numbers are whole thousandths, None where no object defines them: `precision` by the name of a threshold, at the
    `recall`s; `classes` (name, AP, objects); `ious` (threshold, AP); `sizes` (lowest and highest side px, AP).
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return thinned(arrays)
    except UNREADABLE:
        return None


def thinned(arrays: Any) -> dict[str, Any]:
    """Return what the page draws of the arrays."""
    iou, precision = arrays["iou"], arrays["curve_precision"]
    chosen = {label(value): mean_of_classes(at(precision, iou, value)) for value in IOUS}
    sides = np.sqrt(arrays["size_area_px2"])
    objects = arrays["objects_by_class"].tolist()
    return {
        "recall": thousandths(arrays["recall"][::STEP]),
        "precision": {name: thousandths(values[::STEP]) for name, values in chosen.items()},
        "classes": list(zip(arrays["category"].tolist(), thousandths(arrays["ap_by_class"]), objects, strict=True)),
        "ious": list(zip(iou.round(2).tolist(), thousandths(arrays["ap_by_iou"]), strict=True)),
        "sizes": [[*bounds(side), ap] for side, ap in zip(sides, thousandths(arrays["ap_by_size"]), strict=True)],
    }


def label(iou: float | None) -> str:
    """Name a curve by its threshold."""
    return "mean of 0.50 to 0.95" if iou is None else f"{iou:.2f}"


def at(precision: NDArray[np.float64], iou: NDArray[np.float64], value: float | None) -> NDArray[np.float64]:
    """Return the precision (R, C) at one threshold, or the mean (R, C) of all."""
    return precision.mean(axis=0) if value is None else precision[int(np.abs(iou - value).argmin())]


def mean_of_classes(precision: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean (R,) of the classes that have objects, as AP is their mean."""
    there = ~np.isnan(precision).any(axis=0)
    return precision[:, there].mean(axis=1) if there.any() else np.full(len(precision), np.nan)


def bounds(sides: NDArray[np.float64]) -> list[int | None]:
    """Return the lowest and highest side of a size, px; None for one without an end."""
    low, high = sides.tolist()
    return [round(low), round(high) if high < 1e5 else None]


def thousandths(values: NDArray[np.float64]) -> list[int | None]:
    """Return numbers of 0..1 in whole thousandths, None for NaN."""
    return [None if np.isnan(value) else round(1000 * value) for value in values.tolist()]
