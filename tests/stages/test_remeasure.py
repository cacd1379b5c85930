"""Two runs by turns: what is refused, what is told, and a verdict at the end."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from tests.probes.fakes import FakeClock
from tradeoff import compare, recall, remeasure
from tradeoff.core import rows
from tradeoff.core.errors import ConfigError
from tradeoff.core.machine import Machine, detect
from tradeoff.core.store import Context, Store, fetch
from tradeoff.probes import paired
from tradeoff.run import enumerate_cells
from tradeoff.runner import identity
from tradeoff.stages import remeasure as stage

WORDS = ["extractor=tiny", "size=64", "train=none", "measure.images=2", "proposals=5"]
COLUMNS = ("train_key", "predict_key", "evaluate_key", "measure_key")
ELSEWHERE = Machine("cpu", "a CPU far away", "2.15", "0.30")


def add(folder, *words: str, machine: Machine = ELSEWHERE) -> dict:
    """Make the weights and the row of a run, as a sweep leaves them."""
    ((cell, _),) = enumerate_cells([*WORDS, *words])
    stages = cell.stages(machine)
    fetch(stages.train, Context(Store(folder)))
    row = rows.checked(identity(cell, stages, machine) | {"status": "ok"})
    rows.save(folder / "rows" / "results", row)
    return row


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    ssd = add(folder, "meta_arch=ssd")
    rfcn = add(folder, "meta_arch=rfcn", "precision=bf16", "measure.max_s=2")
    return folder, ssd, rfcn


def test_the_words_of_a_row_make_its_stages_again(runs):
    folder, _, rfcn = runs
    stages = recall.stages_of(rfcn, folder)
    assert stages.keys() == {name: rfcn[name] for name in COLUMNS}
    assert stages.measure.inference.precision == "bf16"
    assert stages.measure.measuring.max_s == 2


def test_a_training_with_a_limit_in_minutes_is_found_by_its_machine_and_share(tmp_path):
    ((cell, _),) = enumerate_cells(["extractor=tiny", "meta_arch=ssd", "train=quick", "train.minutes=1"])
    stages = cell.stages(ELSEWHERE, 3)
    row = rows.checked(identity(cell, stages, ELSEWHERE) | {"status": "ok"})
    assert recall.rebuilt(row, tmp_path) == stages
    assert recall.rebuilt(row | {"device_name": "another"}, tmp_path) is None


def test_values_with_blanks_stay_whole():
    row = dict.fromkeys(rows.checked({})) | {"size": 64, "overrides": "data.root=/my photos/a b measure.max_s=1"}
    assert recall.words(row) == ["size=64", "data.root=/my photos/a b", "measure.max_s=1"]


def test_what_cannot_be_recalled_says_why(runs, tmp_path):
    folder, ssd, _ = runs
    with pytest.raises(ConfigError, match=r"failed \(out of memory\); give a run that has a detector"):
        recall.stages_of(ssd | {"status": "failed", "reason": "out of memory"}, folder)
    with pytest.raises(ConfigError, match="its words mean another detector today"):
        recall.stages_of(ssd | {"train_key": "0123456789ab"}, folder)
    with pytest.raises(ConfigError, match="are gone or damaged; run its command again"):
        recall.stages_of(ssd, tmp_path)


def test_times_that_make_no_sense_side_by_side_are_refused(runs):
    _, ssd, rfcn = runs
    with pytest.raises(ConfigError) as told:
        remeasure.refuse(ssd | {"batch_size": 8, "data": "coco"}, rfcn)
    assert [fault.partition(";")[0] for fault in told.value.faults] == [
        "data: coco and shapes",
        "batch_size: 8 and 1",
    ]
    with pytest.raises(ConfigError, match="device: cuda and cpu; say where to time both"):
        remeasure.device_of(ssd | {"device": "cuda"}, rfcn)


def test_what_differs_besides_the_detectors_is_told(runs):
    _, ssd, rfcn = runs
    here = Machine("cpu", "this CPU", "2.15", "0.30")
    notes = remeasure.differences(ssd, rfcn, here)
    assert notes[0] == "precision differs: fp32 and bf16"
    assert notes[-1] == "their rows are from a CPU far away; both are timed on this machine, this CPU"
    assert remeasure.differences(ssd, ssd, ELSEWHERE) == []
    other = add_split(runs, 1)
    assert remeasure.images(*other) == ["their rows were timed on different images; both take those of A"]


def add_split(runs, count):
    folder, ssd, _ = runs
    measure = recall.stages_of(ssd, folder).measure
    return measure, replace(measure, split=replace(measure.split, images=count))


def test_the_command_times_both_in_a_child_and_ends_with_json(runs, capfd):
    folder, ssd, rfcn = runs
    words = [rfcn["run_id"][:8], ssd["run_id"][:8], f"results_dir={folder}"]
    assert compare.main([words[0], "--remeasure", *words[1:], "max_s=0.2", "zone_pct=5"]) == 0
    told = capfd.readouterr().out.strip().splitlines()
    answer = json.loads(told[-1])
    assert (answer["a"], answer["b"]) == (rfcn["run_id"], ssd["run_id"])
    assert answer["ratio_low"] <= answer["ratio"] <= answer["ratio_high"]
    assert answer["verdict"] == paired.judge(answer["ratio_low"], answer["ratio_high"], 0.05)
    assert answer["device_name"] == detect("cpu").device_name
    assert any("not trained" in reason for reason in answer["reasons"])
    assert "state" not in answer
    kept = json.loads(Path(answer["samples"]).read_text())
    assert len(kept["rounds_ms"]) == len(kept["orders"]) == answer["rounds"] >= 10
    assert set(kept["orders"]) <= {"AB", "BA"}
    assert kept["state"]["cpu"]["seconds"] > 0.2
    assert told[0].startswith(f"A  {rfcn['run_id']}")
    assert any(line.startswith("note: precision differs") for line in told)


@pytest.mark.parametrize("word", ["max_s=1e9", "zone_pct=inf"])
def test_the_most_that_a_number_may_be_is_said(runs, capfd, word):
    folder, ssd, rfcn = runs
    assert compare.main([ssd["run_id"], rfcn["run_id"], "--remeasure", f"results_dir={folder}", word]) == 2
    assert "expected a number above 0 and below 1,000,000" in capfd.readouterr().err


def test_bursts_are_told_to_be_timed_back_to_back(runs):
    _, ssd, _ = runs
    bursts = ssd | {"latency_mode": "burst"}
    alike = remeasure.differences(bursts, bursts, ELSEWHERE)
    assert alike == ["latency_mode=burst leaves a gap before each call; here calls follow each other without one"]
    notes = remeasure.differences(bursts, ssd | {"latency_mode": "sustained"}, ELSEWHERE)
    assert notes == ["latency_mode differs: burst and sustained", *alike]


@pytest.mark.parametrize("word", ["max_s=0", "zone_pct=nan", "max_s=soon"])
def test_a_word_that_is_no_number_is_refused(runs, capfd, word):
    folder, ssd, rfcn = runs
    assert compare.main([ssd["run_id"], rfcn["run_id"], "--remeasure", f"results_dir={folder}", word]) == 2
    assert word.partition("=")[0] in capfd.readouterr().err


def test_a_word_of_timing_is_refused_where_nothing_is_timed(runs, capfd):
    folder, ssd, rfcn = runs
    assert compare.main([ssd["run_id"], rfcn["run_id"], f"results_dir={folder}", "max_s=5"]) == 2
    assert "max_s: is for --remeasure" in capfd.readouterr().err


class Detectors:
    """Stand-ins for both detectors on a clock of their own: 4 ms in fp32, 5 ms in bf16."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.seen = FakeClock(), []
        monkeypatch.setattr(stage.Subject, "build", lambda subject: self.detector(subject.stage.inference.precision))
        compared = partial(paired.compare, clock_ns=self.clock)
        monkeypatch.setattr(stage, "compare", compared)

    def detector(self, precision: str):
        def detect(batch):
            self.seen.append((precision, torch.mm(torch.ones(1, 1), torch.ones(1, 1)).dtype, len(batch)))
            self.clock.advance(4.0 if precision == "fp32" else 5.0)

        return detect


