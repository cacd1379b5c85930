"""Whether a number moved between two rows that ask for the same, or chance alone explains it."""

from math import hypot
from typing import Any

import pandas as pd

from tradeoff.analysis.comparable import TIME, known

#: what is compared, each with its interval
FOLLOWED: dict[str, tuple[str, str] | None] = {
    "ap": ("ap_low", "ap_high"),
    "ap_small": ("ap_small_low", "ap_small_high"),
    "ap_medium": ("ap_medium_low", "ap_medium_high"),
    "ap_large": ("ap_large_low", "ap_large_high"),
    TIME.name: ("latency_ms_low", "latency_ms_high"),
    "peak_memory_mb": None,
    "energy_j": None,
    "gmacs": None,
    "params": None,
    "weights_mb": None,
}
COUNTED = ("gmacs", "params", "weights_mb")  # without noise: a count is the same each time
VERDICTS = BETTER, WORSE, NOISE, SAME, OPEN = "better", "worse", "within noise", "same", "cannot tell"
Row = dict[Any, Any]


def verdict(x: Row, y: Row, name: str) -> tuple[str, str]:
    """Return what became of one column from row x to row y, and why it cannot be told where it cannot."""
    one, other = float(x[name]), float(y[name])
    if why := unlike(x, y, name):
        return OPEN, why
    if one == other:
        return SAME, ""
    if name not in COUNTED:
        margin, why = noise(x, y, name)
        if margin is None:
            return OPEN, why
        if abs(other - one) <= margin:
            return NOISE, ""
    gained = (other < one) == (known(name).better == "lower")
    return (BETTER if gained else WORSE), ""


def unlike(x: Row, y: Row, name: str) -> str:
    """Word why two numbers are not of the same thing, or nothing."""
    images = [row.get("eval_images") for row in (x, y)]
    if name.startswith("ap") and all(map(pd.notna, images)) and images[0] != images[1]:
        return f"scored on other images: {images[0]} and {images[1]} of them"
    return untimely(x, y) if name == TIME.name else ""


def untimely(x: Row, y: Row) -> str:
    """Word why two times say nothing of one another, or nothing."""
    if pd.isna(x.get("latency_ms_p50")) != pd.isna(y.get("latency_ms_p50")):
        return "a median against a mean"
    for name, word, default in (("device_name", "devices", "unknown"), ("latency_mode", "timings", "sustained")):
        one, other = (default if pd.isna(row.get(name)) else str(row[name]) for row in (x, y))
        if one != other:
            return f"other {word}: {one} and {other}"
    doubtful = [where for where, row in (("ONE", x), ("OTHER", y)) if distrusted(row)]
    return f"not trusted in {' and '.join(doubtful)}" if doubtful else ""


def distrusted(row: Row) -> bool:
    """Tell whether a row failed a rule of trust; one that says nothing of it failed none."""
    told = row.get("trusted")
    return bool(pd.notna(told) and not told)


def noise(x: Row, y: Row, name: str) -> tuple[float | None, str]:
    """Return how far apart chance alone would bring two numbers, or why that is not known."""
    ends = FOLLOWED[name]
    if ends is None:
        return None, "measured once, without an interval"
    lacking = [where for where, row in (("ONE", x), ("OTHER", y)) if any(pd.isna(row.get(end)) for end in ends)]
    if lacking:
        return None, f"no interval in {' and '.join(lacking)}"
    low, high = sorted((x, y), key=lambda row: float(row[name]))
    return hypot(float(low[ends[1]]) - float(low[name]), float(high[name]) - float(high[ends[0]])), ""
