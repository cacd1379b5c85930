"""The figures of a table as pictures inside the page."""

import base64
import io
from collections.abc import Callable
from typing import Any

import pandas as pd
from PIL import Image

from tradeoff.analysis.drawing import Drawing
from tradeoff.analysis.figures import drawings, encoded
from tradeoff.analysis.layout import caption_in

#: a figure that is larger as SVG is shown as WebP, without loss
SVG_BYTES = 120_000
CSS_PX = 96  # an inch


def pictures(frame: pd.DataFrame, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return every figure that the table can give: name, title, caption, `uri` with its data, width and height px.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it.
        tell: takes why a figure was left out.
    """
    return [pictured(drawing) for drawing in drawings(frame, tell=tell)]


def pictured(drawing: Drawing) -> dict[str, Any]:
    """Return one figure without the caption inside it, which the page sets itself."""
    width_in, height_in = drawing.figure.get_size_inches()
    size_px = {"width": round(CSS_PX * width_in), "height": round(CSS_PX * (height_in - caption_in(drawing.figure)))}
    words = {"name": drawing.name, "title": drawing.title, "caption": drawing.caption}
    return words | {"uri": uri(drawing)} | size_px


def uri(drawing: Drawing) -> str:
    """Return a figure as a data URI: SVG, or a picture of pixels where that has many parts."""
    svg = encoded(drawing, "svg", caption=False)
    if len(svg) <= SVG_BYTES:
        return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    buffer = io.BytesIO()
    Image.open(io.BytesIO(encoded(drawing, "png", caption=False))).convert("RGB").save(buffer, "WEBP", lossless=True)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