def told_of(a, b, folder, max_s: float = 1.0) -> dict:
    return stage.run(a, b, 0.01, max_s, Context(Store(folder)), lambda done, total, unit: None)


def test_the_ratio_is_of_a_to_b_and_each_runs_in_its_own_precision(runs, monkeypatch: pytest.MonkeyPatch):
    folder, ssd, rfcn = runs
    detectors = Detectors(monkeypatch)
    a, b = (recall.stages_of(row, folder).measure for row in (rfcn, ssd))
    told = told_of(a, b, folder)
    assert told["ratio"] == pytest.approx(1.25)
    assert told["verdict"] == "SLOW"
    assert (told["a_ms_p50"], told["b_ms_p50"]) == (5.0, 4.0)
    assert told["rounds_ms"][0] == [5.0, 4.0]
    assert told["images"] == 2
    assert set(detectors.seen) == {("fp32", torch.float32, 1), ("bf16", torch.bfloat16, 1)}


def test_images_are_those_that_were_taken(runs, monkeypatch: pytest.MonkeyPatch):
    folder, *rows_ = runs
    Detectors(monkeypatch)
    b, a = (recall.stages_of(row, folder).measure for row in rows_)
    told = told_of(replace(a, split=replace(a.split, images=16)), b, folder, max_s=0.1)  # of rounds of 9 ms
    assert (told["rounds"], told["images"]) == (12, 12)
    assert "only 12 of 16 inputs were taken; give it more time, or fewer inputs" in told["reasons"]


def test_what_disturbs_the_machine_is_doubted_and_kept(runs, monkeypatch: pytest.MonkeyPatch):
    folder, ssd, rfcn = runs
    Detectors(monkeypatch)

    class Disturbed(stage.StateWatch):
        def __exit__(self, *error):
            super().__exit__(*error)
            self.state = replace(self.state, cpu=replace(self.state.cpu, others_pct=60.0))

    monkeypatch.setattr(stage, "StateWatch", Disturbed)
    told = told_of(*(recall.stages_of(row, folder).measure for row in (rfcn, ssd)), folder)
    assert any("other programs took 60 % of" in reason for reason in told["reasons"])
    assert told["state"]["cpu"]["others_pct"] == 60.0
    json.dumps(told)
