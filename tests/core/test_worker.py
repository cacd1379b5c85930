"""Children: answers, errors and deaths reach the parent; nobody is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import alive, until
from tradeoff.core import worker
from tradeoff.core.errors import DataError, StageFailed, WorkerDied

HERE = "tests.core.test_worker"


def double(number, report):
    report(1, 2, "halves")
    return 2 * number


def refuse(report):
    raise DataError("image 7: no such file")


def stumble(report):
    raise ValueError("first line\nsecond line")


def leave(report):
    sys.exit(3)


def die(number, report):
    os.kill(os.getpid(), number)


def sleep_with_child(path, report):
    child = subprocess.Popen(["sleep", "100"])
    Path(path).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(100)


def quiet(*_):
    pass


def test_an_answer_and_its_progress_come_back():
    seen = []
    assert worker.call(f"{HERE}:double", 21, report=lambda *news: seen.append(news)) == 42
    assert seen == [(1, 2, "halves")]


def test_an_expected_error_tells_its_reason():
    with pytest.raises(StageFailed, match="DataError: image 7: no such file"):
        worker.call(f"{HERE}:refuse", report=quiet)


def test_an_unexpected_error_is_one_line():
    with pytest.raises(StageFailed, match=r"^ValueError: first line$"):
        worker.call(f"{HERE}:stumble", report=quiet)


def test_an_exit_of_the_interpreter_is_a_death():
    with pytest.raises(WorkerDied, match="exit code 3"):
        worker.call(f"{HERE}:leave", report=quiet)


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT"])
def test_a_killed_child_is_told_by_its_signal(name):
    with pytest.raises(WorkerDied, match=name):
        worker.call(f"{HERE}:die", getattr(signal, name), report=quiet)
    assert worker.call(f"{HERE}:double", 1, report=quiet) == 2


def test_a_killed_parent_leaves_no_orphan(tmp_path):
    note = tmp_path / "pids"
    code = (
        "from tradeoff.core import worker\n"
        f"worker.call('{HERE}:sleep_with_child', {str(note)!r}, report=lambda *_: None)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    until(lambda: note.exists() and len(note.read_text().split()) == 2, 60)
    pids = [int(pid) for pid in note.read_text().split()]
    assert all(alive(pid) for pid in pids)
    parent.kill()
    parent.wait()
    until(lambda: not any(alive(pid) for pid in pids), 10)
