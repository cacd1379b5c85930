"""Build the page: one HTML file with everything inlined."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from tradeoff.analysis.page.content import content
from tradeoff.analysis.page.pictures import pictures
from tradeoff.analysis.page.tables import tables
from tradeoff.analysis.page.words import caveats, environment

#: scripts of the page, in their order
SCRIPTS = ("model", "budget", "answer", "scatter", "table", "card", "main")
#: of Vega-Lite, which draws the curves of a card
VEGA_LITE = "6.4"


def build(
    frame: pd.DataFrame, *, name: str, command: str, start: Mapping[str, Any], behind: Mapping[str, Any]
) -> str:
    """Return the page of a table.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it, with a finished row at least.
        name: of the table.
        command: that makes the page.
        start: how the page opens: the columns `x` and `y`, None for time and AP, the `budget` by its words, and the
            number of the `group` (`content.comparable`).
        behind: `curves` by evaluate_key, `examples` as `tradeoff.evidence` has them, and why there are none of a row.
    """
    missing: list[str] = []
    drawn = pictures(frame, missing.append)
    data = content(frame) | {
        "start": start,
        "behind": behind,
        "scatter": json.loads(text("scatter.vg.json")),
        "file": name,
    }
    scripts = "\n".join(text(f"js/{script}.js") for script in SCRIPTS)
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text("page.html.j2"))
    return template.render(
        name=name,
        command=command,
        style=Markup(text("page.css")),
        vega=Markup(vega()),
        script=Markup(f"(() => {{\n{scripts}\n}})();"),
        data=Markup(embedded(data)),
        caveats=caveats(frame),
        environment=environment(frame),
        tables=tables(frame),
        figures=drawn,
        missing=missing,
    )


def text(path: str) -> str:
    """Return a file of this package."""
    return (resources.files("tradeoff.analysis.page") / path).read_text(encoding="utf-8")


def embedded(data: Any) -> str:
    """Return data as JSON that can stand in a script element: nothing in it can end the element."""
    written = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, as vl-convert carries them."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle(vl_version=VEGA_LITE)  # type: ignore[call-arg]
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")
