"""What a call fits into, on memory that is a number; a CPU says why it has none."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tests.probes.fake_memory import FakeMemory
from tradeoff.core.columns import COLUMNS
from tradeoff.stages.costs import fit

MB = 1_000_000


def subject(device="cpu", asked=True, chain=None):
    stage = SimpleNamespace(measuring=SimpleNamespace(fit=asked), batch_size=1)
    context = SimpleNamespace(report=lambda *told: None)
    return SimpleNamespace(stage=stage, device=torch.device(device), batches=images(), chain=chain, context=context)


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
