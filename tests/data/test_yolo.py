"""What `data.yaml` and labels may say, and what is said where they mean nothing."""

from pathlib import Path

import pytest

from tests.data.sets import written
from tests.data.test_formats import DATA_YAML, refusal, replaced

NAMES = "{0: cat, 1: dog}"
HUGE = "0x" + "f" * 5000

#: what `names` may not be, and how it is worded
SHAPES = {
    "person": "names='person'",
    "{dog: 1, cat: 0}": "names={'cat': 0, 'dog': 1}",
    '{"0": cat, "1": dog}': "names={'0': 'cat', '1': 'dog'}",
    "{0: cat, 1.0: dog}": "names={0: 'cat', 1.0: 'dog'}",
    "{false: cat, true: dog}": "names={False: 'cat', True: 'dog'}",
    "3": "names=3",
    "true": "names=True",
    "2020-01-01": "names=datetime.date(2020, 1, 1)",
    HUGE: "names=0xffffffffffffffffff...",
    f"[{HUGE}]": "names=[0xffffffffffffffffff...]",
    f"[-{HUGE}]": "names=[-0xfffffffffffffffff...]",
    "[cat, null]": "names=['cat', None]",
    "[[cat, dog]]": "names=[['cat', 'dog']]",
    "!!set {cat, dog}": "names={'cat', 'dog'}",
}


@pytest.mark.parametrize(("names", "worded"), SHAPES.items(), ids=[names[:30] for names in SHAPES])
def test_names_that_are_no_list_and_count_no_classes_are_refused(names: str, worded: str, tmp_path: Path) -> None:
    data = written("yolo", tmp_path)
    replaced(DATA_YAML, NAMES, names)(tmp_path)
    (found,) = refusal(data)
    assert found.startswith(f"{tmp_path}/{DATA_YAML}: {worded}: expected the names of the classes, in the order of")


@pytest.mark.parametrize(
    ("old", "new", "key"), [(NAMES, "{0: cat, 0: ox, 1: dog}", "0"), ("path:", "names:", "names")]
)
def test_a_key_that_is_there_twice_is_refused(old: str, new: str, key: str, tmp_path: Path) -> None:
    data = written("yolo", tmp_path)
    replaced(DATA_YAML, old, new)(tmp_path)
    assert f"{DATA_YAML}: is not YAML (the key '{key}' is there twice)" in refusal(data)[0]


@pytest.mark.parametrize("part", ["train", "val"])
def test_a_part_that_is_a_number_of_any_length_is_refused(part: str, tmp_path: Path) -> None:
    data = written("yolo", tmp_path)
    (tmp_path / DATA_YAML).write_text(f"{part}: {HUGE}\nnames: [cat, dog]\n")
    (found,) = refusal(data)
    assert f"{part}=0xffffffffffffffffff...: expected one folder of images" in found


@pytest.mark.parametrize("names", ["{1: dog, 0: cat}", "[cat, dog]", "\n- cat\n- dog", "\n  1: dog\n  0: cat"])
def test_names_go_by_their_numbers(names: str, tmp_path: Path) -> None:
    data = written("yolo", tmp_path)
    replaced(DATA_YAML, NAMES, names)(tmp_path)
    assert data.val_split(None).build().classes == ("cat", "dog")


def test_labels_whose_image_is_gone_are_told(tmp_path: Path) -> None:
    data = written("yolo", tmp_path)
    (tmp_path / "images" / "val" / "c.png").unlink()
    (found,) = refusal(data)
    assert found == f"{tmp_path}/labels/val/c.txt: has objects and no image; add the image, or delete the file"


def test_files_among_the_labels_that_name_no_object_are_no_fault(tmp_path: Path) -> None:
    data = written("yolo", tmp_path)
    labels = tmp_path / "labels" / "val"
    (labels / "classes.txt").write_text("cat\ndog\n")
    (labels / "gone.txt").write_text("\n")
    (labels / "notes.md").write_text("0 0.5 0.5 1 1\n")
    data.check()
