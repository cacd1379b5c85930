"""The command that compares two runs: what it says, what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.analysis.synthetic import made, written
from tradeoff.compare import main
from tradeoff.core import rows
from tradeoff.core.digest import digest
from tradeoff.core.machine import Machine
from tradeoff.core.store import Context, Store, fetch, finish
from tradeoff.run import enumerate_cells
from tradeoff.runner import run_id
from tradeoff.stages.predict import PREDICTIONS

ROOT = Path(__file__).parents[1]
CPU = Machine("cpu", "a CPU", "2.15.0", "0.29.2")


def ran(folder: Path, *words: str, finds: float, table: str = "results", **columns: Any) -> str:
    """Leave behind a run that finds a share of the objects, as the pipeline does; return its run_id."""
    ((cell, _),) = enumerate_cells(["extractor=tiny", "evaluate.images=60", *words])
    stages, store = cell.stages(CPU), Store(folder)
    assert stages.predict
    assert stages.evaluate
    data = stages.predict.split.build()
    random = np.random.default_rng(0)
    objects = [entry for entry in data.ground_truth()["annotations"] if random.random() < finds]
    corners = [[x, y, x + width, y + height] for x, y, width, height in (entry["bbox"] for entry in objects)]
    place = store.folder(stages.predict)
    place.mkdir(parents=True, exist_ok=True)
    np.savez(
        place / PREDICTIONS,
        image_id=np.array([entry["image_id"] for entry in objects]),
        label=np.array([data.category_ids.index(entry["category_id"]) for entry in objects]),
        score=random.random(len(objects)).astype(np.float32),
        box=np.array(corners, np.float32),
    )
    finish(place, stages.predict, {})
    told = fetch(stages.evaluate, Context(store))
    name = run_id(stages)
    row = {"run_id": name, "status": "ok", **cell.words(), **stages.keys(), **told, **columns}
    rows.save(folder / "rows" / table, row)
    return name


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Return a results folder and its runs: good, equal to it, poor, elsewhere, failed, untrained, without AP."""
    folder = tmp_path_factory.mktemp("results")
    names = {
        "good": ran(folder, "seed=1", finds=0.9),
        "twin": ran(folder, "seed=2", finds=0.9),
        "poor": ran(folder, "seed=3", finds=0.5, table="another"),
        "elsewhere": ran(folder, "seed=4", "data.val_seed=5", finds=0.9),
        "failed": ran(folder, "seed=5", finds=0.9, status="failed", reason="out of memory"),
        "untrained": ran(folder, "seed=6", finds=0.9, train="none", evaluate_key=None, ap=None),
        "scoreless": ran(folder, "seed=7", finds=0.9, ap=None),
    }
    return folder, names


