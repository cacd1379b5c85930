"""Build the page: one HTML file with everything inlined."""

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any

import jinja2
import pandas as pd

from tradeoff.analysis.page.content import content
from tradeoff.analysis.page.words import caveats, environment

#: scripts of the page, in their order
SCRIPTS = ("model", "budget", "answer", "scatter", "table", "card", "main")
#: of Vega-Lite, which draws the curves of a card
VEGA_LITE = "6.4"


def build(frame: pd.DataFrame, *, name: str, command: str, evidence: Mapping[str, Any]) -> str:
    """Return the page of a table.

    Args:
        frame: as `tradeoff.analysis.table.read` gives it, with a finished row at least.
        name: of the table.
        command: that makes the page.
        evidence: `figures`, `missing` (why figures were left out), `critical`, `curves`, `examples`, and the `start`
            of the page (x, y, bounds).
    """
    shown = {key: evidence[key] for key in ("curves", "examples", "start")}
    data = content(frame) | shown | {"scatter": json.loads(text("scatter.vg.json")), "download": name}
    scripts = "\n".join(text(f"js/{script}.js") for script in SCRIPTS)
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(text("page.html.j2"))
    return template.render(
        name=name,
        command=command,
        style=literal(text("page.css")),
        vega=literal(vega()),
        script=literal(f"(() => {{\n{scripts}\n}})();"),
        data=literal(embedded(data)),
        caveats=caveats(frame),
        environment=environment(frame),
        **{key: evidence[key] for key in ("figures", "missing", "critical")},
    )


def text(path: str) -> str:
    """Return a file of this package."""
    return (resources.files("tradeoff.analysis.page") / path).read_text(encoding="utf-8")


def literal(trusted: str) -> Any:
    """Return our own text as HTML that is not escaped."""
    return jinja2.utils.markupsafe.Markup(trusted)


def embedded(data: Any) -> str:
    """Return data as JSON that can stand in a script element: nothing in it can end the element."""
    written = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return written.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def vega() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, as vl-convert carries them."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle(vl_version=VEGA_LITE)
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")
