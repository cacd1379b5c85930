"""Reads annotation files in COCO's JSON."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tradeoff.core.files import opened
from tradeoff.data.document import LISTS, Document, Entry, shown

Pairs = list[tuple[str, Any]]


class Constant(float):
    """A NaN or Infinity written in a JSON file; JSON has none."""


def read(path: str, folder: str, classes: tuple[str, ...] = ()) -> Document:
    """Read an annotation file; the lists hold those of its lists that are lists of objects.

    Args:
        path: the JSON file.
        folder: the folder of its images.
        classes: nothing is made of them; the file has its own categories.
    """
    constants: list[str] = []
    repeated: list[Pairs] = []

    def constant(text: str) -> Constant:
        constants.append(text)
        return Constant(text.replace("Infinity", "inf"))

    def entry(pairs: Pairs) -> Entry:
        made = dict(pairs)
        if len(made) < len(pairs):
            repeated.append(pairs)
        return made

    content = b""
    try:
        with opened(path) as file:
            content = file.read()
        document = json.loads(content, parse_constant=constant, object_pairs_hook=entry)
    except OSError as error:
        return Document(path, folder, {}, "", [f"{path}: cannot be read ({error.strerror})"])
    except (ValueError, RecursionError) as error:
        return Document(path, folder, {}, "", [f"{path}: is not JSON ({error})"])
    lists = document if isinstance(document, dict) else {}
    good = {key: lists[key] for key in LISTS if is_list_of_objects(lists.get(key))}
    faults = [f"{path}: {key}: expected a list of objects" for key in LISTS if key not in good]
    faults += [f"{path}: {fault}" for fault in constant_faults(good)] if constants else []
    faults += [f"{path}: {fault}" for pairs in repeated for fault in key_faults(pairs)]
    return Document(path, folder, good, hashlib.sha256(content).hexdigest(), faults)


def is_list_of_objects(value: Any) -> bool:
    """Tell whether a value is a list of JSON objects."""
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def key_faults(pairs: Pairs) -> Iterator[str]:
    """Yield the keys that an object has several times; of their values one would be read and the others lost."""
    made = dict(pairs)
    where = f"the object of id {shown(made['id'])}" if "id" in made else f"the object of {shown(list(made))}"
    for key, count in Counter(key for key, _ in pairs).items():
        if count > 1:
            yield f"{where}: the key {shown(key)} is there {count} times; keep one"


def constant_faults(lists: Entry) -> Iterator[str]:
    """Yield the keys that hold NaN or Infinity."""
    for key, listed in lists.items():
        for number, entry in enumerate(listed):
            for name, value in entry.items():
                if holds_constant(value):
                    where = f"{key}[{number}] id {shown(entry.get('id'))}"
                    yield f"{where}: {shown(name)[1:-1]} holds NaN or Infinity, which is no JSON number"


def holds_constant(value: Any) -> bool:
    """Tell whether NaN or Infinity was written somewhere in a value, however deep."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Constant):
            return True
        if isinstance(item, (list, dict)):
            waiting += item.values() if isinstance(item, dict) else item
    return False
