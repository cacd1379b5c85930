"""The commands on a CUDA device, each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tradeoff.core.tables import read_csv

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
ROOT = Path(__file__).parents[2]


def answer(module, *words, cwd):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", module, *words]
    ended = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return json.loads(ended.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Return a folder in which a study of two detectors was run, and what the command told."""
    folder = tmp_path_factory.mktemp("study")
    words = ["extractor=tiny", "size=96", "train=none", "proposals=20", "measure.max_s=2", "device=cuda"]
    return folder, answer("tradeoff.run", "-m", "meta_arch=ssd,faster_rcnn", *words, cwd=folder)


def test_a_study_runs_on_the_gpu(study):
    folder, told = study
    assert (told["ok"], told["failed"], told["skipped"]) == (2, 0, 0)
    rows = read_csv(folder / told["table"])
    assert {row["device"] for row in rows} == {"cuda"}
    assert {row["device_name"] for row in rows} == {torch.cuda.get_device_name(0)}
    assert all(0 < row["gpu_ms_p50"] <= row["latency_ms_p50"] * 1.1 for row in rows)


def test_two_of_its_runs_are_timed_by_turns_on_the_gpu(study):
    folder, told = study
    runs = {row["meta_arch"]: row for row in read_csv(folder / told["table"])}
    one, other = runs["ssd"], runs["faster_rcnn"]
    compared = answer("tradeoff.compare", one["run_id"], other["run_id"], "--remeasure", "max_s=10", cwd=folder)
    assert compared["device_name"] == torch.cuda.get_device_name(0)
    assert compared["ratio_low"] <= compared["ratio"] <= compared["ratio_high"]
    assert compared["ratio"] == pytest.approx(one["latency_ms_p50"] / other["latency_ms_p50"], rel=0.3)
    assert Path(folder / compared["samples"]).is_file()
