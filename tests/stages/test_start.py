"""Fine-tuning: what fits is taken, what does not is new and told; the key holds the content of the file."""

import json
import shutil
from dataclasses import replace

import pytest
import safetensors.torch
import torch

from tests.stages.test_train import CPU, WORDS, stage_of, weights
from tradeoff.core import rows
from tradeoff.core.digest import digest, file_sha256
from tradeoff.core.errors import ConfigError, WeightsError
from tradeoff.core.store import Context, Store, fetch
from tradeoff.extractors import state
from tradeoff.run import enumerate_cells
from tradeoff.stages import start
from tradeoff.stages.network import build
from tradeoff.stages.train import Trainer


@pytest.fixture(scope="module")
def earlier(tmp_path_factory):
    """Train a detector in a results folder that has its row; return the folder, the run_id and the stage."""
    folder = tmp_path_factory.mktemp("results")
    stage = stage_of("meta_arch=ssd", "seed=5")
    store = Store(folder)
    told = fetch(stage, Context(store))
    row = {"run_id": "ab12cd34ef56", "status": "ok", "label": "SSD tiny", "train_key": digest(stage)}
    rows.save(folder / "rows" / "results", row | {"train_steps": told["train_steps"]})
    return folder, row["run_id"], stage


def cell_of(*words):
    ((cell, _),) = enumerate_cells([*WORDS, "meta_arch=ssd", *words])
    return cell


def from_run(earlier, *words):
    folder, run_id, _ = earlier
    return cell_of(f"results_dir={folder}", f"train.weights=run:{run_id[:6]}", *words)


def started(cell, folder):
    folder.mkdir(exist_ok=True)
    return Trainer(cell.stages(CPU).train, folder, Context(Store(folder)))


def test_a_run_gives_all_its_weights_to_its_like(earlier, tmp_path):
    folder, run_id, stage = earlier
    cell = from_run(earlier)
    trainer = started(cell, tmp_path)
    given, found = weights(Store(folder), stage), trainer.detector.state_dict()
    assert all(torch.equal(found[name], given[name]) for name in found)
    assert cell.words()["weights"] == f"run:{run_id}"
    assert str(trainer.taken) == f"{len(given)} tensors taken"


def test_the_column_tells_what_was_taken_and_training_goes_on_from_there(earlier, tmp_path):
    told = fetch(from_run(earlier).stages(CPU).train, Context(Store(tmp_path)))
    assert told["weights_taken"].endswith("tensors taken")
    assert told["train_steps"] == 2
    rows.checked({"run_id": "a", **told})  # the row has such columns


def fewer_classes(monkeypatch, count=3):
    """Let the data set have fewer classes than the six of the earlier run."""
    from tradeoff.data.shapes import ShapesDataset

    prepare, example = ShapesDataset.__init__, ShapesDataset.example

    def prepared(self, **options):
        prepare(self, **options)
        self.classes = self.classes[:count]

    def remapped(self, index):
        found = example(self, index)
        return replace(found, labels=found.labels % count)

    monkeypatch.setattr(ShapesDataset, "__init__", prepared)
    monkeypatch.setattr(ShapesDataset, "example", remapped)


def test_heads_of_another_number_of_classes_are_new_and_told(earlier, tmp_path, monkeypatch):
    folder, _, stage = earlier
    cell = from_run(earlier)
    fewer_classes(monkeypatch)
    trainer = started(cell, tmp_path)
    given, found = weights(Store(folder), stage), trainer.detector.state_dict()
    heads = {name for name in found if name.startswith("logits.")}
    assert trainer.classes == 3
    assert {name for name in found if found[name].shape != given[name].shape} == heads
    fresh = build(cell.stages(CPU).train, 3).state_dict()
    assert all(torch.equal(found[name], (fresh if name in heads else given)[name]) for name in found)
    told = json.loads((tmp_path / "taken.json").read_text())
    assert set(told["new"]) == set(told["left"]) == heads
    assert set(told["taken"]) == set(found) - heads
    assert f"{len(heads)} new: logits.0.weight" in str(trainer.taken)
    trainer.update(next(trainer.batches()))


