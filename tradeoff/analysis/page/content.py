"""What the page shows, as data that JSON can hold."""

from typing import Any

import pandas as pd

from tradeoff.analysis import palette
from tradeoff.analysis.comparable import complete, conditions, groups, published, standing, trusted, values
from tradeoff.analysis.frontier import on_frontier
from tradeoff.analysis.page import reproduce
from tradeoff.analysis.pick import pick
from tradeoff.core.cells import written
from tradeoff.core.columns import BY_NAME, Column
from tradeoff.core.tables import quoted

#: the first column of each part of a card
PARTS = {
    "run_id": "Configuration",
    "ap": "Accuracy",
    "latency_ms_p50": "Time",
    "gmacs": "Other costs",
    "train_steps": "Training",
    "trusted": "Trust",
    "device_name": "Origin",
    "voc_ap50": "Accuracy",
}
#: what a budget can be set on: word of the command, column, which way, title
LIMITS = (
    ("max_latency_ms", "latency_ms_p50", "most", "Time per call"),
    ("max_latency_ms", "latency_ms_mean", "most", "Time per call, mean"),
    ("max_memory_mb", "peak_memory_mb", "most", "Peak memory"),
    ("max_energy_j", "energy_j", "most", "Energy per image"),
    ("max_params", "params", "most", "Parameters"),
    ("min_ap", "ap", "least", "AP"),
    ("min_ap_small", "ap_small", "least", "AP of small objects"),
)
AXES = ("meta_arch", "extractor_name", "size", "stride", "proposals", "train", "seed", "weights")
#: markers of the figures, as Vega calls them
SHAPES = {"o": "circle", "s": "square", "^": "triangle-up", "D": "diamond", "v": "triangle-down", "P": "cross"}
SHAPES |= {"X": "M-.5-.5L.5.5M-.5.5L.5-.5", "<": "triangle-left", ">": "triangle-right"}

#: colour of numbers of others, where there are measured ones
PUBLISHED = "#8c8c8c"


def content(frame: pd.DataFrame) -> dict[str, Any]:
    """Return columns, rows and groups of rows that can be compared.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it, with a finished row at least.
    """
    columns = [facts(str(name)) for name in frame if frame[name].notna().any()]
    records = plain(frame)
    return {
        "columns": columns,
        "limits": [dict(zip(("word", "column", "sense", "title"), limit, strict=True)) for limit in LIMITS],
        "axes": list(AXES),
        "rows": [[record[column["name"]] for column in columns] for record in records],
        "looks": looks(frame),
        "groups": [grouped(frame, title, group) for title, group in comparable(frame)],
        "csv": [line(frame.columns), *(line(record.values()) for record in records)],
        "commands": [reproduce.command(record) for record in records],
    }


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dictionaries of plain values, None where a cell is empty."""
    objects = frame.astype(object).where(frame.notna(), None)
    return [dict(zip(frame.columns, row, strict=True)) for row in objects.itertuples(index=False, name=None)]


def facts(name: str) -> dict[str, Any]:
    """Return what the page says of a column."""
    column = BY_NAME.get(name, Column(name, str))
    part = "Other columns"
    for known in BY_NAME:
        part = PARTS.get(known, part)
        if known == name:
            break
    number = column.kind in (int, float)
    told = {"name": name, "unit": column.unit, "better": column.better, "doc": column.doc, "number": number}
    return told | {"part": part if name in BY_NAME else "Other columns"}


def comparable(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the groups of finished rows that can be compared, the largest first."""
    return sorted(groups(complete(frame)), key=lambda pair: (-len(pair[1]), pair[0]))


def grouped(frame: pd.DataFrame, title: str, group: pd.DataFrame) -> dict[str, Any]:
    """Return a group: its rows by number, ranked as `pick` ranks them, and the column of its time."""
    numbers = pd.Series(range(len(frame)), index=frame.index)
    return {
        "title": title or conditions(group),
        "conditions": conditions(group),
        "ranked": numbers[pick(group).index].tolist(),
        "time": time_of(group),
    }


def time_of(group: pd.DataFrame) -> str:
    """Return the column that tells the time of a group: the median, or the mean where no row has a median."""
    return "latency_ms_p50" if values(group, "latency_ms_p50").notna().any() else "latency_ms_mean"


def looks(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return how each row is drawn, as in the figures, and how far it may speak (`comparable.standing`)."""
    named = frame.fillna({"meta_arch": "unknown", "extractor": "unknown"})
    extractors = [palette.extractor_name(row) for _, row in named.iterrows()]
    colours, markers = palette.colours(extractors), palette.markers(named["meta_arch"])
    told = pd.DataFrame(
        {
            "colour": [colours[extractor] for extractor in extractors],
            "shape": [SHAPES.get(markers[meta_arch], "cross") for meta_arch in named["meta_arch"]],
            "extractor_name": extractors,
            "sound": trusted(frame).to_numpy(),
            "standing": standing(frame).to_numpy(),
            "best": on_frontier(frame).to_numpy(),
        }
    )
    told.loc[published(frame).to_numpy() & (standing(frame).min() < 2), "colour"] = PUBLISHED
    return plain(told)


def line(values: Any) -> str:
    """Return the line of a CSV table, with formulas behind an apostrophe as in every table of the project."""
    return ",".join(quoted(written(value)) for value in values)
