"""Files are whole or not there, whatever happens to their writer."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tradeoff.core.errors import StoreError
from tradeoff.core.files import read_json, write_atomic

WRITE_FOREVER = """
import itertools, sys
from pathlib import Path
from tradeoff.core.files import write_atomic
for turn in itertools.count():
    write_atomic(Path(sys.argv[1]), "ab"[turn % 2] * 3_000_000)
    if turn == 0:
        print("ready", flush=True)
"""


def test_text_and_bytes_arrive_as_they_are(tmp_path):
    write_atomic(tmp_path / "text", "3² px\r\n")
    write_atomic(tmp_path / "bytes", b"\x00\xff")
    assert (tmp_path / "text").read_bytes() == "3² px\r\n".encode()
    assert (tmp_path / "bytes").read_bytes() == b"\x00\xff"


def test_a_file_is_replaced_and_no_draft_stays(tmp_path):
    write_atomic(tmp_path / "a.json", "old")
    write_atomic(tmp_path / "a.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "new"


@pytest.mark.parametrize(
    ("raised", "seen"), [(OSError(28, "No space left on device"), StoreError), (KeyboardInterrupt(),) * 2]
)
def test_an_error_leaves_the_old_file_and_no_draft(tmp_path, monkeypatch, raised, seen):
    write_atomic(tmp_path / "a.json", "old")

    def broken(*_):
        raise raised

    monkeypatch.setattr(os, "replace", broken)
    with pytest.raises(seen if isinstance(seen, type) else type(seen)) as error:
        write_atomic(tmp_path / "a.json", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
    assert (tmp_path / "a.json").read_text() == "old"
    if seen is StoreError:
        assert "a.json" in str(error.value)
        assert "No space left on device" in str(error.value)


def test_a_missing_folder_is_told_with_the_file(tmp_path):
    with pytest.raises(StoreError, match=r"nowhere/a\.json.*No such file or directory"):
        write_atomic(tmp_path / "nowhere" / "a.json", "x")


def test_a_killed_writer_never_leaves_a_part_of_a_file(tmp_path):
    path = tmp_path / "big"
    for turn in range(12):
        with subprocess.Popen([sys.executable, "-c", WRITE_FOREVER, str(path)], stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            time.sleep(0.003 * turn)
            writer.kill()
        content = path.read_bytes()
        assert content in (b"a" * 3_000_000, b"b" * 3_000_000)


def test_json_is_read(tmp_path):
    (tmp_path / "a.json").write_text('{"ap": 0.5}')
    assert read_json(tmp_path / "a.json") == {"ap": 0.5}


@pytest.mark.parametrize("content", [b"", b'{"ap": 0.', b"\xff\xfe", 200_000 * b"["])
def test_broken_json_is_told_with_its_file(tmp_path, content):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(StoreError, match=r"a\.json"):
        read_json(tmp_path / "a.json")


def test_missing_json_is_told_with_its_file(tmp_path):
    with pytest.raises(StoreError, match=r"a\.json.*No such file"):
        read_json(tmp_path / "a.json")


def test_reading_rows_loads_neither_torch_nor_pandas():
    heavy = "sorted({'torch', 'pandas', 'numpy', 'matplotlib'} & set(sys.modules))"
    code = f"import sys, tradeoff.core.rows, tradeoff.core.files; print({heavy})"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_the_path_may_be_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_atomic(Path("a.json"), "x")
    assert (tmp_path / "a.json").read_text() == "x"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_is_not_replaced(tmp_path, make):
    make(tmp_path / "out")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    before = (tmp_path / "out").stat()
    for name in ("out", "link"):
        with pytest.raises(StoreError, match=rf"{name}: cannot be written \(is no regular file\); choose another"):
            write_atomic(tmp_path / name, "x")
    assert (tmp_path / "out").stat() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "out"]


@pytest.mark.parametrize("length", [250, 300])
def test_a_name_too_long_is_told(tmp_path, length):
    with pytest.raises(StoreError, match=r"x: cannot be written \(File name too long\)"):
        write_atomic(tmp_path / ("x" * length), "x")
