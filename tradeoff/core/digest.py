"""Content keys: what a computation is, as twelve hexadecimal digits.

The key of a frozen dataclass is made of its class name, its VERSION and its options that differ from their defaults;
options declared with `where=True` say where something is and are no part of it. A new option with a default thus
leaves every old key as it was.
"""

import hashlib
import json
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tradeoff.core.files import opened


def digest(value: Any) -> str:
    """Return the key of a value: 12 hexadecimal digits."""
    text = json.dumps(describe(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def describe(value: Any) -> Any:
    """Return what the key of a value is made of, as plain lists, dictionaries and scalars."""
    if is_dataclass(value) and not isinstance(value, type):
        chosen = [spec for spec in fields(value) if matters(spec, value)]
        parts = {spec.name: described(spec, value) for spec in chosen}
        return {"class": type(value).__name__, "version": getattr(value, "VERSION", 1), **parts}
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if isinstance(value, dict):
        return {str(name): describe(item) for name, item in value.items()}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be part of a key")


def matters(spec: Any, owner: Any) -> bool:
    """Tell whether a field is part of the key: it is compared, and differs from its default."""
    default = spec.default_factory() if spec.default_factory is not MISSING else spec.default
    return bool(spec.compare) and (default is MISSING or getattr(owner, spec.name) != default)


def described(spec: Any, owner: Any) -> Any:
    """Describe one field; a file, which its owner's `<field>_path()` finds, is known by its content."""
    path = getattr(owner, f"{spec.name}_path")() if spec.metadata.get("content") else None
    return "sha256:" + file_sha256(path) if path and path.is_file() else describe(getattr(owner, spec.name))


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read again only after it has changed."""
    facts = path.stat()
    return sha256_of(path, facts.st_size, facts.st_mtime_ns)


@lru_cache(maxsize=1024)
def sha256_of(path: Path, size_bytes: int, changed_ns: int) -> str:
    """Return the SHA-256 of a file as it was at one time; a study asks for the same file in every cell."""
    with opened(str(path)) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
