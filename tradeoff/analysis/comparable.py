"""Which rows can be drawn, trusted and compared with one another."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

#: what rows share that can be compared; "data" is the whole of what a row was scored on
COMPARABLE = ("data", "device_name", "precision", "batch_size")


def complete(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the finished rows that have a value in each of the columns."""
    return frame[(frame["status"] == "ok").fillna(False)].dropna(subset=list(columns))


def trusted(frame: pd.DataFrame) -> pd.Series:
    """Tell which rows failed no rule of trust, (N,) bool; a row that says nothing of it failed none."""
    return frame["trusted"].fillna(True).astype(bool)


def scored_on(frame: pd.DataFrame) -> pd.Series:
    """Word on what each row was scored, (N,): the data set, its options, and how many images of it."""
    options = frame["overrides"].fillna("").str.split().map(lambda words: [w for w in words if w.startswith("data.")])
    images = frame["eval_images"].map(lambda count: [] if pd.isna(count) else [f"({count:g} images)"])
    names = frame["data"].fillna("unknown").map(lambda name: [str(name)])
    return (names + options + images).str.join(" ")


def groups(frame: pd.DataFrame, by: tuple[str, ...] = COMPARABLE) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows that can be compared, each group with the words that tell it from the others."""
    told = compared(frame)
    differing = [name for name in by if told[name].nunique(dropna=False) > 1]
    if not differing:
        yield "", frame
        return
    for values, group in told.groupby(differing, dropna=False, sort=True):
        words = (worded(name, value) for name, value in zip(differing, values, strict=True))
        yield ", ".join(words), frame.loc[group.index]


def compared(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the columns that decide what can be compared, with all that a row was scored on as its data."""
    return frame[list(COMPARABLE)].assign(data=scored_on(frame))


def worded(name: str, value: Any) -> str:
    """Word the value of a column in a title."""
    text = "unknown" if pd.isna(value) else str(value)
    return f"batch {text}" if name == "batch_size" else text


def conditions(frame: pd.DataFrame) -> str:
    """Word on which data, device, precision and batch size the rows were had."""
    words = {"data": "data", "device_name": "device", "precision": "precision", "batch_size": "batch"}
    told = compared(frame)
    values = {name: sorted({"unknown" if pd.isna(v) else str(v) for v in told[name]}) for name in words}
    return "; ".join(f"{word} {', '.join(values[name])}" for name, word in words.items())
