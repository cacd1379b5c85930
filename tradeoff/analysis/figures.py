"""All figures of a table as files: every function of `tradeoff.analysis.plots` that bears the name of its module."""

import io
import pkgutil
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Literal

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from tradeoff.analysis import plots
from tradeoff.analysis.layout import DPI
from tradeoff.core.errors import TableError
from tradeoff.core.files import write_atomic

FORMATS: tuple[Literal["png", "svg"], ...] = ("png", "svg")


def draw(frame: pd.DataFrame, folder: Path, tell: Callable[[str], None] = warnings.warn) -> list[Path]:
    """Draw every plot as PNG and SVG into a folder, which is made; return the files.

    A plot for which the rows say too little is left out.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        folder: where to.
        tell: takes why a plot was left out.

    Raises:
        StoreError: when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, plot in found().items():
        try:
            figure = plot(frame)
        except TableError as error:
            tell(f"no figure {name}: {error}")
            continue
        for kind in FORMATS:
            path = folder / f"{name}.{kind}"
            write_atomic(path, encoded(figure, kind))
            paths.append(path)
    return sorted(paths)


def found() -> dict[str, Callable[[pd.DataFrame], Figure]]:
    """Return the plots by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(plots.__path__))
    return {name: getattr(import_module(f"{plots.__name__}.{name}"), name) for name in names}


def encoded(figure: Figure, kind: Literal["png", "svg"]) -> bytes:
    """Return a figure as the bytes of a file; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    with matplotlib.rc_context({"svg.hashsalt": "tradeoff", "svg.fonttype": "path"}):
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata)
    return buffer.getvalue()
