"""The part of COCO 2014 on which the study scores.

The ids are those of the images of COCO's val2014 that the TF Object Detection API keeps for scoring, 8,059 of 40,504;
the rest is trained on, together with train2014.

Source: `object_detection/data/mscoco_minival_ids.txt` of github.com/tensorflow/models; Huang et al. 2017, section 3.
"""

from dataclasses import replace
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

from tradeoff.data.document import Document

PATH = Path(__file__).with_name("coco2014_minival.txt")


@cache
def ids() -> frozenset[int]:
    """Return the ids of the images; the file has the differences of the sorted ids, and comments."""
    lines = (line for line in PATH.read_text().splitlines() if not line.startswith("#"))
    return frozenset(accumulate(int(step) for line in lines for step in line.split()))


def kept(document: Document, subset: str) -> Document:
    """Return the images of the minival, or with "rest" all others, and the objects on them."""
    inside, lists = subset == "minival", dict(document.lists)
    for key, name in (("images", "id"), ("annotations", "image_id")):
        if key in lists:
            lists[key] = [entry for entry in lists[key] if belongs(entry.get(name)) == inside]
    return replace(document, lists=lists)


def belongs(identity: Any) -> bool:
    """Tell whether an id is one of the minival."""
    return isinstance(identity, int) and identity in ids()


def missing_faults(document: Document) -> list[str]:
    """Return the fault of an annotation file without some of the images of the minival."""
    present = {str(entry.get("id")) for entry in document.entries("images")}
    missing = [identity for identity in sorted(ids()) if str(identity) not in present]
    if not missing or "images" not in document.lists:
        return []
    first = ", ".join(map(str, missing[:5]))
    return [f"{document.path}: {len(missing)} of the {len(ids())} images of the minival are missing, such as {first}"]
