"""Every fault of an annotation file is told before any work."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.data.coco_files import document, write
from tradeoff.core.errors import DataError
from tradeoff.recipes.data import Coco

Change = Callable[[dict[str, Any]], object]

#: what is done to a good file, and what must then be said
FAULTS: dict[str, tuple[Change, str]] = {
    "no annotations": (lambda d: d.pop("annotations"), "annotations: expected a list"),
    "a list of numbers": (lambda d: d.update(images=[1]), "images: expected a list of objects"),
    "no images": (lambda d: d.update(images=[], annotations=[]), "images: is empty"),
    "no categories": (lambda d: d.update(categories=[], annotations=[]), "categories: is empty"),
    "image id twice": (lambda d: d["images"][0].update(id=10), "images: id 10 is used 2 times"),
    "annotation id twice": (lambda d: d["annotations"][0].update(id=6), "annotations: id 6 is used 2 times"),
    "category id twice": (lambda d: d["categories"][0].update(id=2), "categories: id 2 is used 2 times"),
    "annotation id 0": (lambda d: d["annotations"][0].update(id=0), "annotations[0]: id=0"),
    "id of text": (lambda d: d["annotations"][0].update(id="5"), "annotations[0]: id='5'"),
    "id missing": (lambda d: d["images"][0].pop("id"), "images[0]: id=None"),
    "unknown image": (lambda d: d["annotations"][1].update(image_id=11), "annotation 6: image_id=11"),
    "unknown category": (lambda d: d["annotations"][1].update(category_id=3), "annotation 6: category_id=3"),
    "three numbers": (lambda d: d["annotations"][1].update(bbox=[1, 2, 3]), "annotation 6: bbox=[1, 2, 3]"),
    "no box": (lambda d: d["annotations"][1].pop("bbox"), "annotation 6: bbox=None"),
    "text in a box": (lambda d: d["annotations"][1].update(bbox=[1, 2, "3", 4]), "annotation 6: bbox=[1, 2, '3', 4]"),
    "no width": (lambda d: d["annotations"][1].update(bbox=[1, 2, 0, 4]), "annotation 6: bbox=[1, 2, 0, 4]"),
    "negative height": (lambda d: d["annotations"][1].update(bbox=[1, 2, 3, -4]), "annotation 6: bbox=[1, 2, 3, -4]"),
    "NaN in a box": (
        lambda d: d["annotations"][1].update(bbox=[1, 2, 3, float("nan")]),
        "annotations[1] id 6: bbox holds NaN or Infinity",
    ),
    "infinite area": (
        lambda d: d["annotations"][1].update(area=float("inf")),
        "annotations[1] id 6: area holds NaN or Infinity",
    ),
    "negative area": (lambda d: d["annotations"][1].update(area=-1), "annotation 6: area=-1"),
    "an area above that of the box": (
        lambda d: d["annotations"][1].update(area=1e11),
        "annotation 6: area=100000000000.0: expected at most the area of its box, 80 px²; mend it, or leave it out",
    ),
    "an area of a crowd above that of the box": (
        lambda d: d["annotations"][2].update(area=2526.1),  # 1.01 × 61 × 41
        "annotation 8: area=2526.1: expected at most the area of its box, 2400 px²",
    ),
    "crowd of 2": (lambda d: d["annotations"][1].update(iscrowd=2), "annotation 6: iscrowd=2"),
    "parent folder": (
        lambda d: d["images"][0].update(file_name="x/../../b.png"),
        "image 30: file_name='x/../../b.png'",
    ),
    "absolute path": (lambda d: d["images"][0].update(file_name="/b.png"), "image 30: file_name='/b.png': leaves"),
    "no file name": (lambda d: d["images"][0].pop("file_name"), "image 30: file_name=None"),
    "no file": (
        lambda d: d["images"][0].update(file_name="gone.png"),
        "gone.png: cannot be read as an image (No such file or directory)",
    ),
    "height of 0": (lambda d: d["images"][0].update(height=0), "image 30: height=0"),
    "category without name": (lambda d: d["categories"][0].pop("name"), "category 7: name=None"),
    "a name twice": (
        lambda d: d["categories"][0].update(name="dog"),
        "categories: name 'dog' is used 2 times; rename all but one",
    ),
    "no objects": (lambda d: d["annotations"].clear(), "annotations: there is no object to score, crowds aside"),
    "crowds alone": (
        lambda d: [entry.update(iscrowd=1) for entry in d["annotations"]],
        "annotations: there is no object to score, crowds aside",
    ),
    "id of 65 bits": (
        lambda d: d["images"][2].update(id=2**64),
        "images[2]: id=18446744073709551616: expected a whole",
    ),
    "a box as large as numbers go": (
        lambda d: d["annotations"][1].update(bbox=[0, 0, 1e308, 1e308]),
        "annotation 6: bbox=[0, 0, 1e+308, 1e+308]: expected 4 finite numbers",
    ),
    "a side of too many digits": (
        lambda d: d["annotations"][1].update(bbox=[0, 0, 10**400, 1]),
        "annotation 6: bbox=[0, 0, 1000000000",
    ),
    "box right of its image": (
        lambda d: d["annotations"][1].update(bbox=[30, 2, 5, 5]),
        "annotation 6: bbox=[30, 2, 5, 5]: is outside of its image, 30×20 px",
    ),
    "box above its image": (
        lambda d: d["annotations"][1].update(bbox=[3, -9, 5, 9]),
        "annotation 6: bbox=[3, -9, 5, 9]: is outside of its image, 30×20 px",
    ),
    "other size than the file": (
        lambda d: d["images"][1].update(width=31),
        "a.png is 30×20 px, but 31×20 is stated",
    ),
    "a name with a zero byte": (
        lambda d: d["images"][0].update(file_name="c.png\0"),
        "image 30: file_name='c.png\\x00': expected a name of at most 1000 printable characters",
    ),
    "another drive": (lambda d: d["images"][0].update(file_name="c:\\b.png"), "image 30: file_name='c:"),
    "other category": (lambda d: d["categories"][0].update(name="lion"), "without 7 cat and with 7 lion"),
}


def faults(root: Path) -> list[str]:
    """Return the lines of the refusal of a data set."""
    with pytest.raises(DataError) as caught:
        Coco(root=str(root)).check()
    return str(caught.value).splitlines()


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_named_with_its_file(name: str, tmp_path: Path) -> None:
    change, wanted = FAULTS[name]
    content = document()
    change(content)
    found = [line for line in faults(write(tmp_path, val=content)) if wanted in line]
    assert len(found) == 1
    assert found[0].startswith(str(tmp_path))
    assert "val2017" in found[0]


def test_a_good_data_set_has_no_fault(tmp_path: Path) -> None:
    Coco(root=str(write(tmp_path))).check()


def test_a_box_without_height_is_let_through_in_training_alone(tmp_path: Path) -> None:
    content = document()
    content["annotations"][0]["bbox"] = [1, 1, 5, 0]
    Coco(root=str(write(tmp_path, train=content))).check()
    assert "annotation 5" in faults(write(tmp_path, val=content))[0]


def test_an_area_above_that_of_the_box_is_let_through_in_training_and_by_rounded_sides(tmp_path: Path) -> None:
    train, val = document(), document()
    train["annotations"][1]["area"] = 1e11
    val["annotations"][1]["area"] = 99.9  # 11 × 9 px², of a box of 10 × 8
    Coco(root=str(write(tmp_path, train, val))).check()


def test_a_box_outside_of_its_image_is_let_through_in_training_alone(tmp_path: Path) -> None:
    content = document()
    content["annotations"][1]["bbox"] = [30, 2, 5, 5]
    Coco(root=str(write(tmp_path, train=content))).check()
    assert "annotation 6" in faults(write(tmp_path, val=content))[0]


def test_broken_images_of_both_splits_are_told_with_their_ids(tmp_path: Path) -> None:
    root = write(tmp_path)
    for part in ("train", "val"):
        path = root / f"{part}2017" / "a.png"
        path.write_bytes(path.read_bytes()[:-20])
        (root / f"{part}2017" / "b.png").write_bytes(b"")
    found = faults(root)
    assert len(found) == 4
    assert sum("image 10: " in line and "a.png: cannot be read as an image" in line for line in found) == 2
    assert sum("image 20: " in line and "b.png: cannot be read as an image" in line for line in found) == 2


def test_a_number_too_large_for_a_float_is_no_box(tmp_path: Path) -> None:
    text = json.dumps(document()).replace("[-5, 2, 10, 8]", "[-5, 2, 1e999, 8]")
    assert "annotation 6: bbox=[-5, 2, inf, 8]" in faults(write(tmp_path, val=text))[0]


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "[" * 100_000, "\xff"])
def test_what_is_no_json_object_is_refused(text: str, tmp_path: Path) -> None:
    found = faults(write(tmp_path, val=text))
    assert all("instances_val2017.json" in line for line in found)


def test_the_faults_of_both_splits_are_told_at_once(tmp_path: Path) -> None:
    train, val = document(), document()
    train["annotations"][0]["id"] = 0
    train["images"][1]["file_name"] = "gone.png"
    val["annotations"][0]["category_id"] = 1
    val["annotations"][1]["image_id"] = 1
    found = faults(write(tmp_path, train, val))
    assert len(found) == 4
    assert sum("train2017" in line for line in found) == 2


def test_many_faults_of_one_kind_are_counted_after_the_first_twenty(tmp_path: Path) -> None:
    content = document()
    template = content["annotations"][0]
    content["annotations"] = [{**template, "id": i, "category_id": 1} for i in range(1, 31)]
    found = faults(write(tmp_path, val=content))
    assert len(found) == 21
    assert "10 more" in found[-1]


def test_missing_files_and_folders_are_all_named(tmp_path: Path) -> None:
    found = faults(tmp_path / "nowhere")
    assert len(found) == 4
    names = ("instances_train2017.json", "train2017:", "instances_val2017.json", "val2017:")
    assert all(any(name in line for line in found) for name in names)


def test_an_image_in_a_folder_below_is_found(tmp_path: Path) -> None:
    content = document()
    content["images"][0]["file_name"] = "deep/c.png"
    root = write(tmp_path, val=content)
    (root / "val2017" / "deep").mkdir()
    os.rename(root / "val2017" / "c.png", root / "val2017" / "deep" / "c.png")
    Coco(root=str(root)).check()
