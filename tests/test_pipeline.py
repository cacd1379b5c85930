"""Planning: shared stages, skipped cells, failures that stay where they are."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.processes import alive, family, until
from tradeoff import pipeline
from tradeoff.analysis import figures
from tradeoff.core import rows, worker
from tradeoff.core.digest import digest
from tradeoff.core.machine import Machine
from tradeoff.core.progress import Progress
from tradeoff.core.store import compute
from tradeoff.recipes.stages import UNTRAINED, Computation, is_doubtful
from tradeoff.run import enumerate_cells, places
from tradeoff.runner import Places, Runner, run_id, trainings

ROOT = Path(__file__).parents[1]
CPU = Machine("cpu", "a CPU", "2.15", "0.30")
OTHER = Machine("cpu", "another CPU", "2.15", "0.30")


def cells(*words):
    return [cell for cell, _ in enumerate_cells(list(words))]


def test_proposals_share_a_training_and_nothing_else():
    found = [c.stages(CPU) for c in cells("-m", "proposals=10,50,300", "train.minutes=null")]
    assert len({digest(stages.train) for stages in found}) == 1
    assert len({digest(stages.predict) for stages in found}) == 3
    assert len({run_id(stages) for stages in found}) == 3


def test_the_batch_size_changes_the_measurement_alone():
    one, eight = (c.stages(CPU) for c in cells("-m", "batch_size=1,8"))
    assert one.evaluate == eight.evaluate
    assert digest(one.measure) != digest(eight.measure)


def test_how_much_is_scored_or_timed_does_not_retrain():
    (base,) = cells()
    (other,) = cells("evaluate.images=7", "measure.max_s=1", "data.val_seed=5")
    assert digest(base.stages(CPU).train) == digest(other.stages(CPU).train)
    assert digest(base.stages(CPU).predict) != digest(other.stages(CPU).predict)


def test_a_limit_in_minutes_makes_a_training_a_fact_of_its_machine():
    (timed,) = cells("train.minutes=1")
    (counted,) = cells("train.minutes=null")
    assert digest(timed.stages(CPU).train) != digest(timed.stages(OTHER).train)
    assert digest(counted.stages(CPU).train) == digest(counted.stages(OTHER).train)
    assert digest(counted.stages(CPU).measure) != digest(counted.stages(OTHER).measure)


@pytest.mark.parametrize(
    "word", ["seed=1", "size=320", "train.steps=3", "extractor=tiny", "meta_arch=rfcn", "stride=8"]
)
def test_what_changes_the_weights_retrains(word):
    (base,), (other,) = cells(), cells(word)
    assert digest(base.stages(CPU).train) != digest(other.stages(CPU).train)


def test_an_untrained_cell_is_not_scored():
    (cell,) = cells("train=none")
    stages = cell.stages(CPU)
    assert stages.predict is None
    assert stages.evaluate is None
    assert cell.words()["weights"] == "random"


def test_single_stage_cells_that_differ_in_proposals_are_one():
    found = cells("-m", "meta_arch=ssd", "proposals=10,300", "stride=8,16")
    assert len({run_id(c.stages(CPU)) for c in found}) == 1


def test_names_and_overrides_are_no_part_of_a_key():
    (cell,) = cells()
    renamed = replace(cell, overrides=("a=b",), names=replace(cell.names, data="elsewhere"))
    assert run_id(renamed.stages(CPU)) == run_id(cell.stages(CPU))


UNCUT = ["-m", "extractor=timm", "extractor.model=vit_tiny_patch16_224", "size=64", "proposals=5,10", "train=none"]


@pytest.mark.parametrize("together", [False, True], ids=["in turn", "beside others"])
def test_what_only_building_shows_not_to_go_together_is_skipped_and_tried_once(tmp_path, together):
    """A plain ViT has one stride, so its last stage is no tail of stride 2; no recipe knows that of a timm model."""
    planned = [(cell, cell.stages(CPU)) for cell in cells(*UNCUT)]
    runner = Runner(Places(device="cpu", results_dir=tmp_path), CPU, Progress(len(planned)))
    with patch.object(worker, "call", wraps=worker.call) as calls:
        if together:
            runner.train_together(trainings(planned))
        found = [runner.row(cell, stages) for cell, stages in planned]
    assert [row["status"] for row in found] == ["skipped", "skipped"]
    assert all("vit_tiny" in row["reason"] and "extractor.tail_stride" in row["reason"] for row in found)
    assert calls.call_count == 1  # the two share a training


@pytest.mark.parametrize("count", [1, 2])
def test_a_single_cell_that_cannot_be_built_is_a_wrong_combination(tmp_path, capfd, count):
    words = ["extractor=timm", "extractor.model=vit_tiny_patch16_224", "size=64", "train=none"]
    planned = cells("-m", *words, "seed=" + ",".join(map(str, range(count))))
    code = pipeline.run(planned, Places(device="cpu", results_dir=tmp_path))
    assert code == (2 if count == 1 else 0)
    told = capfd.readouterr()
    assert json.loads(told.out.strip().splitlines()[-1])["skipped"] == count
    assert ("extractor.tail_stride" in told.err) == (count == 1)


SWEEP = ["-m", "meta_arch=ssd,rfcn", "extractor=tiny", "size=64,96", "train=smoke", "train.steps=12", "proposals=5"]
SWEEP += ["measure.max_s=0.5", "measure.images=2", "evaluate.images=2", "train.checkpoint_s=0", "seed=3"]


def start(folder):
    command = [sys.executable, "-m", "tradeoff.run", *SWEEP]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **quiet)


def test_a_sweep_killed_five_times_ends_with_every_cell_once_and_no_orphan(tmp_path):
    seen = set()
    for wait_s in (4, 5, 6, 7, 8):
        process = start(tmp_path)
        time.sleep(wait_s)
        tree = family(process.pid)
        seen |= tree
        for pid in tree:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.communicate()
    process = start(tmp_path)
    out, _ = process.communicate(timeout=240)
    told = json.loads(out.strip().splitlines()[-1])
    assert process.returncode == 0
    assert (told["ok"], told["failed"], told["skipped"]) == (4, 0, 0)
    table = rows.read_csv(tmp_path / "results" / "results.csv")
    assert len({row["run_id"] for row in table}) == len(table) == 4
    until(lambda: not any(alive(pid) for pid in seen), 10)


class Bench:
    """Stands in for the children: stages take no time, and a measurement says what it is told to say."""

    def __init__(self):
        self.computed, self.reasons = [], ""

    def call(self, target, stage, context, again, *, report):
        self.computed.append(stage.NAME)
        told = {"trusted": not self.reasons, "reasons": self.reasons, "latency_ms_p50": float(len(self.computed))}
        with patch.object(Computation, "run", return_value=told if stage.NAME == "measure" else {}):
            return compute(stage, context, report, again=again)

    def run(self, folder, capfd, again, reasons=""):
        """Run two cells that share a measurement; return what was computed, printed, and the times of the rows."""
        self.computed, self.reasons = [], reasons
        planned = cells("-m", "extractor=tiny", "size=64", "metric.score_threshold=0.4,0.5")
        with patch.object(worker, "call", self.call), patch.object(figures, "draw", return_value=[]):
            pipeline.run(planned, Places(device="cpu", results_dir=folder, again=again))
        times = [row["latency_ms_p50"] for row in rows.load(folder / "rows/results")]
        return self.computed, capfd.readouterr().out, times


def test_what_is_not_trusted_is_measured_again_when_asked_for_and_nothing_else_is(tmp_path, capfd):
    bench = Bench()
    computed, told, times = bench.run(tmp_path, capfd, again=False, reasons="other programs; run again")
    assert computed == ["train", "predict", "evaluate", "measure", "evaluate"]
    assert times == [4.0, 4.0]
    assert "2 of 2 rows not trusted, `reasons` says why; the same command with again=true measures 2 of them" in told
    assert bench.run(tmp_path, capfd, again=False)[0] == []
    computed, _, times = bench.run(tmp_path, capfd, again=True, reasons="still other programs")
    assert (computed, times) == (["measure"], [1.0, 1.0])  # once for both, though still not trusted
    computed, told, times = bench.run(tmp_path, capfd, again=True)
    assert (computed, times) == (["measure"], [1.0, 1.0])
    assert "not trusted" not in told
    assert bench.run(tmp_path, capfd, again=True)[0] == []


def test_measuring_again_trains_no_weights():
    row = {"status": "ok", "trusted": False, "reasons": UNTRAINED}
    assert not is_doubtful(row)
    assert pipeline.trust([row]) == "1 of 1 rows not trusted, `reasons` says why.\n"
    assert is_doubtful(row | {"reasons": UNTRAINED + "; other programs"})
    assert pipeline.trust([row | {"trusted": True}]) == ""


def test_the_word_again_is_a_place_and_no_part_of_a_row():
    ((cell, words),) = enumerate_cells(["again=true"])
    assert (words.again, cell.overrides) == (True, ())
    assert places([(cell, words)]).again
