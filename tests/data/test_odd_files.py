"""Files that are no regular ones end no reader's day: each is told by name, and nothing waits for it."""

import os
from pathlib import Path

import pytest

from tests.data.sets import written
from tests.data.test_formats import DATA_YAML, refusal
from tradeoff.core.errors import DataError
from tradeoff.core.files import opened
from tradeoff.data.decode import read_rgb

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
