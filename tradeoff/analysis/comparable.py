"""Which rows can be drawn, trusted and compared with one another."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

COMPARABLE = ("data", "device_name", "precision", "batch_size")


def complete(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the finished rows that have a value in each of the columns."""
    return frame[(frame["status"] == "ok").fillna(False)].dropna(subset=list(columns))


def trusted(frame: pd.DataFrame) -> pd.Series:
    """Tell which rows failed no rule of trust, (N,) bool; a row that says nothing of it failed none."""
    return frame["trusted"].fillna(True).astype(bool)


def groups(frame: pd.DataFrame, by: tuple[str, ...] = COMPARABLE) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows that can be compared, each group with the words that tell it from the others."""
    differing = [name for name in by if frame[name].nunique(dropna=False) > 1]
    if not differing:
        yield "", frame
        return
    for values, group in frame.groupby(differing, dropna=False, sort=True):
        yield ", ".join(worded(name, value) for name, value in zip(differing, values, strict=True)), group


def worded(name: str, value: Any) -> str:
    """Word the value of a column in a title."""
    text = "unknown" if pd.isna(value) else str(value)
    return f"batch {text}" if name == "batch_size" else text


def conditions(frame: pd.DataFrame) -> str:
    """Word on which data, device, precision and batch size the rows were had."""
    words = {"data": "data", "device_name": "device", "precision": "precision", "batch_size": "batch"}
    values = {name: sorted({"unknown" if pd.isna(v) else str(v) for v in frame[name]}) for name in words}
    return "; ".join(f"{word} {', '.join(values[name])}" for name, word in words.items())
