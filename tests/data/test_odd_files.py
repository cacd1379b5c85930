"""Files that are no regular ones end no reader's day: each is told by name, and nothing waits for it."""

import os
import shutil
from pathlib import Path

import pytest

from tests.data.sets import FORMATS, written
from tests.data.test_formats import DATA_YAML, refusal
from tradeoff.core.errors import DataError
from tradeoff.core.files import opened
from tradeoff.data.decode import read_rgb
from tradeoff.data.image_files import headers

#: what each format reads
READ = (
    ("coco", "annotations/instances_val2017.json"),
    ("coco", "val2017/a.png"),
    ("voc", "ImageSets/Main/val.txt"),
    ("voc", "Annotations/a.xml"),
    ("yolo", DATA_YAML),
    ("yolo", "labels/val/a.txt"),
    ("yolo", "images/val/a.png"),
    ("csv", "train.csv"),
    ("csv", "val.csv"),
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("kind", "file"), READ)
def test_a_pipe_is_told_and_not_waited_for(kind: str, file: str, tmp_path: Path) -> None:
    data = written(kind, tmp_path)
    (tmp_path / file).unlink()
    os.mkfifo(tmp_path / file)
    found = refusal(data)
    assert any(f"{tmp_path / file}: cannot be read" in line and "is no regular file" in line for line in found), found


def test_the_pipe_of_an_image_is_refused_when_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: cannot be read as an image \(is no regular file\)"):
        read_rgb(str(tmp_path / "a.png"))


@pytest.mark.parametrize("name", ["/dev/null", "/dev/zero"])
def test_a_device_is_not_read(name: str) -> None:
    with pytest.raises(OSError, match="is no regular file"):
        opened(name)


def moved_out(path: Path, place: Path) -> None:
    """Move a file or a folder elsewhere and leave a link to it."""
    shutil.move(path, place)
    path.symlink_to(place)


IMAGE_OF = {"coco": "val2017/a.png", "voc": "JPEGImages/a.png", "yolo": "images/val/a.png", "csv": "images/a.png"}


@pytest.mark.parametrize("kind", FORMATS)
def test_a_link_out_of_the_image_folder_is_told(kind: str, tmp_path: Path) -> None:
    data, path = written(kind, tmp_path / "set"), tmp_path / "set" / IMAGE_OF[kind]
    moved_out(path, tmp_path / "secret.png")
    told = f"{path}: a link out of the image folder, to {tmp_path}/secret.png; put a copy or a hard link there"
    assert all(told in line for line in refusal(data))


def test_a_linked_folder_below_the_image_folder_that_leads_out_is_told(tmp_path: Path) -> None:
    data, folder = written("yolo", tmp_path / "set"), tmp_path / "set" / "images" / "val"
    shutil.copytree(folder, tmp_path / "secret")
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "deep").symlink_to(tmp_path / "secret")
    (folder / "val.txt").write_text("deep/a.png\n")
    (tmp_path / "set" / DATA_YAML).write_text("train: images/train\nval: images/val/val.txt\nnames: [cat, dog]\n")
    assert "deep/a.png: a link out of the image folder" in refusal(data)[0]


@pytest.mark.parametrize("kind", FORMATS)
def test_an_image_folder_that_is_a_link_and_links_within_it_are_good(kind: str, tmp_path: Path) -> None:
    data, path = written(kind, tmp_path / "set"), tmp_path / "set" / IMAGE_OF[kind]
    moved_out(path, path.with_name("target.bin"))
    moved_out(path.parent, tmp_path / "elsewhere")
    (path.parent / "a.png").unlink()
    (path.parent / "a.png").symlink_to("target.bin")
    data.check()


def test_the_image_folder_itself_is_no_link_out_of_it(tmp_path: Path) -> None:
    (found,) = headers(str(tmp_path), ["."])
    assert "cannot be read as an image (Is a directory)" in str(found)