def compared(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> tuple[str, str]:
    """Run the command; return what it prints and what it says is wrong."""
    assert main(list(words)) == code
    return capsys.readouterr()


def test_a_run_that_finds_more_is_better_and_the_other_worse(runs, capsys):
    folder, names = runs
    out, _ = compared(capsys, 0, names["good"][:8], names["poor"][:8], f"results_dir={folder}")
    told = json.loads(out.splitlines()[-1])
    assert (told["a"], told["b"], told["images"]) == (names["good"], names["poor"], 60)
    own = ["ap_0_to_16_px", "ap_16_to_32_px", "ap_96_to_256_px", "ap_from_256_px"]  # 32 to 96 px is ap_medium
    assert list(told["figures"]) == ["ap", "ap_small", "ap_medium", "ap_large", *own]
    assert told["figures"]["ap_16_to_32_px"]["interval"]
    ap = told["figures"]["ap"]
    assert ap["verdict"] == "better"
    for side in ("good", "poor"):
        (path,) = folder.glob(f"rows/*/{names[side]}.json")
        assert {"good": ap["a"], "poor": ap["b"]}[side] == pytest.approx(rows.load_row(path)["ap"], abs=1e-12)
    assert ap["difference"] == pytest.approx(ap["a"] - ap["b"])
    assert 0 < ap["interval"]["low"] < ap["difference"] < ap["interval"]["high"]
    (line,) = (line for line in out.splitlines() if line.startswith("ap "))
    numbers = (ap["a"], ap["b"], ap["difference"], ap["interval"]["low"], ap["interval"]["high"])
    assert list(map(float, line.split()[1:6])) == pytest.approx(numbers, abs=5e-5)
    assert line.endswith("  better")
    out, _ = compared(capsys, 0, names["poor"], names["good"], f"results_dir={folder}")
    other = json.loads(out.splitlines()[-1])["figures"]["ap"]
    assert (other["verdict"], other["interval"]["high"]) == ("worse", pytest.approx(-ap["interval"]["low"]))


def test_of_runs_with_the_same_detections_nothing_is_said(runs, capsys):
    folder, names = runs
    out, _ = compared(capsys, 0, names["good"], names["twin"], f"results_dir={folder}")
    ap = json.loads(out.splitlines()[-1])["figures"]["ap"]
    assert (ap["difference"], ap["interval"], ap["verdict"]) == (0.0, None, None)
    assert "not said: too few such objects, or no image makes a difference" in out


def test_the_row_has_the_intervals_around_its_figures(runs):
    folder, names = runs
    row = rows.load_row(folder / "rows" / "results" / f"{names['good']}.json")
    for name in ("ap", "ap_small", "ap_medium", "ap_large"):
        assert 0 < row[f"{name}_low"] < row[name] < row[f"{name}_high"] <= 1, name
    with np.load(folder / "cache" / "evaluate" / row["evaluate_key"] / "curves.npz") as file:
        low, ap, high = (file[name][1:3] for name in ("ap_by_size_low", "ap_by_size", "ap_by_size_high"))
    assert (low < ap).all()
    assert (ap < high).all()
    assert (low[1], high[1]) == (row["ap_medium_low"], row["ap_medium_high"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], ["got 0 runs", "--help"]),
        (["{good}"], ["got 1 runs", "expected two"]),
        (["{good}", "{twin}", "{poor}"], ["got 3 runs"]),
        (["{good}", "{twin}", "tables=x"], ["tables: no such word", "did you mean 'table'"]),
        (["{good}", "{twin}", "table="], ["table=: expected a value"]),
        (["{good}", "ffffffffffff"], ["'ffffffffffff': no run in", "begins so", "there are"]),
        (["{good}", "../x"], ["'../x': expected the beginning of a run_id"]),
        (["{good}", "{good}"], ["A and B are both {good}"]),
        (["{good}", "{poor}", "table=results"], ["no run in table results of"]),
        (["{good}", "{elsewhere}"], ["different images", "seed by default and 5"]),
        (["{good}", "{twin}", "table=*"], ["table='*': expected a name"]),
        (["{good}", "{twin}", "table=results/"], ["table='results/': expected a name"]),
        (["{good}", "{twin}", "table=results", "table=another"], ["table=: given 2 times"]),
        (["{good}", "{twin}", "=x"], ["=: expected a word before it"]),
        (["{good}", "{scoreless}"], ["{scoreless}", "has no predictions"]),
        (["{good}", "{twin}", "--remeasure"], ["does not tell device, device_name, torch_version"]),
        (["{failed}", "{good}"], ["{failed}", "failed (out of memory)"]),
        (["{good}", "{untrained}"], ["{untrained}", "has no predictions, train=none"]),
    ],
)
def test_what_cannot_be_compared_is_refused_with_its_reason(words, told, runs, capsys):
    folder, names = runs
    out, wrong = compared(capsys, 2, *(word.format(**names) for word in words), f"results_dir={folder}")
    assert out == ""
    assert all(part.format(**names) in wrong for part in told), wrong


def test_a_prefix_of_several_runs_lists_them(runs, capsys):
    folder, names = runs
    shared = {}
    for name in names.values():
        shared.setdefault(name[0], []).append(name)
    first, several = max(shared.items(), key=lambda item: len(item[1]))
    if len(several) == 1:  # six digests may begin with six digits
        copy = several[0][:6] + "000000"
        row = rows.load_row(next(folder.glob(f"rows/*/{several[0]}.json")))
        rows.save(folder / "rows" / "results", {**row, "run_id": copy})
        several = [*several, copy]
    _, wrong = compared(capsys, 2, first, names["good"], f"results_dir={folder}")
    assert "stands for several runs" in wrong
    assert all(name in wrong for name in several)


def test_scores_that_are_gone_or_old_say_how_to_have_them_again(tmp_path, capsys):
    one, other = ran(tmp_path, "seed=1", finds=0.9), ran(tmp_path, "seed=2", finds=0.8)
    ((cell, _),) = enumerate_cells(["extractor=tiny", "evaluate.images=60", "seed=2"])
    scores = Store(tmp_path).folder(cell.stages(CPU).evaluate)
    assert digest(cell.stages(CPU).evaluate) == scores.name
    for name in ("matches.npz", "done.json"):
        (scores / name).unlink()
        _, wrong = compared(capsys, 2, one, other, f"results_dir={tmp_path}")
        assert name in wrong
        assert "give the command of that row again" in wrong


def test_damaged_scores_are_named(tmp_path, capsys):
    one, other = ran(tmp_path, "seed=1", finds=0.9), ran(tmp_path, "seed=2", finds=0.8)
    key = rows.load_row(tmp_path / "rows" / "results" / f"{other}.json")["evaluate_key"]
    path = tmp_path / "cache" / "evaluate" / key / "done.json"
    for content in ("{}", '{"stage": {}}', '{"stage": {"predict": {"split": 1}}}', "[]", "null"):
        path.write_text(content)
        _, wrong = compared(capsys, 2, one, other, f"results_dir={tmp_path}")
        assert wrong.startswith("StoreError")
        assert f"{path} is damaged" in wrong


