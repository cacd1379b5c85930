"""The names of timm's backbones, read from its files: importing timm takes seconds, and planning must not."""

import re
from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tradeoff.core.errors import ConfigError

DEFINED = re.compile(r"^@register_model\ndef (\w+)\(", re.MULTILINE)
REPLACED = re.compile(r"^    '(\w+)' ?: '[\w.]+',?$", re.MULTILINE)  # old name and new one; timm takes both


def check(model: str) -> None:
    """Refuse a backbone that timm does not have.

    Args:
        model: a name, or a name and a tag, such as resnet101.tv_in1k.

    Raises:
        ConfigError: with the names that are near.
    """
    name, text = model.partition(".")[0], source()
    names = DEFINED.findall(text)
    if name not in names and name not in REPLACED.findall(text):
        near = ", ".join(get_close_matches(name, names, n=3)) or "none"
        raise ConfigError(f"model={model!r}: timm has no such model; near: {near}")


@cache
def source() -> str:
    """Return the text of all of timm's models."""
    found = find_spec("timm")
    if found is None or found.origin is None:
        raise ConfigError("timm is not installed; give `pip install timm`")
    return "\n".join(
        path.read_text(encoding="utf-8") for path in sorted(Path(found.origin).parent.glob("models/*.py"))
    )
