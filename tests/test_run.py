"""The command: what it accepts, how it refuses, what it leaves behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def command(*words, cwd, timeout=300):
    return subprocess.run(
        [sys.executable, "-m", "tradeoff.run", *words],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sizee=300"], ["sizee", "did you mean 'size'"]),
        (["size=0"], ["size=0", "from 32 to 4096"]),
        (["proposals=0"], ["proposals=0", "from 1 to 5000"]),
        (["stride=7"], ["stride=7", "8, 16"]),
        (["extractor=resnet10l"], ["extractor=resnet10l", "resnet101", "mobilenet"]),
        (["data=coco"], ["data.root", "required"]),
        (["size=nan"], ["size=nan"]),
        (["train.stepz=3"], ["train.stepz", "did you mean 'steps'"]),
        (["extractor=mobilenet", "extractor.width=-1"], ["extractor.width=-1"]),
        (["extractor.width=0.5"], ["extractor.width"]),
        (["device=gpu"], ["device='gpu'", "cuda:N"]),
        (["table=../x"], ["table='../x'"]),
        (["+foo=1", "size=0"], ["+foo=1", "size=0", "2 faults"]),
        (["+inference.proposals=7"], ["+inference.proposals=7"]),
        (["extractor=null"], ["extractor=None", "mobilenet"]),
        (["-m", "size=glob(*)"], ["size=glob(*)"]),
        (["-m", "size=interval(32,100)"], ["size=interval(32,100)"]),
        (["results_dir="], ["results_dir"]),
        (["--cfg", "job"], ["--cfg: no such flag", "-m and --help"]),
        (["data.foo=1", "data.objectz=5", "sizee=3"], ["data.foo", "did you mean 'objects'", "sizee", "3 faults"]),
        (["-m", "data=coco", "meta_arch=ssd,rfcn", "size=0,300"], ["data.root", "size=0", "2 faults"]),
        (["sweeps=huang2017", "size=0"], ["data.root", "size=0", "2 faults"]),
        (["sweeps=null"], ["sweeps=None", "quickstart"]),
        (["inference.proposals=20"], ["give proposals=20"]),
        (["hydra.output_subdir=x"], ["hydra.output_subdir"]),
        (["meta_arch=rfcn", "extractor=mobilenet", "meta_arch.bins=5"], ["crop=12", "bins=5"]),
        (["size=0", "-m"], ["size=0"]),
        (
            ["meta_arch.anchor_scales=[]", "meta_arch.anchor_ratios=[]"],
            ["anchor_scales=[]", "at least 1", "2 faults"],
        ),
        (["size=300,600"], ["size", "-m"]),
        (["size=[300"], ["size"]),
        (["extractor=tiny", "extractor.weights=nowhere.pt"], ["extractor.weights", "nowhere.pt"]),
        (
            ["-m", "extractor=resnet10l,mobilenet", "size=0,300", "stride=7", "train=fast"],
            ["resnet10l", "size=0", "stride=7", "train=fast", "4 faults"],
        ),
    ],
)
def test_a_wrong_word_refuses_the_whole_command_at_once(words, told, tmp_path):
    began = time.monotonic()
    ended = command(*words, cwd=tmp_path)
    assert ended.returncode == 2, ended.stderr
    assert all(part in ended.stderr for part in told), ended.stderr
    assert "Traceback" not in ended.stderr
    assert not list(tmp_path.iterdir())
    assert time.monotonic() - began < 10  # 2 s on a quiet machine; the bound here only catches an import of torch


def test_refusing_does_not_import_torch(tmp_path):
    code = (
        "import sys; sys.argv = ['run', 'size=0']\n"
        "from tradeoff import run\n"
        "assert run.main() == 2\n"
        "assert not {'torch', 'pandas', 'matplotlib'} & set(sys.modules), 'heavy import'\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


def test_help_shows_words_choices_and_defaults(tmp_path):
    ended = command("--help", cwd=tmp_path)
    assert ended.returncode == 0
    for word in (
        "meta_arch",
        "ssd",
        "rfcn",
        "extractor",
        "resnet101",
        "[resnet50]",
        "[300]",
        "quickstart",
        "batch_size",
    ):
        assert word in ended.stdout


def test_a_cell_that_cannot_be_combined_is_refused_alone(tmp_path):
    ended = command("extractor=mobilenet", "stride=8", "train=none", cwd=tmp_path)
    assert ended.returncode == 2
    assert "stride=8" in ended.stderr
    assert "16" in ended.stderr


def test_any_folder_will_do(tmp_path):
    folder = tmp_path / "it's my study (1), b"
    folder.mkdir()
    ended = command("extractor=tiny", "stride=8", "meta_arch=ssd", "train.batch_size=1", cwd=folder)
    assert ended.returncode == 2
    assert "train.batch_size=1: SSD needs 2 or more" in ended.stderr


def last_line(ended):
    return json.loads(ended.stdout.strip().splitlines()[-1])


def test_a_sweep_ends_in_a_table_and_figures_and_given_again_does_nothing(tmp_path):
    words = ["-m", "meta_arch=ssd,faster_rcnn", "extractor=tiny", "size=96", "proposals=5,10", "train=smoke"]
    words += ["measure.max_s=1", "evaluate.images=3", "measure.images=3"]
    first = command(*words, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    told = last_line(first)
    assert (told["ok"], told["failed"], told["skipped"]) == (3, 0, 0)  # SSD has no proposals: its two cells are one
    assert (tmp_path / told["table"]).exists()
    assert {Path(path).suffix for path in told["figures"]} == {".png", ".svg"}
    assert len(list((tmp_path / "results/cache/train").glob("*/done.json"))) == 2  # proposals share a training
    assert {path.name for path in tmp_path.iterdir()} == {"results"}  # nothing of Hydra's own
    before = (tmp_path / told["table"]).read_bytes()
    (tmp_path / told["table"]).unlink()  # as if killed between the last row and the table
    again = command(*words, cwd=tmp_path)
    assert last_line(again) == told
    assert (tmp_path / told["table"]).read_bytes() == before


def test_a_failing_cell_is_a_row_and_the_others_go_on(tmp_path):
    words = ["-m", "extractor=tiny,mobilenet", "meta_arch=faster_rcnn,rfcn", "stride=8,16", "size=64", "train=smoke"]
    words += ["train.learning_rate=1e30", "measure.max_s=0.5", "measure.images=2", "evaluate.images=2", "proposals=5"]
    words += ["extractor.strides=[16]", "train.steps=4", "train.clip_norm=null"]
    ended = command(*words, cwd=tmp_path)
    assert ended.returncode == 1, ended.stderr
    told = last_line(ended)
    assert told["skipped"] == 4
    assert told["failed"] == 4
    assert "diverged" in ended.stdout.lower() or "TrainingDiverged" in ended.stdout
