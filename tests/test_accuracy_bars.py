"""The benchmark of scoring says which of its bars is missed, keeps a record, and fails where one is."""

import csv
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the benchmark, which writes its files and its table into a folder of the test."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    spec = importlib.util.spec_from_file_location("benchmark_of_accuracy", ROOT / "benchmarks" / "accuracy.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    monkeypatch.setattr(found, "TABLE", tmp_path / "accuracy.csv")
    monkeypatch.setattr(found, "prepare", lambda *_: None)
    return found


def facts(module: ModuleType, seconds: float, peak_mb: float, ap: float = 0.4) -> dict[str, float]:
    return {"s": seconds, "peak_mb": peak_mb, **dict.fromkeys(module.FIGURES, 0.25), "ap": ap}


@pytest.mark.parametrize(
    ("side", "change", "missed"),
    [
        ("figures", {}, []),
        ("figures", {"s": 0.25}, ["figures, times as fast"]),  # 10 s of pycocotools are 40 times that
        ("figures", {"peak_mb": 401.0}, ["figures, memory beside pycocotools"]),
        ("everything", {"peak_mb": 401.0}, ["everything, memory beside pycocotools"]),
        ("everything", {"ap": 0.4 + 1e-11}, ["everything, largest difference"]),
        ("intervals", {"s": 10.5}, ["intervals, time"]),
        ("everything", {"s": 9.0}, []),  # does more than pycocotools, and has no bar of time
    ],
)
def test_a_missed_bar_is_told_and_fails(side, change, missed, benchmark, monkeypatch, capsys):
    sides = {name: facts(benchmark, 0.2, 400.0) for name in benchmark.SIDES}
    sides["pycocotools"]["s"] = 10.0
    sides[side] |= change
    monkeypatch.setattr(benchmark, "run", lambda name, _: sides[name])
    assert benchmark.main() == (1 if missed else 0)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["missed"] == missed
    with benchmark.TABLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["what"] for row in rows if row["is_met"] == "False"] == missed
    fast = next(row for row in rows if row["what"] == "figures, times as fast")
    assert fast["bar"] == "value >= 50"
    assert all(
        row[name] for row in rows for name in ("device_name", "hotcoco_version", "code_version", "created_utc")
    )


def test_a_part_of_the_images_leaves_no_record(benchmark, monkeypatch):
    monkeypatch.setattr(benchmark, "run", lambda *_: facts(benchmark, 1.0, 400.0))
    benchmark.main(100)
    assert not benchmark.TABLE.exists()
