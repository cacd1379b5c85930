"""Which rows can be drawn, trusted and compared with one another."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd

from tradeoff.core.columns import BY_NAME, Column
from tradeoff.core.errors import TableError

#: what rows share that can be compared; "data" is the whole of what a row was scored on
COMPARABLE = ("data", "device_name", "precision", "batch_size", "protocol")
#: on what an accuracy hangs: not on the device, nor on how many images are taken at once
OF_ACCURACY = ("data", "precision", "protocol")
TIME = Column("time_ms", float, "ms", "lower", "median of a call, or its mean where a table has only that")
MOST_FACETS, TOLD = 8, 12  # of a figure; in a message
WORDS = {"data": "data", "device_name": "device", "precision": "precision", "batch_size": "batch"}


def known(name: str) -> Column:
    """Return what the registry says of a column, or of the time that `timed` adds.

    Raises:
        TableError: when there is no such column.
    """
    column = TIME if name == TIME.name else BY_NAME.get(name)
    if column is None:
        raise TableError(f"column {name!r}: no such column; expected one of a results table, or {TIME.name}")
    return column


def values(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column, or as many empty values where a table lacks it."""
    return frame[name] if name in frame else pd.Series(pd.NA, index=frame.index, dtype="object")


def complete(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the finished rows that have a value in each of the columns."""
    finished = (frame["status"] == "ok").fillna(False).astype(bool)
    for name in columns:
        finished &= values(frame, name).notna()
    return frame[finished]


def timed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with their time, `time_ms`: the median of a call, or its mean where there is only that."""
    median, mean = numbers(frame, "latency_ms_p50"), numbers(frame, "latency_ms_mean")
    return frame.assign(**{TIME.name: median.fillna(mean)})


def numbers(frame: pd.DataFrame, name: str) -> pd.Series:
    """Return a column as floats, NaN where it is empty."""
    return pd.Series(values(frame, name).to_numpy(dtype=float, na_value=np.nan), index=frame.index)


def trusted(frame: pd.DataFrame) -> pd.Series:
    """Tell which rows failed no rule of trust, (N,) bool; a row that says nothing of it failed none."""
    return values(frame, "trusted").astype("boolean").fillna(True).astype(bool)


def published(frame: pd.DataFrame) -> pd.Series:
    """Tell which rows are numbers of others, with their source, (N,) bool."""
    return values(frame, "source").notna()


def standing(frame: pd.DataFrame) -> pd.Series:
    """Rank how far rows may speak for a group, (N,) int: 0 measured here, 1 so but not trusted, 2 and 3 published."""
    return 2 * published(frame).astype(int) + (~trusted(frame)).astype(int)


def candidates(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the best standing: no row is beaten by one less trusted, or not measured here."""
    ranks = standing(frame)
    return frame[ranks == ranks.min()]


def scored_on(frame: pd.DataFrame) -> pd.Series:
    """Word on what each row was scored, (N,): data set, its options, and how many images of it."""
    told = {name: values(frame, name) for name in ("data", "overrides", "eval_images")}
    return by_kind(pd.DataFrame(told), scored_words)


def scored_words(data: Any, overrides: Any, images: Any) -> str:
    """Word on what one row was scored."""
    options = [] if pd.isna(overrides) else [w for w in str(overrides).split() if w.startswith("data.")]
    count = [] if pd.isna(images) else [f"({float(images):g} images)"]
    return " ".join(["unknown" if pd.isna(data) else str(data), *options, *count])


def by_kind(told: pd.DataFrame, word: Callable[..., str]) -> pd.Series:
    """Word each row of a table, (N,), calling `word` with the values of each kind of row once only."""
    place = told.groupby(list(told.columns), dropna=False, sort=False).ngroup().reset_index(drop=True)
    kinds = told.iloc[place.drop_duplicates().index]  # the first of each kind, in the order of the numbers
    words = np.array([word(*kind) for kind in kinds.itertuples(index=False)], dtype=object)
    return pd.Series(words[place.to_numpy()], index=told.index, dtype="str")


def compared(frame: pd.DataFrame, by: Collection[str] = COMPARABLE) -> pd.DataFrame:
    """Return the columns that decide what can be compared, with all that a row was scored on as its data.

    A row whose only time is a mean, or that was timed with gaps between the calls, has a protocol of its own; not so
    where the device does not matter, for then no time does.
    """
    only_mean = values(frame, "latency_ms_p50").isna() & values(frame, "latency_ms_mean").notna()
    mode = values(frame, "latency_mode")
    timing = {"mean": only_mean, "mode": mode} if "device_name" in by else {"mean": False, "mode": pd.NA}
    protocol = by_kind(pd.DataFrame({"protocol": values(frame, "protocol")}).assign(**timing), protocol_words)
    told = {name: values(frame, name) for name in COMPARABLE}
    return pd.DataFrame(told | {"data": scored_on(frame), "protocol": protocol})


def protocol_words(protocol: Any, only_mean: bool, mode: Any) -> str:
    """Word by which protocol one row was had, nothing where it is ours, without gaps between the calls."""
    told = [] if pd.isna(protocol) else [str(protocol)]
    gaps = [] if pd.isna(mode) or mode == "sustained" else [f"{mode} timing"]
    return "; ".join([*told, *(["mean time"] if only_mean else []), *gaps])


def groups(
    frame: pd.DataFrame, together: Collection[str] = (), by: Collection[str] = COMPARABLE
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the rows that can be compared, each group with the words that tell it from the others.

    Args:
        frame: rows of a table.
        together: columns of COMPARABLE in which rows of one group may differ after all, because it was asked for.
        by: columns of COMPARABLE that matter for what is compared.
    """
    told = compared(frame, by)
    differing = [name for name in by if name not in together and told[name].nunique(dropna=False) > 1]
    if not differing:
        yield "", frame
        return
    for key, group in told.groupby(differing, dropna=False, sort=True):
        words = (titled(name, value) for name, value in zip(differing, key, strict=True))
        yield ", ".join(words), frame.loc[group.index]


def facets(
    figure: str, rows: pd.DataFrame, together: Collection[str] = (), by: Collection[str] = COMPARABLE
) -> list[tuple[str, pd.DataFrame]]:
    """Return the groups of a figure, each with its title.

    Raises:
        TableError: when there are too many; lists them.
    """
    parts = list(groups(rows, together, by))
    if len(parts) > MOST_FACETS:
        told = "; ".join([*(title for title, _ in parts[:TOLD]), *(["..."] if len(parts) > TOLD else [])])
        raise TableError(
            f"{figure}: {len(parts)} sets of rows cannot be compared, at most {MOST_FACETS} are drawn; choose some: "
            f"{told}"
        )
    return parts


def worded(name: str, value: Any) -> str:
    """Word the value of a column."""
    text = "unknown" if pd.isna(value) else str(value)
    if name == "protocol":
        return text or "measured here"
    return f"batch {text}" if name == "batch_size" else text


def titled(name: str, value: Any) -> str:
    """Word the value of a column in a title, where nothing else tells of what it is."""
    return f"{WORDS[name]} unknown" if pd.isna(value) and name in WORDS else worded(name, value)


def listed(frame: pd.DataFrame, by: Collection[str] = COMPARABLE) -> dict[str, list[str]]:
    """Return the words of each column that decides what can be compared, each once, sorted."""
    told = compared(frame, by)
    return {name: sorted({worded(name, v).removeprefix("batch ") for v in told[name]}) for name in COMPARABLE}


def conditions(frame: pd.DataFrame) -> str:
    """Word on which data, device, precision and batch size the rows were had, and by whose protocol if not ours."""
    told = listed(frame)
    words = [f"{word} {', '.join(told[name])}" for name, word in WORDS.items()]
    words += [] if told["protocol"] == ["measured here"] else [f"protocol {', '.join(told['protocol'])}"]
    return "; ".join(words)


def differences(one: pd.DataFrame, other: pd.DataFrame, by: Collection[str] = COMPARABLE) -> list[str]:
    """List in what the rows of two tables differ, so that they cannot be compared; empty where they can."""
    left, right = listed(one, by), listed(other, by)
    return [
        f"{name}: {', '.join(left[name])} against {', '.join(right[name])}"
        for name in by
        if left[name] != right[name]
    ]
