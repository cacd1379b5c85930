"""Rows chosen by what their columns say: `device_name=NVIDIA H200`."""

from difflib import get_close_matches

import pandas as pd

from tradeoff.core.cells import parsed
from tradeoff.core.columns import BY_NAME, Column
from tradeoff.core.errors import ConfigError

SHOWN = 8


def where(frame: pd.DataFrame, conditions: list[str]) -> pd.DataFrame:
    """Return the rows that meet every condition `column=value`; `column=` is met by empty cells.

    Raises:
        ConfigError: when a column or a value is not in the table; says what is.
    """
    for condition in conditions:
        name, equals, text = condition.partition("=")
        if not equals:
            raise ConfigError(f"--where {condition}: expected COLUMN=VALUE")
        if name not in frame:
            raise ConfigError(f"--where {condition}: {no_column(frame, name)}")
        frame = meeting(frame, name, text)
    return frame


def no_column(frame: pd.DataFrame, name: str) -> str:
    """Word that there is no such column."""
    near = get_close_matches(name, list(frame.columns), n=1)
    return f"the table has no column {name!r}; " + (
        f"did you mean {near[0]!r}?" if near else "see the first line of the table"
    )


def meeting(frame: pd.DataFrame, name: str, text: str) -> pd.DataFrame:
    """Return the rows whose column has a value."""
    try:
        value = parsed(text, BY_NAME.get(name, Column(name, str)))
    except ValueError as error:
        raise ConfigError(f"--where {name}={text}: {error}") from error
    found = frame[frame[name].isna() if value is None else (frame[name] == value).fillna(False).astype(bool)]
    if found.empty:
        there = sorted({str(other) for other in frame[name].dropna()})
        told = ", ".join(there[:SHOWN]) + (", ..." if len(there) > SHOWN else "") if there else "only empty cells"
        raise ConfigError(f"--where {name}={text}: no row has it; there are {told}")
    return found
