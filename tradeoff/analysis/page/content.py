"""What the page shows, as data that JSON can hold."""

from dataclasses import asdict
from typing import Any

import pandas as pd

from tradeoff.analysis import palette
from tradeoff.analysis.comparable import TIME, complete, conditions, groups, published, standing, timed, trusted
from tradeoff.analysis.frontier import on_frontier
from tradeoff.analysis.limits import LIMITS
from tradeoff.analysis.page import reproduce, shapes
from tradeoff.analysis.pick import ranked
from tradeoff.core.cells import written
from tradeoff.core.columns import BY_NAME, NAMES, Column
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
#: limits that are seen at once; the others can be unfolded
FIRST = ("max_latency_ms", "max_memory_mb", "max_energy_j", "min_ap")
AXES = ("meta_arch", "extractor_name", "size", "stride", "proposals", "train", "seed", "weights")
#: colour of numbers of others
PUBLISHED = "#8c8c8c"


def content(frame: pd.DataFrame) -> dict[str, Any]:
    """Return columns, rows and groups of rows that can be compared.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it, with a finished row at least.
    """
    whole = timed(frame)
    columns = [facts(str(name)) for name in whole if whole[name].notna().any()]
    records = plain(whole)
    return {
        "columns": columns,
        "limits": [asdict(limit) | {"first": limit.word in FIRST} for limit in LIMITS],
        "axes": list(AXES),
        "rows": [[record[column["name"]] for column in columns] for record in records],
        "looks": looks(frame),
        "groups": [grouped(frame, title, group) for title, group in comparable(frame)],
        "csv": [line(frame.columns), *(line(record.values()) for record in plain(frame))],
        "commands": [reproduce.command(record) for record in records],
    }


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dictionaries of plain values, None where a cell is empty."""
    objects = frame.astype(object).where(frame.notna(), None)
    return [dict(zip(frame.columns, row, strict=True)) for row in objects.itertuples(index=False, name=None)]


def facts(name: str) -> dict[str, Any]:
    """Return what the page says of a column."""
    column = TIME if name == TIME.name else BY_NAME.get(name, Column(name, str))
    told = {"name": name, "unit": column.unit, "better": column.better, "doc": column.doc, "part": part_of(name)}
    return told | {"number": column.kind in (int, float)}


def part_of(name: str) -> str | None:
    """Return under which heading a card has a column; None for one that stands elsewhere in it."""
    if name not in BY_NAME:
        return None if name == TIME.name else "Other columns"
    before = NAMES[: NAMES.index(name) + 1]
    return next(PARTS[known] for known in reversed(before) if known in PARTS)


def comparable(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return the groups of finished rows that can be compared, those with an AP first, of them the largest."""
    return sorted(groups(complete(frame)), key=lambda pair: (not scored(pair[1]), -len(pair[1]), pair[0]))


def scored(group: pd.DataFrame) -> bool:
    """Tell whether a row has an AP."""
    return bool(group["ap"].notna().any())


def grouped(frame: pd.DataFrame, title: str, group: pd.DataFrame) -> dict[str, Any]:
    """Return a group: what it was measured on, and its rows by number, ranked as `pick` ranks them."""
    numbers = pd.Series(range(len(frame)), index=frame.index)
    told = conditions(group)
    return {"title": title or told, "conditions": told, "ranked": numbers[ranked(group).index].tolist()}


def looks(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return how each row is drawn, as in the figures, and how far it may speak (`comparable.standing`)."""
    named = frame.fillna({"meta_arch": "unknown", "extractor": "unknown"})
    extractors = [palette.extractor_name(row) for _, row in named.iterrows()]
    colours, markers = palette.colours(extractors), palette.markers(named["meta_arch"])
    told = pd.DataFrame(
        {
            "colour": [colours[extractor] for extractor in extractors],
            "shape": [shapes.outline(markers[meta_arch]) for meta_arch in named["meta_arch"]],
            "extractor_name": extractors,
            "sound": trusted(frame).to_numpy(),
            "standing": standing(frame).to_numpy(),
            "best": on_frontier(frame).to_numpy(),
        }
    )
    told.loc[published(frame).to_numpy(), "colour"] = PUBLISHED
    return plain(told)


def line(values: Any) -> str:
    """Return the line of a CSV table, with formulas behind an apostrophe as in every table of the project."""
    return ",".join(quoted(written(value)) for value in values)
