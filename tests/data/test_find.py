"""What a path holds is found whole: no part is passed over, and no other file read than the one given."""

from pathlib import Path

import pytest

from tests.data.sets import FORMATS, THINGS, csv, written, yolo
from tests.data.test_formats import refusal, replaced
from tradeoff.core.errors import DataError
from tradeoff.data.__main__ import main
from tradeoff.data.coco_json import read
from tradeoff.data.documents import read as read_source
from tradeoff.data.find import find
from tradeoff.recipes.data import Coco


def objects(path: Path) -> dict[str, int]:
    """Count the objects of each part of a path."""
    return {name: len(read_source(source).entries("annotations")) for name, source in find(str(path)).items()}


@pytest.mark.parametrize("name", ["other.yaml", "other.yml"])
def test_a_yaml_file_of_another_name_is_the_one_that_is_read(name: str, tmp_path: Path) -> None:
    written("yolo", tmp_path)
    yolo(tmp_path, "test", THINGS[:1])
    (tmp_path / name).write_text("test: images/test\nnames: [lion, wolf]\n")
    assert find(str(tmp_path / name))["test"].classes == ("lion", "wolf")
    assert objects(tmp_path / name)["test"] == 1
    (tmp_path / name).write_text("test: images/test\nnames: 3\n")
    with pytest.raises(DataError, match=rf"{name}: names=3"):
        find(str(tmp_path / name))


@pytest.mark.parametrize("names", ["classes.txt", "data.yaml"])
def test_images_with_labels_beside_are_one_part(names: str, tmp_path: Path) -> None:
    """As LabelImg writes them."""
    yolo(tmp_path / "set", "val", THINGS)
    for folder in ("images", "labels"):
        (tmp_path / "set" / folder / "val").rename(tmp_path / folder)
    (tmp_path / names).write_text("cat\ndog\n" if names == "classes.txt" else "names: [cat, dog]\n")
    assert objects(tmp_path) == {"all": 3}
    assert main(["check", str(tmp_path)]) == 0


@pytest.mark.parametrize("kind", FORMATS)
def test_a_folder_may_have_any_name(kind: str, tmp_path: Path) -> None:
    written(kind, tmp_path / "set[1]*?")
    assert list(objects(tmp_path / "set[1]*?").values()) == [3, 3]


def test_a_list_of_names_is_one_whatever_its_own_name_and_those_of_one_class_are_none(tmp_path: Path) -> None:
    written("voc", tmp_path)
    lists = tmp_path / "ImageSets" / "Main"
    (lists / "my_val.txt").write_text("a\n")
    (lists / "dog_val.txt").write_text("a  1\nb -1\nc  0\n")
    (lists / "dog_train.txt").write_text("a  1\n")
    assert objects(tmp_path) == {"my_val": 1, "train": 3, "val": 3}
    for name in ("train", "val"):
        (lists / f"{name}.txt").unlink()
    assert objects(tmp_path) == {"my_val": 1}
    (lists / "my_val.txt").unlink()
    assert objects(tmp_path) == {"all": 3}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("y1", "x1", "x1, x1"),
        ("crowd", "class", "label, class"),
        ("crowd", "xmin", "x1, xmin"),
        ("crowd", "file_name", "file_name, file_name"),
    ],
)
def test_columns_of_one_meaning_are_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    data = written("csv", tmp_path)
    replaced("val.csv", old, new)(tmp_path)
    (found,) = [line for line in refusal(data) if "of one meaning" in line]
    assert found == f"{tmp_path}/val.csv: line 1: columns of one meaning: {words}; keep one of them"


def test_columns_that_are_not_read_may_be_there_twice(tmp_path: Path) -> None:
    csv(tmp_path, "val", ())
    (tmp_path / "val.csv").write_text("file_name,x1,y1,x2,y2,label,note,note\na.png,0,4,10,20,dog,a,b\n")
    assert objects(tmp_path) == {"val": 1}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"iscrowd": 0', '"iscrowd": 0, "bbox": [1, 2, 3, 4]', "of id 1: the key 'bbox' is there 2 times"),
        ('"categories"', '"images": [], "categories"', "categories']: the key 'images' is there 2 times"),
        ('"name": "cat"', '"name": "cat", "name": "cat", "name": "ox"', "of id 1: the key 'name' is there 3 times"),
    ],
)
def test_a_key_that_an_object_has_twice_is_told(old: str, new: str, words: str, tmp_path: Path) -> None:
    data, file = written("coco", tmp_path), "annotations/instances_val2017.json"
    assert isinstance(data, Coco)
    replaced(file, old, new)(tmp_path)
    assert any(words in line and line.startswith(str(tmp_path / file)) for line in refusal(data))
    assert len(read(str(tmp_path / file), str(tmp_path)).faults) == 1
