"""Training: a killed one goes on as if nothing had been; limits, schedules and divergence are told."""

from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

import pytest
import torch

from tradeoff.core.errors import CombinationError, TrainingDiverged
from tradeoff.core.machine import Machine
from tradeoff.core.store import Context, Store, fetch
from tradeoff.recipes.stages import Train
from tradeoff.recipes.start import Start
from tradeoff.run import enumerate_cells
from tradeoff.stages.network import build, load
from tradeoff.stages.train import CHECKPOINT, Trainer, frozen

CPU = Machine("cpu", "a CPU", "2.15", "0.30")
WORDS = ["extractor=tiny", "size=64", "train=smoke", "train.batch_size=2", "proposals=5", "train.checkpoint_s=0"]


def stage_of(*words) -> Train:
    ((cell, _),) = enumerate_cells([*WORDS, *words])
    return cell.stages(CPU).train


def weights(store, stage):
    return load(store.folder(stage) / "weights.pt")["detector"]


class Killed(Exception):
    """Stands for kill -9 at a step."""


@contextmanager
def dying_at(step):
    """Kill any training at a step."""
    update = Trainer.update

    def dying(self, batch):
        if self.step == step:
            raise Killed
        update(self, batch)

    with patch.object(Trainer, "update", dying), pytest.raises(Killed):
        yield


@pytest.mark.parametrize("meta_arch", ["ssd", "faster_rcnn", "rfcn"])
def test_a_killed_training_ends_with_the_weights_of_an_uninterrupted_one(tmp_path, meta_arch):
    stage = stage_of(f"meta_arch={meta_arch}", "train.steps=6", "train.momentum=0.9", "train.schedule=cosine")
    whole, broken = Store(tmp_path / "whole"), Store(tmp_path / "broken")
    told = fetch(stage, Context(whole))
    with dying_at(4):
        fetch(stage, Context(broken))
    assert (broken.folder(stage) / CHECKPOINT).exists()
    again = fetch(stage, Context(broken))
    expected, found = weights(whole, stage), weights(broken, stage)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert again["final_loss"] == told["final_loss"]
    assert again["train_steps"] == 6
    assert not (broken.folder(stage) / CHECKPOINT).exists()


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path):
    first, second = Store(tmp_path / "a"), Store(tmp_path / "b")
    stage, other = stage_of("train.steps=2"), stage_of("train.steps=2", "seed=1")
    for store, chosen in ((first, stage), (second, stage), (second, other)):
        fetch(chosen, Context(store))
    one, two, three = weights(first, stage), weights(second, stage), weights(second, other)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(not torch.equal(one[name], three[name]) for name in one)


def test_a_training_ends_by_its_minutes_when_these_are_over_first(tmp_path):
    told = fetch(stage_of("train.steps=100000", "train.minutes=0.02"), Context(Store(tmp_path)))
    assert told["train_stopped_by"] == "minutes"
    assert told["train_s"] >= 1.2
    assert told["train_images"] == 2 * told["train_steps"]
    assert told["train_images_per_s"] == pytest.approx(told["train_images"] / told["train_s"])


def test_a_training_ends_by_its_steps(tmp_path):
    assert fetch(stage_of("train.minutes=5"), Context(Store(tmp_path)))["train_stopped_by"] == "steps"


def test_without_steps_nothing_is_trained_and_nothing_claimed(tmp_path):
    assert fetch(stage_of("train.steps=0"), Context(Store(tmp_path))) == {}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_diverged_training_says_step_parts_and_rate(tmp_path):
    stage = stage_of("train.learning_rate=1e30", "train.clip_norm=null", "train.steps=20", "train.optimizer=sgd")
    with pytest.raises(TrainingDiverged, match=r"step \d+: .*learning_rate=1e\+30"):
        fetch(stage, Context(Store(tmp_path)))


def test_the_schedule_follows_whichever_of_steps_and_minutes_is_further(tmp_path):
    stage = stage_of("train.steps=10", "train.minutes=1")
    trainer = Trainer(stage, tmp_path, Context(Store(tmp_path)))
    trainer.step, trainer.spent_s = 2, 30.0
    assert trainer.fraction() == pytest.approx(0.5)  # 30 s of a minute; 2 of 10 steps are less
    trainer.step = 8
    assert trainer.fraction() == pytest.approx(0.8)