@pytest.mark.parametrize("form", ["weights.pt", "plain.pt", "state_dict.pt", "plain.safetensors"])
def test_a_file_of_any_form_is_read(earlier, tmp_path, form):
    folder, _, stage = earlier
    state, path = weights(Store(folder), stage), tmp_path / form
    if form == "weights.pt":
        shutil.copy(Store(folder).folder(stage) / "weights.pt", path)
    elif form == "plain.safetensors":
        safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in state.items()}, path)
    else:
        torch.save(state if form == "plain.pt" else {"state_dict": state, "epoch": 3}, path)
    cell = cell_of(f"train.weights={path}")
    found = started(cell, tmp_path / "run").detector.state_dict()
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert cell.words()["weights"] == f"file:{file_sha256(path)[:12]}"


def test_the_key_holds_the_content_and_not_the_path(earlier, tmp_path):
    folder, _, stage = earlier
    original, other = Store(folder).folder(stage) / "weights.pt", tmp_path / "elsewhere.pt"
    shutil.copy(original, other)

    def key(cell):
        return digest(cell.stages(CPU).train)

    by_run, by_file = from_run(earlier), cell_of(f"train.weights={other}")
    assert key(by_run) == key(by_file)
    assert key(by_file) != key(cell_of())
    content = torch.load(other)
    content["detector"]["logits.0.bias"] += 1
    torch.save(content, other)
    assert key(cell_of(f"train.weights={other}")) != key(by_file)


def test_another_extractor_takes_nothing_and_is_refused(earlier, tmp_path):
    cell = from_run(earlier, "meta_arch=ssd", "extractor=mobilenet", "extractor.width=0.25")
    with pytest.raises(WeightsError, match=r"nothing in common.*extractor\.weights"):
        started(cell, tmp_path)


def test_another_meta_architecture_takes_the_extractor(earlier, tmp_path):
    trainer = started(from_run(earlier, "meta_arch=rfcn"), tmp_path)
    assert trainer.taken.taken
    assert all(name.startswith("extractor.") for name in trainer.taken.taken)
    assert any(name.startswith("rpn.") for name in trainer.taken.new)


def test_a_file_that_changes_after_planning_is_refused(earlier, tmp_path):
    folder, _, stage = earlier
    path = tmp_path / "w.pt"
    shutil.copy(Store(folder).folder(stage) / "weights.pt", path)
    cell = cell_of(f"train.weights={path}")
    torch.save(weights(Store(folder), stage), path)
    with pytest.raises(WeightsError, match="has changed since the command began"):
        started(cell, tmp_path / "run")


@pytest.mark.parametrize("content", [b"no weights", None])
def test_a_file_that_holds_no_weights_is_refused(tmp_path, content):
    path = tmp_path / "odd.pt"
    path.write_bytes(content) if content else torch.save([1, 2], path)
    with pytest.raises(WeightsError, match=r"odd\.pt: (cannot be read as weights|expected a state dict)"):
        started(cell_of(f"train.weights={path}"), tmp_path / "run")


def faulty(*words):
    with pytest.raises(ConfigError) as refused:
        cell_of(*words)
    return str(refused.value)


def test_a_run_that_is_not_there_or_not_meant_alone_is_refused_at_once(earlier, tmp_path):
    folder, run_id, stage = earlier
    here = f"results_dir={folder}"
    assert "no such file" in faulty("train.weights=nowhere.pt")
    assert "no such run" in faulty(here, "train.weights=run:ffff")
    assert "digits and a to f" in faulty(here, "train.weights=run:")
    store = tmp_path / "rows" / "results"
    row = {"run_id": run_id, "status": "ok", "label": "one", "train_key": digest(stage), "train_steps": 2}
    rows.save(store, row | {"train_steps": None})
    elsewhere = f"results_dir={tmp_path}"
    assert "was not trained" in faulty(elsewhere, f"train.weights=run:{run_id}")
    rows.save(store, row)
    assert "is gone" in faulty(elsewhere, f"train.weights=run:{run_id}")
    rows.save(store, row | {"run_id": "ab99", "train_key": "0" * 12})
    told = faulty(elsewhere, "train.weights=run:ab")
    assert "several trainings" in told
    assert "ab99" in told
    assert run_id in told


