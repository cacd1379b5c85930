"""The store: computed once, never half, never trusted when damaged."""

import json
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from tradeoff.core.errors import StoreError
from tradeoff.core.store import Context, Store, fetch, refuse_damaged


@dataclass(frozen=True)
class Square:
    """Squares a number and counts how often it was asked to."""

    NAME: ClassVar[str] = "square"
    number: int
    wait_s: float = 0.0

    def run(self, folder: Path, context: Context) -> dict[str, int]:
        with folder.with_suffix(".calls").open("a") as file:
            file.write("x")
        time.sleep(self.wait_s)
        (folder / "answer.txt").write_text(str(self.number**2))
        return {"answer": self.number**2}


def calls(store: Store, stage: Square) -> int:
    return len(store.folder(stage).with_suffix(".calls").read_text())


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_a_stage_is_computed_once(store):
    stage = Square(3)
    answers = [fetch(stage, Context(store)) for _ in range(3)]
    assert answers == [{"answer": 9}] * 3
    assert calls(store, stage) == 1


def test_two_stages_do_not_share_a_folder(store):
    assert fetch(Square(2), Context(store)) != fetch(Square(3), Context(store))


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "marker", "nested marker"])
def test_a_damaged_result_is_computed_again(store, damage):
    stage = Square(4)
    fetch(stage, Context(store))
    answer = store.folder(stage) / "answer.txt"
    if damage == "flip":
        answer.write_text("17")
    elif damage == "truncate":
        answer.write_text("1")
    elif damage == "remove":
        answer.unlink()
    else:
        content = {"marker": '{"files"', "nested marker": 200_000 * "["}[damage]
        (store.folder(stage) / "done.json").write_text(content)
    assert store.result(stage) is None
    assert fetch(stage, Context(store)) == {"answer": 16}
    assert calls(store, stage) == 2


def test_a_file_that_is_not_what_was_written_is_refused(store):
    fetch(Square(4), Context(store))
    answer, marker = (store.folder(Square(4)) / name for name in ("answer.txt", "done.json"))
    refuse_damaged(answer)
    told = marker.read_text()
    for path, content in ((answer, "17"), (marker, "[]"), (marker, '{"files": {"answer.txt": {"size": 2}}}')):
        path.write_text(content)
        with pytest.raises(StoreError, match=r"answer\.txt: is gone, damaged .* give the command of that row again"):
            refuse_damaged(answer)
    marker.write_text(told)
    answer.unlink()
    with pytest.raises(StoreError, match=r"answer\.txt: is gone"):
        refuse_damaged(answer)


def test_the_marker_says_what_was_computed(store):
    fetch(Square(5), Context(store))
    done = json.loads((store.folder(Square(5)) / "done.json").read_text())
    assert done["stage"] == {"class": "Square", "version": 1, "number": 5}
    assert done["result"] == {"answer": 25}


def test_two_processes_compute_a_stage_once(store):
    stage = Square(6, wait_s=0.5)
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=fetch, args=(stage, Context(store))) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert calls(store, stage) == 1


def test_the_lock_of_a_killed_process_is_free(store):
    stage = Square(7, wait_s=0.3)
    process = multiprocessing.get_context("fork").Process(target=fetch, args=(stage, Context(store)))
    process.start()
    while not store.folder(stage).with_suffix(".calls").exists():
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert store.result(stage) is None
    assert fetch(stage, Context(store)) == {"answer": 49}


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="results_dir"):
        fetch(Square(1), Context(Store(tmp_path)))


@dataclass(frozen=True)
class Reading:
    """Is another one at each look, and may break on the way."""

    NAME: ClassVar[str] = "reading"
    sensor: str

    def run(self, folder: Path, context: Context) -> dict[str, int]:
        told = [int(word) for word in Path(self.sensor).read_text().split()]
        (folder / "reading.txt").write_text(str(told[0]))
        return {"reading": told[0] // told[1]}


def test_what_is_computed_again_takes_the_place_of_what_was_there(store, tmp_path):
    sensor = tmp_path / "sensor"
    sensor.write_text("5 1")
    stage = Reading(str(sensor))
    assert fetch(stage, Context(store)) == {"reading": 5}
    sensor.write_text("7 1")
    assert fetch(stage, Context(store)) == {"reading": 5}
    assert fetch(stage, Context(store), again=True) == {"reading": 7}
    assert store.result(stage) == {"reading": 7}
    assert (store.folder(stage) / "reading.txt").read_text() == "7"
    assert {path.suffix for path in store.folder(stage).parent.iterdir()} == {"", ".lock"}


def test_what_was_there_outlives_an_attempt_that_ends_half_way(store, tmp_path):
    sensor = tmp_path / "sensor"
    sensor.write_text("5 1")
    stage = Reading(str(sensor))
    fetch(stage, Context(store))
    sensor.write_text("7 0")
    with pytest.raises(ZeroDivisionError):  # its file is written by then
        fetch(stage, Context(store), again=True)
    assert store.result(stage) == {"reading": 5}
    sensor.write_text("8 1")
    assert fetch(stage, Context(store), again=True) == {"reading": 8}
