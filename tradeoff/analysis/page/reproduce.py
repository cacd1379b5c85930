"""The command that makes a row again."""

import re
import shlex
from collections.abc import Mapping
from typing import Any

#: the words of the command that have a column of their own
WORDS = ("meta_arch", "extractor", "size", "stride", "proposals", "data", "train", "seed", "precision", "batch_size")


def words(row: Mapping[str, Any]) -> list[str]:
    """Return the words of `tradeoff.run` that ask for a row, None and its like left out."""
    return [*(f"{name}={row[name]}" for name in WORDS if row.get(name) is not None), *overrides(row)]


def overrides(row: Mapping[str, Any]) -> list[str]:
    """Return the options of a row that differ from their recipes; a value may hold blanks."""
    return re.split(r" (?=[\w.]+=)", row["overrides"]) if row.get("overrides") else []


def command(row: Mapping[str, Any]) -> str | None:
    """Return the command line that makes a row again; None for one not made by it, such as a published one."""
    if row.get("source") or row.get("meta_arch") is None or row.get("extractor") is None:
        return None
    return shlex.join(["python", "-m", "tradeoff.run", *words(row)])
