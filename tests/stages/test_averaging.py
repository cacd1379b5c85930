"""The running mean of the weights is the mean, survives a kill, and is what predicts."""

import pytest
import torch
from torch import nn

from tests.stages.test_train import dying_at, stage_of, weights
from tradeoff.core.store import Context, Store, fetch
from tradeoff.stages.averaging import RunningMean
from tradeoff.stages.network import trained
from tradeoff.stages.train import Trainer

WORDS = ("meta_arch=ssd", "train.steps=5", "train.ema_decay=0.7")


def test_the_mean_is_a_weighted_sum_of_all_weights():
    """By hand: after weights w0..wn, each counts 1 - d of its step times the decays d of the later ones."""
    layer = nn.Linear(1, 1, bias=False)
    values = [3.0, -1.0, 5.0, 2.0]
    with torch.no_grad():
        layer.weight.fill_(values[0])
        mean = RunningMean(layer, 0.3)
        for step, value in enumerate(values[1:], 1):
            layer.weight.fill_(value)
            mean.update(layer, step)
    decays = [2 / 11, 3 / 12, 0.3]  # (1 + n) / (10 + n) for n = 1, 2; then 4/13 = 0.308 is above 0.3
    counts = [decays[0] * decays[1] * decays[2]]
    counts += [(1 - decays[0]) * decays[1] * decays[2], (1 - decays[1]) * decays[2], 1 - decays[2]]
    assert sum(counts) == pytest.approx(1)
    assert float(mean.state["weight"]) == pytest.approx(sum(c * v for c, v in zip(counts, values, strict=True)))


def test_statistics_are_averaged_and_counters_copied():
    layer = nn.BatchNorm1d(2)
    mean = RunningMean(layer, 0.9)
    layer(torch.randn(8, 2))
    mean.update(layer, 1)
    assert mean.state["num_batches_tracked"] == 1
    wanted = 2 / 11 * torch.zeros(2) + 9 / 11 * layer.running_mean
    torch.testing.assert_close(mean.state["running_mean"], wanted)


def test_what_is_kept_and_predicts_is_the_mean_of_the_steps(tmp_path, monkeypatch):
    stage, context = stage_of(*WORDS), Context(Store(tmp_path))
    history = []
    update = Trainer.update

    def watched(self, batch):
        if not history:
            history.append({name: tensor.clone() for name, tensor in self.detector.state_dict().items()})
        update(self, batch)
        history.append({name: tensor.clone() for name, tensor in self.detector.state_dict().items()})

    monkeypatch.setattr(Trainer, "update", watched)
    fetch(stage, context)
    found = trained(stage, context).state_dict()
    name = "logits.0.weight"
    wanted = history[0][name]
    for step in range(1, 6):
        decay = min(0.7, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * history[step][name]
    torch.testing.assert_close(found[name], wanted)
    assert not torch.allclose(found[name], history[-1][name], atol=1e-6)


def test_averaging_leaves_the_training_itself_alone(tmp_path):
    plain, averaged = stage_of("meta_arch=ssd", "train.steps=5"), stage_of(*WORDS)
    store = Store(tmp_path)
    told = [fetch(stage, Context(store))["final_loss"] for stage in (plain, averaged)]
    assert told[0] == told[1]
    one, other = weights(store, plain), weights(store, averaged)
    assert any(not torch.equal(one[name], other[name]) for name in one)


def test_a_killed_training_goes_on_with_its_mean(tmp_path):
    stage = stage_of(*WORDS)
    whole, broken = Store(tmp_path / "whole"), Store(tmp_path / "broken")
    fetch(stage, Context(whole))
    with dying_at(3):
        fetch(stage, Context(broken))
    fetch(stage, Context(broken))
    expected, found = weights(whole, stage), weights(broken, stage)
    assert all(torch.equal(expected[name], found[name]) for name in expected)
