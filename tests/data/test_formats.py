"""Every format says the same of the same set, and what is wrong with it by file and line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.data.sets import CLASSES, CROWD, FORMATS, IMAGES, THINGS, written
from tradeoff.core.digest import digest
from tradeoff.core.errors import ConfigError, DataError
from tradeoff.data.coco import CocoDataset
from tradeoff.recipes.data import Annotated
from tradeoff.recipes.formats import Csv, Voc, Yolo

OWN = ("voc", "yolo", "csv")


def examples(data: Annotated) -> list[tuple[str, list[tuple[str, list[float], bool]]]]:
    """Return what the validation examples say: the colour of the image, and label, box and crowd of its objects."""
    dataset: CocoDataset = data.val_split(None).build()
    found = []
    for example in map(dataset.example, range(len(dataset))):
        names = [dataset.classes[label] for label in example.labels]
        boxes = np.round(example.boxes, 9).tolist()
        found.append((str(example.size), list(zip(names, boxes, example.crowd.tolist(), strict=True))))
    return found


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_has_the_same_examples(kind: str, tmp_path: Path) -> None:
    things = THINGS if kind == "yolo" else (*THINGS, CROWD)
    data = written(kind, tmp_path, things)
    data.check()
    wanted = [
        (str((height, width)), [(t.label, [float(v) for v in t.box], t.crowd) for t in things if t.image == name])
        for name, width, height in IMAGES
    ]
    assert examples(data) == wanted
    assert data.val_split(None).build().classes == CLASSES


@pytest.mark.parametrize("kind", OWN)
def test_the_key_follows_what_is_annotated_and_not_where_it_lies(kind: str, tmp_path: Path) -> None:
    keys = [digest(written(kind, tmp_path / place).val_split(None)) for place in ("here", "there")]
    other = digest(written(kind, tmp_path / "other", THINGS[:2]).val_split(None))
    assert keys[0] == keys[1] != other


@pytest.mark.parametrize("kind", OWN)
def test_annotations_that_change_after_planning_are_refused(kind: str, tmp_path: Path) -> None:
    split = written(kind, tmp_path).val_split(None)
    written(kind, tmp_path, THINGS[1:])
    if kind == "yolo":
        (tmp_path / "labels" / "val" / "a.txt").unlink()
    with pytest.raises(DataError, match="changed since"):
        split.build()


def refusal(data: Annotated) -> list[str]:
    """Return the lines of the refusal of a set."""
    with pytest.raises(DataError) as caught:
        data.check()
    return str(caught.value).splitlines()


def replaced(file: str, old: str, new: str) -> Callable[[Path], object]:
    """Return a change of a text in a file of a set."""

    def change(root: Path) -> None:
        text = (root / file).read_text()
        assert old in text
        (root / file).write_text(text.replace(old, new, 1))

    return change


A_XML, VAL_TXT, DATA_YAML = "Annotations/a.xml", "ImageSets/Main/val.txt", "data.yaml"
A_TXT, C_TXT = "labels/val/a.txt", "labels/val/c.txt"

#: format, what is done to a good set, and what must then be said
FAULTS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "voc no number": ("voc", replaced(A_XML, "<xmin>1<", "<xmin>one<"), "a.xml: object 1: xmin='one': expected a"),
    "voc NaN": ("voc", replaced(A_XML, "<xmin>1<", "<xmin>NaN<"), "a.xml: object 1: xmin='NaN'"),
    "voc infinite": ("voc", replaced(A_XML, "<ymax>20<", "<ymax>1e400<"), "a.xml: object 1: ymax='1e400'"),
    "voc corners swapped": (
        "voc",
        replaced(A_XML, "<xmax>10<", "<xmax>-9<"),
        "a.xml: object 1: bbox=[0.0, 4.0, -9.0, 16.0]: expected a width and a height above 0",
    ),
    "voc outside": (
        "voc",
        replaced(A_XML, "<xmin>1</xmin><ymin>5</ymin><xmax>10", "<xmin>91</xmin><ymin>5</ymin><xmax>99"),
        "a.xml: object 1: bbox=[90.0, 4.0, 9.0, 16.0]: is outside of its image, 40×20 px",
    ),
    "voc label": ("voc", replaced(A_XML, "<name>dog<", "<name><"), "a.xml: object 1: name='': expected a name"),
    "voc difficult": (
        "voc", replaced(A_XML, "<difficult>0<", "<difficult>2<"),
        "object 1: difficult='2': expected 0",
    ),
    "voc size": ("voc", replaced(A_XML, "<width>40<", "<width>-4<"), "a.xml: size: height='20', width='-4'"),
    "voc other size": ("voc", replaced(A_XML, "<width>40<", "<width>41<"), "a.png is 40×20 px, but 41×20 is stated"),
    "voc leaves": ("voc", replaced(A_XML, "<filename>a", "<filename>../a"), "a.xml: filename='../a.png': leaves the"),
    "voc twice": ("voc", replaced(A_XML, "<filename>a", "<filename>b"), "b.xml: filename='b.png': another file has"),
    "voc doctype": (
        "voc", replaced(A_XML, "<annotation>", "<!DOCTYPE a><annotation>"),
        "a.xml: is not XML (a document",
    ),
    "voc broken": ("voc", replaced(A_XML, "</annotation>", ""), "a.xml: is not XML (no element found"),
    "voc no file": ("voc", lambda root: (root / A_XML).unlink(), "a.xml: cannot be read (No such file"),
    "voc list leaves": ("voc", replaced(VAL_TXT, "a\n", "../a\n"), "val.txt: '../a': expected the name of an XML"),
    "yolo class": (
        "yolo", replaced(A_TXT, "1 ", "2 "),
        "val/a.txt: line 1: class='2': expected a whole number from 0 to 1",
    ),
    "yolo negative class": ("yolo", replaced(A_TXT, "1 ", "-1 "), "val/a.txt: line 1: class='-1'"),
    "yolo four numbers": ("yolo", replaced(A_TXT, " 0.8", ""), "val/a.txt: line 1: '1 0.125 0.6 0.25': expected 5"),
    "yolo NaN": (
        "yolo", replaced(A_TXT, " 0.8", " nan"),
        "val/a.txt: line 1: '1 0.125 0.6 0.25 nan': expected 5 finite",
    ),
    "yolo pixels": (
        "yolo", replaced(A_TXT, " 0.8", " 16"),
        "line 1: '0.125 0.6 0.25 16': expected parts of the image's",
    ),
    "yolo no width": ("yolo", replaced(C_TXT, " 0.25 0.5\n", " 0 0.5\n"), "val/c.txt: line 1: bbox="),
    "yolo names": (
        "yolo",
        replaced(DATA_YAML, "1: dog", "2: dog"),
        "data.yaml: names={0: 'cat', 2: 'dog'}: expected the names",
    ),
    "yolo same names": ("yolo", replaced(DATA_YAML, "1: dog", "1: cat"), "expected a name once only"),
    "yolo no yaml": ("yolo", replaced(DATA_YAML, "path", "{"), "data.yaml: is not YAML"),
    "yolo no folder": (
        "yolo", replaced(DATA_YAML, "images/val", "images/gone"),
        "images/gone: no such folder of images",
    ),
    "yolo broken image": (
        "yolo", lambda root: (root / "images/val/a.png").write_bytes(b"x"),
        "val/a.png: cannot be read",
    ),
    "csv no number": ("csv", replaced("val.csv", "a.png,0", "a.png,?"), "val.csv: line 2: x1='?': expected a finite"),
    "csv infinite": ("csv", replaced("val.csv", "a.png,0", "a.png,-inf"), "val.csv: line 2: x1='-inf'"),
    "csv swapped": ("csv", replaced("val.csv", "a.png,0", "a.png,12"), "line 2: bbox=[12.0, 4.0, -2.0, 16.0]"),
    "csv label": (
        "csv", replaced("val.csv", ",dog", ",dgo"),
        "line 2: label='dgo': not among the classes, which are th",
    ),
    "csv outside": (
        "csv",
        replaced("val.csv", "a.png,0,4,10", "a.png,40,4,50"),
        "val.csv: line 2: bbox=[40.0, 4.0, 10.0, 16.0]: is outside of its image, 40×20 px",
    ),
    "csv crowd": ("csv", replaced("val.csv", "dog,0", "dog,x"), "line 2: crowd='x': expected 0 or 1"),
    "csv column": (
        "csv", replaced("val.csv", "label", "word"),
        "val.csv: line 1: no column label or class; there are",
    ),
    "csv values": ("csv", replaced("val.csv", ",dog,0", ",dog"), "val.csv: line 2: 6 values: expected 7"),
    "csv leaves": (
        "csv", replaced("val.csv", "a.png", "/a.png"),
        "line 2: file_name='/a.png': leaves the image folder",
    ),
    "csv no image": (
        "csv", replaced("val.csv", "a.png", "z.png"),
        "images/z.png: cannot be read as an image (No such",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_told_with_its_file_and_place(name: str, tmp_path: Path) -> None:
    kind, change, wanted = FAULTS[name]
    data = written(kind, tmp_path)
    change(tmp_path)
    found = refusal(data)
    assert any(wanted in line for line in found), found
    assert all(line.startswith(str(tmp_path)) for line in found)


def test_all_faults_of_both_splits_are_told_at_once(tmp_path: Path) -> None:
    data = written("csv", tmp_path)
    for part in ("train", "val"):
        replaced(f"{part}.csv", "a.png,0", "a.png,nan")(tmp_path)
        replaced(f"{part}.csv", "16,8", "inf,8")(tmp_path)
    (tmp_path / "images" / "b.png").write_bytes(b"no image")
    assert len(refusal(data)) == 6


def test_a_class_that_only_validation_has_is_a_fault_and_one_that_it_lacks_is_none(tmp_path: Path) -> None:
    data = written("csv", tmp_path)
    replaced("val.csv", "c.png,16,8,32,24,cat,0\n", "")(tmp_path)
    data.check()
    assert data.val_split(None).build().classes == CLASSES
    written("csv", tmp_path / "other")
    replaced("other/val.csv", "cat", "lion")(tmp_path)
    assert "label='lion'" in refusal(Csv(root=str(tmp_path / "other")))[0]


def test_two_folders_of_xml_files_need_no_lists(tmp_path: Path) -> None:
    written("voc", tmp_path)
    xml, images = str(tmp_path / "Annotations"), str(tmp_path / "JPEGImages")
    data = Voc(train_annotations=xml, val_annotations=xml, train_images=images, val_images=images)
    data.check()
    assert len(data.val_split(None).build()) == 3


def test_a_csv_file_of_the_tf_object_detection_api_is_read(tmp_path: Path) -> None:
    data = written("csv", tmp_path)
    for part in ("train", "val"):
        text = "filename,width,height,class,xmin,ymin,xmax,ymax\na.png,40,20,dog,0,4,10,20\n"
        (tmp_path / f"{part}.csv").write_text(text)
    data.check()
    assert examples(data) == [("(20, 40)", [("dog", [0.0, 4.0, 10.0, 20.0], False)])]


def test_a_list_of_images_stands_for_a_folder_in_yolo(tmp_path: Path) -> None:
    data = written("yolo", tmp_path)
    wanted = examples(data)[::2]
    replaced(DATA_YAML, "../images/val", "val.txt")(tmp_path)
    (tmp_path / "val.txt").write_text("./images/val/a.png\nimages/val/c.png\n")
    data.check()
    assert examples(Yolo(root=str(tmp_path))) == wanted


def test_names_in_a_list_may_be_numbers(tmp_path: Path) -> None:
    data = written("yolo", tmp_path)
    replaced(DATA_YAML, "{0: cat, 1: dog}", "[7, 8]")(tmp_path)
    assert data.val_split(None).build().classes == ("7", "8")


def test_given_image_folders_have_their_labels_beside_them(tmp_path: Path) -> None:
    wanted = examples(written("yolo", tmp_path))
    (tmp_path / "images").rename(tmp_path / "deep")
    (tmp_path / "deep" / "images").mkdir()
    for part in ("train", "val"):
        (tmp_path / "deep" / part).rename(tmp_path / "deep" / "images" / part)
    (tmp_path / "labels").rename(tmp_path / "deep" / "labels")
    folders = {f"{part}_images": str(tmp_path / "deep" / "images" / part) for part in ("train", "val")}
    assert examples(Yolo(root=str(tmp_path), **folders)) == wanted


def test_without_data_yaml_the_customary_names_are_read(tmp_path: Path) -> None:
    data = written("yolo", tmp_path)
    wanted = examples(data)
    (tmp_path / DATA_YAML).unlink()
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    assert examples(Yolo(root=str(tmp_path))) == wanted


@pytest.mark.parametrize(
    ("recipe", "named"), [(Voc, "ImageSets/Main/train.txt"), (Csv, "train.csv"), (Yolo, "data.yaml")]
)
def test_a_set_without_any_place_is_refused_with_what_a_root_holds(recipe: type[Annotated], named: str) -> None:
    with pytest.raises(ConfigError, match=rf"^data\.root: required.*{named}"):
        recipe.from_mapping({}, "data.")
