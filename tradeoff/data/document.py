"""The one form that every reader returns: COCO's lists, and what is wrong with the files that they were read from."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from reprlib import Repr
from typing import Any

LISTS = ("images", "annotations", "categories")

#: characters of the name of an image below its folder
NAME_MAX = 1000
#: bits of a whole number that is worded in base 16; Python refuses to write 4,300 digits
LONG_BITS = 1 << 13

Entry = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Document:
    """A set of images with boxes as it was read.

    path: of the annotation file, list or folder. folder: the image folder, below which all `file_name` lie.
    lists: `images`, `annotations` and `categories` as in COCO's JSON; one that could not be read is missing.
    faults: of the form of the files; what they are about is not in the lists. sha256: of what was read.
    places: file and line of an annotation, by id, where the format itself has no ids.
    """

    path: str
    folder: str
    lists: Entry
    sha256: str
    faults: list[str] = field(default_factory=list)
    places: Mapping[int, str] = field(default_factory=dict)

    def entries(self, key: str) -> list[Entry]:
        """Return one of the lists, empty when it could not be read."""
        return list(self.lists.get(key, ()))

    def place(self, entry: Entry) -> str:
        """Name the file and the id or line of an annotation."""
        identity = entry.get("id")
        known = self.places.get(identity) if isinstance(identity, int) else None
        return known or f"{self.path}: annotation {shown(identity)}"

    def image_path(self, name: str) -> str:
        """Return the path of an image file."""
        return os.path.join(self.folder, name)


class Words(Repr):
    """Words values, long and deep ones cut short, and numbers of more digits than Python writes in decimal."""

    def repr_int(self, value: int, level: int) -> str:
        """Word a whole number."""
        return super().repr_int(value, level) if value.bit_length() < LONG_BITS else f"{hex(value)[:20]}..."


def shown(value: Any) -> str:
    """Word a value of a file, long and deep ones cut short."""
    limits = Words()
    limits.maxstring = limits.maxother = 200
    return limits.repr(value)


def leaves_folder(name: str) -> bool:
    """Tell whether a file name points out of its folder."""
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "" or ":" in parts[0] or ".." in parts


def name_fault(name: Any) -> str | None:
    """Return what is wrong with the name of an image file below its folder, or None."""
    if not isinstance(name, str) or not name:
        return "expected a name"
    if not name.isprintable() or len(name) > NAME_MAX:
        return f"expected a name of at most {NAME_MAX} printable characters"
    return "leaves the image folder; give a path below it" if leaves_folder(name) else None


def joined(digests: Sequence[str]) -> str:
    """Return the SHA-256 of a set of several annotation files from those of the files."""
    return digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest()
