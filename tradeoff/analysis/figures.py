"""All figures of a table: every function of `tradeoff.analysis.plots` that bears the name of its module."""

import io
import pkgutil
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Literal

import matplotlib
import pandas as pd
from matplotlib.transforms import Bbox

from tradeoff.analysis import plots
from tradeoff.analysis.drawing import Drawing, Plot
from tradeoff.analysis.layout import DPI, caption_in
from tradeoff.core.errors import TableError
from tradeoff.core.files import write_atomic

Kind = Literal["png", "svg", "pdf"]
#: in the order of the study; what is not named stands behind
ORDER = (
    "scatter",
    "frontier_probability",
    "extractor_accuracy",
    "by_size",
    "image_size",
    "proposals",
    "time_per_model",
    "flops_time",
    "memory_per_model",
    "memory_time",
    "ap50_ap75",
    "stride",
)
AFTER_A_RUN = ("scatter", "by_size", "time_per_model")
METADATA: dict[Kind, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


def found() -> dict[str, Plot]:
    """Return the plots by name, in the order of the study."""
    names = [module.name for module in pkgutil.iter_modules(plots.__path__)]
    names.sort(key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    return {name: getattr(import_module(f"{plots.__name__}.{name}"), name) for name in names}


def drawings(
    frame: pd.DataFrame,
    names: Collection[str] | None = None,
    together: Collection[str] = (),
    tell: Callable[[str], None] = warnings.warn,
) -> Iterator[Drawing]:
    """Yield every drawing that a table can give.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        names: of the plots; all of them by default.
        together: columns of COMPARABLE in which rows of one axis may differ after all.
        tell: takes why a plot was left out.
    """
    for name, plot in found().items():
        if names is not None and name not in names:
            continue
        try:
            yield plot(frame, together)
        except TableError as error:
            tell(f"no figure {error}")


def draw(
    frame: pd.DataFrame,
    folder: Path,
    tell: Callable[[str], None] = warnings.warn,
    names: Collection[str] | None = AFTER_A_RUN,
    kinds: Sequence[Kind] = ("png", "svg"),
) -> list[Path]:
    """Draw plots into a folder, which is made; return the files.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        folder: where to.
        tell: takes why a plot was left out.
        names: of the plots; None for all of them.
        kinds: of files.

    Raises:
        StoreError: when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for drawing in drawings(frame, names, tell=tell):
        for kind in kinds:
            path = folder / f"{drawing.name}.{kind}"
            write_atomic(path, encoded(drawing, kind))
            paths.append(path)
    return sorted(paths)


def encoded(drawing: Drawing, kind: Kind, caption: bool = True) -> bytes:
    """Return a drawing as the bytes of a file; the same drawing gives the same bytes.

    Args:
        drawing: what to save.
        kind: png, svg or pdf.
        caption: whether the strip with the caption is kept; a page or a paper sets its own words below.
    """
    buffer = io.BytesIO()
    width, height = drawing.figure.get_size_inches()
    box = None if caption else Bbox([[0, caption_in(drawing.figure)], [width, height]])
    save = partial(drawing.figure.savefig, buffer, format=kind, dpi=DPI, metadata=METADATA[kind], bbox_inches=box)
    with matplotlib.rc_context({"svg.hashsalt": "tradeoff", "svg.fonttype": "path", "pdf.fonttype": 42}):
        save()
    return buffer.getvalue()
