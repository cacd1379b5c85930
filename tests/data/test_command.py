"""The command that looks at a data set: its cards, its faults, what it writes."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.data.coco_files import COCO_TINY, needs_photographs
from tests.data.sets import CROWD, FORMATS, THINGS, written
from tradeoff.data.__main__ import main
from tradeoff.data.coco import CocoDataset
from tradeoff.recipes.data import Coco

RACCOON = COCO_TINY.parent / "raccoon"
needs_raccoons = pytest.mark.skipif(not RACCOON.is_dir(), reason="no raccoon photographs in ../shared/data")


def said(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> tuple[str, dict[str, Any]]:
    """Run the command; return what it prints for the eye and its last line."""
    assert main(list(words)) == code
    text, _, last = capsys.readouterr().out.rstrip().rpartition("\n")
    return text, json.loads(last)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_set_is_recognised_by_itself_and_its_card_is_right(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    things = THINGS if kind == "yolo" else (*THINGS, CROWD)
    written(kind, tmp_path, things)
    text, told = said(capsys, 0, "check", str(tmp_path))
    assert len(told["parts"]) == 2
    for card in told["parts"].values():
        assert card["format"] == kind
        assert (card["images"], card["images_without_objects"], card["objects"]) == (3, 1, 3)
        assert (card["width_px"], card["height_px"]) == ([40, 64], [20, 50])
        assert card["crowds"] == len(things) - 3
        # 10 × 16 and 16 × 16 and 56 × 16 px², all below 32²
        assert (card["small"], card["medium"], card["large"]) == (3, 0, 0)
        assert list(card["classes"].items()) == [("dog", 2), ("cat", 1)]
        assert (card["beyond_image"], card["repeated"], card["turned_by_exif"], card["faults"]) == (0, 0, 0, 0)
    assert "3 images, 1 without objects; 40..64×20..50 px" in text
    assert text.count("no faults") == 2


def test_sizes_change_at_1024_and_9216_px2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written("coco", tmp_path)
    path = tmp_path / "annotations" / "instances_val2017.json"
    document = json.loads(path.read_text())
    for entry, area in zip(document["annotations"], (1023.9, 1024, 9216), strict=True):
        entry.update(area=area, bbox=[0, 0, 200, 100])
    path.write_text(json.dumps(document))
    _, told = said(capsys, 0, "check", str(path))
    card = told["parts"]["val2017"]
    assert (card["small"], card["medium"], card["large"]) == (1, 1, 1)


def test_what_is_odd_but_no_fault_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written("csv", tmp_path)
    with (tmp_path / "val.csv").open("a") as file:
        file.write("a.png,0,4,10,20,dog,0\nc.png,50,8,80,24,cat,0\n")
    text, told = said(capsys, 0, "check", str(tmp_path), "--part", "val")
    card = told["parts"]["val"]
    assert (card["repeated"], card["beyond_image"]) == (1, 1)
    assert "1 beyond their image (clipped in training); 1 repeated" in text


def test_boxes_without_area_are_counted_and_a_fault_in_validation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written("csv", tmp_path)
    for part in ("train", "val"):
        with (tmp_path / f"{part}.csv").open("a") as file:
            file.write("a.png,3,4,3,20,dog,0\na.png,9,4,3,20,dog,0\n")
    text, told = said(capsys, 1, "check", str(tmp_path))
    train, val = told["parts"]["train"], told["parts"]["val"]
    assert (train["without_area"], train["objects"], train["faults"]) == (1, 3, 1)  # the other has a side below 0
    assert (val["without_area"], val["objects"], val["faults"]) == (1, 3, 2)
    assert "1 without area (dropped in training)" in text


def test_every_fault_is_told_and_counted_and_the_card_is_of_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written("csv", tmp_path)
    (tmp_path / "val.csv").write_text(
        "file_name,x1,y1,x2,y2,label\na.png,0,4,10,20,dog\na.png,0,4,nan,20,dog\n"
        + "".join(f"c.png,{x},8,{x},24,cat\n" for x in range(25))
    )
    text, told = said(capsys, 1, "check", str(tmp_path), "--part", "val")
    assert told["faults"] == told["parts"]["val"]["faults"] == 26
    assert told["parts"]["val"]["objects"] == 1
    assert "val.csv: line 3: x2='nan': expected a finite number" in text
    assert "... and 5 more faults like the last" in text
    assert len(set(told["parts"]["val"]["told"])) == 26
    assert any("line 28: bbox=[24.0, 8.0" in fault for fault in told["parts"]["val"]["told"])


def test_categories_of_one_name_are_counted_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written("coco", tmp_path)
    path = tmp_path / "annotations" / "instances_val2017.json"
    path.write_text(path.read_text().replace("dog", "cat"))
    _, told = said(capsys, 1, "check", str(path))
    assert told["parts"]["val2017"]["classes"] == {"cat": 3}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_converted_set_has_the_same_examples(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = written(kind, tmp_path), tmp_path / "out.json"
    part = {"coco": "val2017"}.get(kind, "val")
    _, told = said(capsys, 0, "convert", str(tmp_path), str(out), "--part", part)
    places = {"train_annotations": str(out), "val_annotations": str(out)}
    folders = {"train_images": told["image_folder"], "val_images": told["image_folder"]}
    converted = Coco(**places, **folders)
    converted.check()
    ours: CocoDataset = data.val_split(None).build()
    theirs: CocoDataset = converted.val_split(None).build()
    assert theirs.classes == ours.classes
    assert theirs.ground_truth()["annotations"] == ours.ground_truth()["annotations"]
    assert sorted(map(tuple, theirs.sizes.tolist())) == [(20, 40), (32, 64), (50, 50)]


def test_categories_that_differ_from_those_of_training_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written("coco", tmp_path)
    path = tmp_path / "annotations" / "instances_val2017.json"
    path.write_text(path.read_text().replace("dog", "wolf"))
    text, told = said(capsys, 1, "check", str(tmp_path))
    assert {name: card["faults"] for name, card in told["parts"].items()} == {"train2017": 0, "val2017": 1}
    assert "val2017.json: categories: without 2 dog and with 2 wolf against training" in text


def test_a_flipped_bit_is_found_only_where_pixels_are_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written("csv", tmp_path)
    path = tmp_path / "images" / "a.png"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1  # the checksum of the pixels, before IEND's 12 bytes
    path.write_bytes(content)
    said(capsys, 0, "check", str(tmp_path / "val.csv"))
    text, _ = said(capsys, 1, "check", str(tmp_path / "val.csv"), "--pixels")
    assert "a.png: cannot be read as an image" in text


def test_a_faulty_set_is_not_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written("csv", tmp_path)
    (tmp_path / "images" / "a.png").unlink()
    assert main(["convert", str(tmp_path / "val.csv"), str(tmp_path / "out.json")]) == 1
    assert "a.png: cannot be read as an image" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()


@pytest.mark.parametrize(
    ("words", "code", "wanted"),
    [
        (["check", "{}/gone"], 1, "gone: no such file or folder"),
        (["check", "{}/images"], 1, "holds nothing of yolo or coco or voc or csv"),
        (["check", "{}", "--format", "voc"], 1, "holds nothing of voc"),
        (["check", "{}", "--part", "test"], 2, "--part test: expected one of train, val"),
        (["convert", "{}", "{}/out.json"], 2, "holds train, val; give one of them as --part NAME"),
        (["convert", "{}/val.csv", "{}/gone/out.json"], 1, "gone: no such folder"),
    ],
)
def test_a_command_that_cannot_be_says_how_it_could(
    words: list[str], code: int, wanted: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written("csv", tmp_path)
    assert main([word.replace("{}", str(tmp_path)) for word in words]) == code
    assert wanted in capsys.readouterr().err


def test_names_that_no_terminal_can_show_do_not_stop_the_command(tmp_path: Path) -> None:
    written("coco", tmp_path)
    path = tmp_path / "annotations" / "instances_val2017.json"
    path.write_text(path.read_text().replace("cat", "\\ud800").replace("a.png", "\\udcff.png"))
    command = [sys.executable, "-m", "tradeoff.data", "check", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["faults"] == 2


def test_the_command_needs_no_torch_and_answers_at_once(tmp_path: Path) -> None:
    written("voc", tmp_path)
    code = (
        "import sys; from tradeoff.data.__main__ import main; main(sys.argv[1:])\n"
        "print({'torch', 'numpy', 'pandas'} & set(sys.modules))"
    )
    command = [sys.executable, "-c", code, "check", str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1] == "set()"
    start = time.monotonic()
    subprocess.run([sys.executable, "-m", "tradeoff.data", "--help"], capture_output=True, check=True)
    assert time.monotonic() - start < 2  # 0.05 s on an idle machine


@needs_photographs
def test_the_card_of_coco_tiny_is_what_counting_by_hand_gives(capsys: pytest.CaptureFixture[str]) -> None:
    _, told = said(capsys, 0, "check", str(COCO_TINY))
    assert list(told["parts"]) == ["train2017", "val2017"]
    for name, card in told["parts"].items():
        document = json.loads((COCO_TINY / "annotations" / f"instances_{name}.json").read_text())
        areas = [entry["area"] for entry in document["annotations"] if entry["iscrowd"] == 0]
        assert (card["images"], card["objects"]) == (len(document["images"]), len(areas))
        assert card["crowds"] == len(document["annotations"]) - len(areas)
        assert card["small"] == sum(area < 1024 for area in areas)
        assert card["large"] == sum(area >= 9216 for area in areas)
        assert sum(card["classes"].values()) == card["objects"]
        assert len(card["classes"]) == 80


@needs_raccoons
def test_the_cards_of_the_raccoons_are_right_in_both_formats(capsys: pytest.CaptureFixture[str]) -> None:
    """The CSV files have a line an object below their heads: 173 to train on, 44 to test, 217 in all."""
    _, voc = said(capsys, 0, "check", str(RACCOON))
    assert voc["parts"]["all"]["format"] == "voc"
    _, csv = said(capsys, 0, "check", str(RACCOON / "data"))
    assert {name: card["objects"] for name, card in csv["parts"].items()} == {
        "raccoon_labels": 217,
        "test_labels": 44,
        "train_labels": 173,
    }
    keys = ("images", "objects", "width_px", "height_px", "classes")
    ours, theirs = voc["parts"]["all"], csv["parts"]["raccoon_labels"]
    assert {key: ours[key] for key in keys} == {key: theirs[key] for key in keys}
    assert (ours["images"], ours["classes"]) == (200, {"raccoon": 217})


@needs_photographs
def test_the_cards_of_two_photographs_are_what_one_sees_on_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A kite surfer before six cars and a swimmer; a street with a group of people that is not told apart."""
    document = json.loads((COCO_TINY / "annotations" / "instances_val2017.json").read_text())
    cards = []
    for identity in (532481, 184324):
        images = [entry for entry in document["images"] if entry["id"] == identity]
        objects = [entry for entry in document["annotations"] if entry["image_id"] == identity]
        one = {**document, "images": images, "annotations": objects}
        (tmp_path / "one.json").write_text(json.dumps(one))
        words = ("check", str(tmp_path / "one.json"), "--images", str(COCO_TINY / "val2017"))
        cards.append(said(capsys, 0, *words)[1]["parts"]["one"])
    surfer, street = cards
    assert (surfer["width_px"], surfer["height_px"]) == ([640, 640], [426, 426])
    seen = {name: count for name, count in surfer["classes"].items() if count}
    assert seen == {"car": 6, "person": 2, "kite": 1, "surfboard": 1}
    # the kite (2,502 px²) and the surfer (2,188) are medium, the board has 975
    assert (surfer["small"], surfer["medium"], surfer["large"], surfer["crowds"]) == (8, 2, 0, 0)
    assert (street["objects"], street["crowds"]) == (31, 1)
    assert [street["classes"][name] for name in ("bicycle", "bus", "umbrella", "stop sign")] == [3, 1, 1, 1]


@needs_raccoons
def test_the_card_of_a_photograph_of_two_raccoons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (RACCOON / "data" / "raccoon_labels.csv").read_text().splitlines()
    (tmp_path / "two.csv").write_text("\n".join([lines[0], *(line for line in lines if "raccoon-12.jpg" in line)]))
    _, told = said(capsys, 0, "check", str(tmp_path / "two.csv"), "--images", str(RACCOON / "images"))
    card = told["parts"]["two"]
    assert (card["width_px"], card["height_px"], card["classes"]) == ([259, 259], [194, 194], {"raccoon": 2})
    assert (card["small"], card["medium"], card["large"]) == (0, 0, 2)
