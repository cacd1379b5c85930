"""The minival of COCO 2014: its ids, and which images are trained and scored on."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.coco_files import COCO_TINY
from tradeoff.core.digest import digest
from tradeoff.core.errors import DataError
from tradeoff.data import minival
from tradeoff.recipes.data import Coco

FACTS = COCO_TINY.parents[1] / "facts" / "coco2014_minival_ids.txt"
#: an id of the minival and one of val2014 that is not in it; 25096 stands first in the published list
INSIDE, OUTSIDE, TRAIN = 25096, 73, 9


def test_there_are_as_many_ids_as_published_and_they_are_those() -> None:
    found = sorted(minival.ids())
    assert len(found) == 8059
    assert found[:5] == [42, 196, 359, 395, 472]
    text = "\n".join(map(str, found))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "3fa750451c6ff66f"


@pytest.mark.skipif(not FACTS.is_file(), reason="no list of ids in ../shared/facts")
def test_the_ids_are_those_of_the_published_list() -> None:
    assert minival.ids() == set(map(int, FACTS.read_text().split()))


def write_coco_2014(root: Path) -> Path:
    """Write three images: one of train2014, two of val2014 of which one is in the minival; each has one object."""
    assert INSIDE in minival.ids()
    assert not {OUTSIDE, TRAIN} & minival.ids()
    for part, ids in (("train", [TRAIN]), ("val", [OUTSIDE, INSIDE])):
        (root / "annotations").mkdir(parents=True, exist_ok=True)
        folder = root / f"{part}2014"
        folder.mkdir()
        for identity in ids:
            Image.fromarray(np.full((30, 40, 3), identity % 256, np.uint8)).save(folder / f"{part}_{identity}.png")
        document = {
            "images": [{"id": i, "file_name": f"{part}_{i}.png", "height": 30, "width": 40} for i in ids],
            "annotations": [
                {"id": i + 1, "image_id": i, "category_id": 1, "bbox": [1, 2, i % 7 + 3, 4]} for i in ids
            ],
            "categories": [{"id": 1, "name": "cat"}],
        }
        (root / "annotations" / f"instances_{part}2014.json").write_text(json.dumps(document))
    return root


def test_the_minival_is_scored_and_all_else_is_trained_on(tmp_path: Path) -> None:
    data = Coco(root=str(write_coco_2014(tmp_path)), split="minival")
    scored = data.val_split(None).build()
    assert [scored.example(i).image_id for i in range(len(scored))] == [INSIDE]
    assert [entry["id"] for entry in scored.ground_truth()["annotations"]] == [INSIDE + 1]
    trained = data.train_split(0).build()
    found = {example.image_id: example for example in map(trained.example, range(len(trained)))}
    assert sorted(found) == [TRAIN, OUTSIDE]
    for identity, example in found.items():  # the pixels and the box are those of the image
        assert (example.image == identity % 256).all()
        assert example.boxes.tolist() == [[1, 2, identity % 7 + 4, 6]]


def test_an_annotation_file_without_the_images_of_the_minival_is_refused(tmp_path: Path) -> None:
    data = Coco(root=str(write_coco_2014(tmp_path)), split="minival")
    with pytest.raises(
        DataError, match=r"instances_val2014\.json: 8058 of the 8059 images of the minival are missing"
    ):
        data.check()


def test_minival_rest_and_all_have_keys_of_their_own(tmp_path: Path) -> None:
    root = str(write_coco_2014(tmp_path))
    part, whole = (
        Coco(root=root, split="minival"),
        Coco(
            train_annotations=f"{root}/annotations/instances_train2014.json",
            train_images=f"{root}/train2014",
            val_annotations=f"{root}/annotations/instances_val2014.json",
            val_images=f"{root}/val2014",
        ),
    )
    assert (
        len({digest(split) for data in (part, whole) for split in (data.train_split(0), data.val_split(None))}) == 4
    )