def test_batch_norm_is_frozen_with_loaded_weights_in_two_stage_detectors(tmp_path):
    two_stage, single = stage_of("meta_arch=rfcn"), stage_of("meta_arch=ssd")
    assert not frozen(two_stage)  # from scratch
    loaded = replace(two_stage, extractor=replace(two_stage.extractor, pretrained=True))
    assert frozen(loaded)
    assert frozen(replace(two_stage, start=Start(sha256="0" * 64)))
    assert not frozen(replace(single, extractor=replace(single.extractor, pretrained=True)))
    assert frozen(replace(two_stage, training=replace(two_stage.training, batch_norm="frozen")))


def test_frozen_batch_norm_keeps_its_statistics(tmp_path):
    stage = stage_of("train.steps=2", "train.batch_norm=frozen")
    trainer = Trainer(stage, tmp_path, Context(Store(tmp_path)))
    before = {k: v.clone() for k, v in trainer.detector.extractor.state_dict().items()}
    trainer.train()
    after = trainer.detector.extractor.state_dict()
    statistics = [name for name in before if "running" in name]
    assert statistics
    assert all(torch.equal(before[name], after[name]) for name in statistics)
    assert any(not torch.equal(before[name], after[name]) for name in before if name.endswith("weight"))


@pytest.mark.parametrize("meta_arch", ["ssd", "faster_rcnn", "rfcn"])
def test_a_kept_extractor_does_not_change_and_its_heads_do(tmp_path, meta_arch):
    stage = stage_of(f"meta_arch={meta_arch}", "train.steps=2", "train.freeze_extractor=true")
    trainer = Trainer(stage, tmp_path, Context(Store(tmp_path)))
    before = {name: value.clone() for name, value in trainer.detector.state_dict().items()}
    trainer.train()
    changed = {name for name, value in trainer.detector.state_dict().items() if not torch.equal(before[name], value)}
    kept = ("extractor.", "head.tail.")
    assert changed
    assert not any(name.startswith(kept) for name in changed)
    assert any(name.startswith(kept) for name in before)


def test_only_weights_of_two_or_more_dimensions_decay(tmp_path):
    trainer = Trainer(stage_of("train.weight_decay=0.1"), tmp_path, Context(Store(tmp_path)))
    decayed, free = trainer.optimizer.param_groups
    assert decayed["weight_decay"] == 0.1
    assert free["weight_decay"] == 0.0
    assert all(p.ndim > 1 for p in decayed["params"])
    assert all(p.ndim <= 1 for p in free["params"])
    count = len(decayed["params"]) + len(free["params"])
    assert count == len(list(trainer.detector.parameters()))


@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adamw"])
def test_every_optimizer_takes_a_step(tmp_path, optimizer):
    assert fetch(stage_of(f"train.optimizer={optimizer}"), Context(Store(tmp_path)))["train_steps"] == 2


def test_a_tail_that_does_not_run_on_the_crops_is_refused():
    ((cell, _),) = enumerate_cells(["extractor=timm", "extractor.model=dla34", "meta_arch.maxpool=2", "size=96"])
    with pytest.raises(CombinationError, match=r"7×7 cells .* meta_arch\.crop and meta_arch\.maxpool"):
        build(cell.stages(CPU).train, 3)
    ((cell, _),) = enumerate_cells(["extractor=timm", "extractor.model=dla34", "size=96", "meta_arch.crop=16"])
    build(cell.stages(CPU).train, 3)


def test_weights_that_the_last_step_breaks_are_not_kept(tmp_path, monkeypatch):
    """No loss is computed after the last step, so that only the weights can tell."""
    update = Trainer.update

    def breaking(self, batch):
        update(self, batch)
        if self.step == 2:
            next(self.detector.parameters()).detach()[0] = torch.nan

    monkeypatch.setattr(Trainer, "update", breaking)
    stage = stage_of("train.steps=2")
    with pytest.raises(TrainingDiverged, match=r"step 2: the weights are not finite, extractor\..*learning_rate"):
        fetch(stage, Context(Store(tmp_path)))
    assert not (Store(tmp_path).folder(stage) / "weights.pt").exists()


def test_batch_norm_forgets_at_the_given_rate(tmp_path):
    """Means start at 0, so that one step leaves of a batch's mean what is not kept of the old one."""
    means = {}
    for decay in ("null", "0.9", "0.75"):
        stage = stage_of("meta_arch=ssd", f"train.batch_norm_decay={decay}")
        trainer = Trainer(stage, tmp_path / decay, Context(Store(tmp_path)))
        trainer.update(next(trainer.batches()))
        state = trainer.detector.state_dict()
        means[decay] = torch.cat(
            [tensor.flatten() for name, tensor in state.items() if name.endswith("running_mean")]
        )
    torch.testing.assert_close(means["null"], means["0.9"])
    torch.testing.assert_close(means["0.75"] / 0.25, means["0.9"] / 0.1)
