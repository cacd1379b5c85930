"""The figures of a table as pictures inside the page."""

import base64
from collections.abc import Callable
from typing import Any

import pandas as pd

from tradeoff.analysis.figures import encoded, found
from tradeoff.core.errors import TableError

#: a figure that is larger as SVG is shown as PNG
SVG_BYTES = 150_000
KINDS = {"svg": "image/svg+xml", "png": "image/png"}


def pictures(frame: pd.DataFrame, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return every figure that the table can give: name, title, caption, data URI, width and height px.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        tell: takes why a figure was left out.
    """
    shown = []
    for name, plot in found().items():
        try:
            figure = plot(frame)
        except TableError as error:
            tell(f"{error}")
            continue
        svg = encoded(figure, "svg")
        kind, data = ("svg", svg) if len(svg) <= SVG_BYTES else ("png", encoded(figure, "png"))
        width, height = (round(96 * side) for side in figure.get_size_inches())
        shown.append(
            {"name": name, "title": name, "caption": "", "uri": uri(kind, data), "width": width, "height": height}
        )
    return shown


def uri(kind: str, data: bytes) -> str:
    """Return a picture as a data URI."""
    return f"data:{KINDS[kind]};base64,{base64.b64encode(data).decode()}"
