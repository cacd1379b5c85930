"""What a call fits into, on memory that is a number; a CPU says why it has none."""

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.probes.fake_memory import FakeMemory
from tests.stages.test_measure import stages_of
from tradeoff.core.columns import COLUMNS
from tradeoff.core.store import Context, Store
from tradeoff.stages.costs import fit
from tradeoff.stages.costs.subject import Subject
from tradeoff.stages.network import inferring

MB = 1_000_000


def subject(device="cpu", asked=True, chain=None):
    stage = SimpleNamespace(measuring=SimpleNamespace(fit=asked), batch_size=1)
    context = SimpleNamespace(report=lambda *told: None)
    given = {"batches": images(), "chain": chain, "keep_chain_alone": lambda: None}
    return SimpleNamespace(stage=stage, device=torch.device(device), context=context, **given)


def images():
    return [[np.zeros((10, 20, 3), np.uint8)], [np.zeros((30, 20, 3), np.uint8)]]


class Chain:
    """Takes 40 MB for each image, beside 100 MB that are there."""

    def __init__(self, device):
        self.device, self.seen = device, []

    def input_shape(self, batch):
        return len(batch), *batch[0].shape[:2]

    def __call__(self, batch):
        self.seen.append([image.shape for image in batch])
        self.device.work(100 * MB + 40 * MB * len(batch))()


def test_both_are_found_on_the_largest_images():
    device = FakeMemory(total=1000 * MB, in_use=100 * MB, reserve=300 * MB)
    chain = Chain(device)
    found = fit.found(subject(chain=chain), device)
    assert found.columns["fit_mb"] == pytest.approx(140.0, abs=2.0)
    assert found.columns["fit_batch"] == 22  # 100 + 22 × 40 = 980 of 1000 MB
    assert found.missing == {}
    assert {shape for batch in chain.seen for shape in batch} == {(30, 20, 3)}


def test_one_that_cannot_be_had_leaves_the_other():
    device = FakeMemory(total=1000 * MB, in_use=100 * MB, reserve=120 * MB)  # its own peak is not enough
    found = fit.found(subject(chain=Chain(device)), device)
    assert found.columns["fit_mb"] is None
    assert "cap of its own peak" in found.missing["fit_mb"]
    assert found.columns["fit_batch"] == 22


def test_an_error_under_a_cap_leaves_the_largest_batch():
    device = FakeMemory(total=1000 * MB, in_use=100 * MB, reserve=300 * MB, error="launch failure\nlong story")
    found = fit.found(subject(chain=Chain(device)), device)
    assert (found.columns["fit_mb"], found.missing["fit_mb"]) == (None, "launch failure")
    assert found.columns["fit_batch"] == 16  # the last that was doubled to


def test_a_cpu_says_why_it_has_none():
    found = fit.measure(subject(), {})
    assert found.columns == {}
    assert set(found.missing) == {"fit_mb", "fit_batch"} < {column.name for column in COLUMNS}
    assert all("RLIMIT_AS" in why for why in found.missing.values())
    assert found.reasons == []


def test_nothing_is_tried_unless_asked_for():
    assert fit.measure(subject(asked=False, device="cuda"), {}).columns == {}


def storages():
    """Return the tensors of this process that hold memory, by their storages."""
    tensors = [one for one in gc.get_objects() if issubclass(type(one), torch.Tensor) and one.device.type == "cpu"]
    return {one.untyped_storage().data_ptr(): one for one in tensors if one.untyped_storage().nbytes()}


def test_nothing_but_the_detector_of_the_chain_is_held_while_it_is_tried(tmp_path, monkeypatch):
    """At first all that earlier parts have made is there: the detector as it was trained, and casts of weights."""
    cleared, clear = [], torch.clear_autocast_cache
    monkeypatch.setattr(torch, "clear_autocast_cache", lambda: cleared.append(clear()))
    monkeypatch.setattr(Subject, "device", torch.device("cuda:0"))
    monkeypatch.setattr(fit, "CudaMemory", lambda device: None)
    stage = stages_of("meta_arch=ssd", "train=none", "measure.fit=true", "precision=bf16").measure
    subject, before = Subject(stage, Context(Store(tmp_path))), storages()
    held = []
    monkeypatch.setattr(fit, "found", lambda subject, device: held.append((storages(), len(cleared))))
    with inferring("bf16", "cpu"):
        subject.chain  # noqa: B018 - makes it
        assert subject.counter.images(subject.batches[0]).count.macs > 0
        second = weakref.ref(subject.counter.detector)
        fit.measure(subject, {})
    detector = subject.chain.detector
    chain = {one.untyped_storage().data_ptr() for one in (*detector.parameters(), *detector.buffers())}
    assert second() is None
    ((tensors, times_cleared),) = held
    assert tensors.keys() - before.keys() - chain == set()
    assert times_cleared == 1
