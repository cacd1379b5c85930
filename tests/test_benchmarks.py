"""Benchmarks: figures beside bars, tables in which rows take the place of earlier ones, exit codes."""

import csv
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


@pytest.fixture
def bars(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return importlib.import_module("bars")


def ran(script, *words):
    command = [sys.executable, str(ROOT / "benchmarks" / script), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def read(table):
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("value", "bar", "is_met"),
    [
        (1.0, ("<=", 1), True),
        (1.1, ("<=", 1), False),
        (95, (">=", 95), True),
        (94.9, (">=", 95), False),
        (-2.0, ("within", 2), True),
        (-2.1, ("within", 2), False),
        (float("nan"), ("<=", 1), False),
        (float("nan"), ("within", 2), False),
    ],
)
def test_a_figure_meets_its_bar_or_not(bars, value, bar, is_met):
    told = bars.judged({"what": "x", "s": value}, s=bar)
    assert told["is_met"] is is_met
    assert told["bar"] == f"s {bar[0]} {bar[1]}"


def test_a_row_meets_all_of_its_bars_and_none_is_none(bars, tmp_path, capsys):
    row = {"what": "x", "s": 1, "mb": 9}
    kept, broken = bars.judged(row, s=("<=", 1), mb=("<=", 9)), bars.judged(row, s=("<=", 1), mb=("<=", 8))
    without = bars.judged(row)
    assert (kept["is_met"], broken["is_met"], without["is_met"]) == (True, False, None)
    assert bars.ended(tmp_path / "t.csv", [kept, without]) == 0
    assert bars.ended(tmp_path / "t.csv", [kept, broken]) == 1
    assert capsys.readouterr().out.endswith('{"table": "t.csv", "rows": 2, "missed": ["x"]}\n')


def test_rows_take_the_place_of_those_of_their_own_case(bars, tmp_path):
    table = tmp_path / "new" / "t.csv"
    bars.write(table, [{"case": "a", "s": 1}, {"case": "b", "s": 2}], by=("case",))
    bars.write(table, [{"case": "a", "s": 3}], by=("case",))
    assert [(row["case"], row["s"]) for row in read(table)] == [("b", "2"), ("a", "3")]
    assert all(row["device_name"] and row["code_version"] and row["created_utc"] for row in read(table))
    bars.write(table, [{"case": "c", "s": 4, "mb": 5}], by=("case",))
    assert [row["case"] for row in read(table)] == ["c"]
    bars.write(table, [{"case": "d", "s": 4, "mb": 5}])
    assert [row["case"] for row in read(table)] == ["d"]


def test_the_study_on_a_gpu_says_that_there_is_none():
    if torch.cuda.is_available():
        pytest.skip("there is one")
    ended = ran("gpu_study.py")
    assert ended.returncode == 2
    assert "no such CUDA device" in ended.stderr


def test_a_case_that_is_none_is_refused(tmp_path):
    ended = ran("paired.py", "spin+5", "spin+6", "--table", str(tmp_path / "t.csv"))
    assert ended.returncode == 2
    assert "spin+6: no such case" in ended.stderr
    assert not (tmp_path / "t.csv").exists()
