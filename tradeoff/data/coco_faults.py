"""The faults of a data set in COCO's format, all told before any work starts; no torch, no arrays."""

import json
import math
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

#: of one kind in one file; the rest are counted
SHOWN = 20


class Constant(float):
    """NaN or Infinity written in a JSON file, which JSON does not have."""


def faults(train: tuple[str, str], val: tuple[str, str]) -> list[str]:
    """Return every fault of two splits, each a pair of annotation file and image folder; an empty list is good."""
    found, documents = [], []
    for annotations, folder in (train, val):
        document, broken = read(annotations)
        found += [f"{annotations}: {fault}" for fault in broken or document_faults(document, training=not documents)]
        found += folder_faults(document, folder)
        documents.append(document)
    if not found:
        found += [f"{val[0]}: {fault}" for fault in category_differences(*documents)]
    return list(dict.fromkeys(found))


def read(path: str) -> tuple[dict[str, Any], list[str]]:
    """Read an annotation file; return it, or an empty one and the faults that leave nothing to look at."""
    try:
        with open(path, "rb") as file:
            document = json.loads(file.read(), parse_constant=Constant)
    except OSError as error:
        return {}, [f"cannot be read ({error.strerror})"]
    except (ValueError, RecursionError) as error:
        return {}, [f"is not JSON ({error})"]
    if not isinstance(document, dict):
        return {}, [f"expected a JSON object with images, annotations and categories, got {type(document).__name__}"]
    lists = ("images", "annotations", "categories")
    missing = [f"{key}: expected a list of objects" for key in lists if not entries(document, key)]
    return document, missing if any(not is_list(document, key) for key in lists) else []


def is_list(document: dict[str, Any], key: str) -> bool:
    """Tell whether a key holds a list of objects."""
    value = document.get(key)
    return isinstance(value, list) and all(isinstance(entry, dict) for entry in value)


def entries(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return the objects listed at a key; none when it is no list of objects."""
    return document[key] if is_list(document, key) else []


def document_faults(document: dict[str, Any], training: bool) -> Iterator[str]:
    """Yield the faults within one annotation file."""
    images, categories = entries(document, "images"), entries(document, "categories")
    yield from ("images: is empty",) if not images else ()
    yield from ("categories: is empty",) if not categories else ()
    for key in ("images", "annotations", "categories"):
        yield from shown(id_faults(key, entries(document, key)))
    yield from shown(constant_faults(document))
    yield from shown(fault for entry in images for fault in image_faults(entry))
    yield from shown(fault for entry in categories for fault in name_faults(entry))
    known = {"image_id": identities(images), "category_id": identities(categories)}
    for entry in islice_annotations(document):
        pass
