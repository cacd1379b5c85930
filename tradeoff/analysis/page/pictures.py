"""The figures of a table as pictures inside the page."""

import base64
import io
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any

import pandas as pd
from PIL import Image

from tradeoff.analysis.drawing import Drawing
from tradeoff.analysis.figures import drawings, encoded, found
from tradeoff.analysis.layout import caption_in

#: a figure that is larger as SVG is shown as WebP, without loss
SVG_BYTES = 120_000
#: rows from which on figures are drawn in processes beside each other, and as pixels
MANY, PROCESSES = 100, 2
CSS_PX = 96  # an inch


def pictures(frame: pd.DataFrame, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return every figure that the table can give: name, title, caption, `uri` with its data, width and height px.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        tell: takes why a figure was left out.
    """
    draw = partial(drawn, frame)
    if len(frame) < MANY:
        parts = [draw(name) for name in found()]
    else:
        with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
            parts = list(pool.map(draw, found()))
    for reason in (reason for _, reasons in parts for reason in reasons):
        tell(reason)
    return [picture for shown, _ in parts for picture in shown]


def drawn(frame: pd.DataFrame, name: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return one figure, or none and why."""
    reasons: list[str] = []
    shown = [pictured(drawing, len(frame) < MANY) for drawing in drawings(frame, [name], tell=reasons.append)]
    return shown, reasons


def pictured(drawing: Drawing, vector: bool) -> dict[str, Any]:
    """Return a figure without the caption inside it, which the page sets itself."""
    width_in, height_in = drawing.figure.get_size_inches()
    size_px = {"width": round(CSS_PX * width_in), "height": round(CSS_PX * (height_in - caption_in(drawing.figure)))}
    words = {"name": drawing.name, "title": drawing.title, "caption": drawing.caption}
    return words | {"uri": uri(drawing, vector)} | size_px


def uri(drawing: Drawing, vector: bool) -> str:
    """Return a figure as a data URI: pixels, or SVG where that is wanted and has few parts."""
    svg = encoded(drawing, "svg", caption=False) if vector else b""
    if svg and len(svg) <= SVG_BYTES:
        return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    buffer = io.BytesIO()
    Image.open(io.BytesIO(encoded(drawing, "png", caption=False))).convert("RGB").save(
        buffer, "WEBP", lossless=True, method=2
    )
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