def test_scores_and_rows_that_are_not_what_was_written_are_named_with_what_to_do(tmp_path, capsys):
    one, other = ran(tmp_path, "seed=1", finds=0.9), ran(tmp_path, "seed=2", finds=0.8)
    row = tmp_path / "rows" / "results" / f"{other}.json"
    path = tmp_path / "cache" / "evaluate" / rows.load_row(row)["evaluate_key"] / "matches.npz"
    content = path.read_bytes()
    path.write_bytes(content.replace(b"outcome", b"outcomf"))  # a whole archive still, but not the one written
    _, wrong = compared(capsys, 2, one, other, f"results_dir={tmp_path}")
    assert f"StoreError: {path}: is gone, damaged or of an earlier version; give the command of that row" in wrong
    path.write_bytes(content)
    compared(capsys, 0, one, other, f"results_dir={tmp_path}")
    row.write_text(200_000 * "[")
    _, wrong = compared(capsys, 2, one, other, f"results_dir={tmp_path}")
    assert f"StoreError: {row}: is no JSON" in wrong


def test_of_a_run_in_two_tables_the_row_that_is_ok_counts(runs, capsys):
    folder, names = runs
    row = rows.load_row(folder / "rows" / "results" / f"{names['good']}.json")
    stale = folder / "rows" / "zz" / f"{names['good']}.json"
    for table in ("aa", "zz"):
        rows.save(folder / "rows" / table, {**row, "status": "failed", "reason": "out of memory"})
    compared(capsys, 0, names["good"], names["poor"], f"results_dir={folder}")
    stale.write_text("{}")
    _, wrong = compared(capsys, 2, names["good"], names["poor"], f"results_dir={folder}")
    assert f"{stale}: is no row of {names['good']}" in wrong
    stale.unlink()
    (folder / "rows" / "aa" / stale.name).unlink()


def test_a_folder_of_results_that_is_none_is_named(tmp_path, capsys):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "gone", tmp_path / "file"):
        _, wrong = compared(capsys, 2, "aa", "bb", f"results_dir={folder}")
        assert f"results_dir={folder}: no such folder" in wrong


def test_options_are_not_abbreviated(capsys):
    with pytest.raises(SystemExit):
        main(["aa", "bb", "--remeas"])
    assert "--remeas" in capsys.readouterr().err


def test_help_and_a_comparison_need_no_torch(runs):
    folder, names = runs
    code = (
        "import sys; from tradeoff.compare import main; "
        f"main(['{names['good']}', '{names['poor']}', 'results_dir={folder}']); assert 'torch' not in sys.modules"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, env=environment)
    command = [sys.executable, "-m", "tradeoff.compare", "--help"]
    ended = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env=environment)
    assert "python -m tradeoff.compare A B" in ended.stdout


def test_two_tables_tell_what_moved(tmp_path, capsys):
    one, other = (written(tmp_path / name, [made("a", params=params)]) for name, params in (("x", 9), ("y", 8)))
    out, _ = compared(capsys, 0, str(one), str(other))
    told = json.loads(out.splitlines()[-1])
    assert (told["matched"], told["columns"]["params"]["better"]) == (1, 1)
    assert "params 9 -> 8 (-1), better" in out
    upper = one.rename(one.with_suffix(".CSV"))
    out, _ = compared(capsys, 0, str(upper), str(other))
    assert json.loads(out.splitlines()[-1])["matched"] == 1
    # both cost 30 ms of the 33 ms of the reference, 1.1 times the dearest: a share of 1 / 11
    assert "0.0909 against 0.0909; both together 0.0909" in " ".join(out.split())
    assert told["hypervolume"].startswith("hypervolume, as a share of the box up to the reference (time_ms 33 ms")


def test_where_tables_cover_cannot_be_said_the_reason_is(tmp_path, capsys):
    rows = {"x": made("a"), "y": made("b", device_name="Raspberry Pi")}
    one, other = (written(tmp_path / name, [row]) for name, row in rows.items())
    out, _ = compared(capsys, 0, str(one), str(other))
    told = json.loads(out.splitlines()[-1])["hypervolume"]
    assert told.startswith("hypervolume: not said; the studies cannot be compared; they differ in device_name")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["{one}", "3f2a"], "3f2a: expected a table as well"),
        (["{one}", "{one}", "table=x"], "table=x: says where runs are"),
        (["{one}", "gone.csv"], "gone.csv: no such table"),
        (["{one}"], "got 1 runs"),
    ],
)
def test_tables_that_cannot_be_compared_are_refused(words, told, tmp_path, capsys):
    path = written(tmp_path, [made("a")])
    out, wrong = compared(capsys, 2, *(word.format(one=path) for word in words))
    assert out == ""
    assert told in wrong