def test_rows_that_share_a_training_are_one(earlier, tmp_path):
    folder, _, stage = earlier
    copied = tmp_path / "results"
    shutil.copytree(folder, copied)
    rows.save(
        copied / "rows" / "other",
        {"run_id": "ab12ffffffff", "status": "ok", "train_key": digest(stage), "train_steps": 2},
    )
    cell = cell_of(f"results_dir={copied}", "train.weights=run:ab12")
    assert cell.start.sha256 == from_run(earlier).start.sha256


def test_loaded_weights_can_be_kept(earlier, tmp_path):
    from_run(earlier, "train.freeze_extractor=true").check_combination()
    trainer = started(from_run(earlier, "train.freeze_extractor=true"), tmp_path)
    assert not any(parameter.requires_grad for parameter in trainer.detector.extractor.parameters())


def test_an_untrained_cell_is_timed_with_the_weights_that_it_is_given(earlier, tmp_path):
    folder, _, stage = earlier
    cell = from_run(earlier, "train=none")
    store = Store(tmp_path)
    told = fetch(cell.stages(CPU).train, Context(store))
    assert set(told) == {"weights_taken"}
    found = weights(store, cell.stages(CPU).train)
    assert all(torch.equal(found[name], tensor) for name, tensor in weights(Store(folder), stage).items())


def test_weights_can_be_swept_like_any_word(earlier):
    folder, run_id, _ = earlier
    words = ["-m", *WORDS, "meta_arch=ssd", f"results_dir={folder}", f"train.weights=null,run:{run_id}"]
    cells = [cell for cell, _ in enumerate_cells(words)]
    assert [cell.words()["weights"] for cell in cells] == ["scratch", f"run:{run_id}"]
    assert f"train.weights=run:{run_id}" in cells[1].overrides


def test_weights_that_are_not_there_are_told_with_all_other_faults(tmp_path):
    told = faulty(f"results_dir={tmp_path}", "train.weights=run:ffff", "size=0")
    assert "no such run" in told
    assert "size=0" in told


@pytest.fixture(params=["train.weights", "extractor.weights"])
def reader(request):
    """Return what reads a file, for a whole detector and for a backbone."""
    return {"train.weights": start.read, "extractor.weights": state.read}[request.param]


def test_a_file_with_a_changed_byte_is_refused(reader, tmp_path):
    path = tmp_path / "w.pt"
    torch.save({"a.weight": torch.ones(1000)}, path)
    content = bytearray(path.read_bytes())
    content[content.index(torch.ones(8).numpy().tobytes()) + 100] ^= 64
    path.write_bytes(content)
    assert not torch.equal(torch.load(path)["a.weight"], torch.ones(1000))  # torch says nothing
    with pytest.raises(WeightsError, match=r"w\.pt: damaged at .*data/0"):
        reader(path)


@pytest.mark.parametrize("form", ["w.pt", "w.safetensors"])
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_weights_that_are_no_numbers_are_refused(reader, tmp_path, form, value):
    path, tensors = tmp_path / form, {"a.weight": torch.ones(3), "b.weight": torch.tensor([1.0, value])}
    torch.save(tensors, path) if form == "w.pt" else safetensors.torch.save_file(tensors, path)
    with pytest.raises(WeightsError, match=rf"{form}: not finite in b\.weight"):
        reader(path)


def test_a_whole_detector_is_no_backbone(earlier):
    folder, _, stage = earlier
    with pytest.raises(WeightsError, match=r"whole detector.*train\.weights"):
        state.read(Store(folder).folder(stage) / "weights.pt")
