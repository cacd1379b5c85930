"""Memory counted in more ways than one: what contradicts itself is told."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from tests.core.fakes import FakeNVML, NVMLError
from tradeoff.stages.costs import memory

GPU = torch.device("cuda:0")
MB = 1_000_000


@pytest.fixture(autouse=True)
def all_devices(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.parametrize(
    ("peak_mb", "words"),
    [(150.0, ""), (270.0, ""), (96.0, ""), (94.0, "swapped"), (0.0, "swapped"), (279.0, "something else")],
)
def test_a_process_that_took_less_or_much_more_than_its_tensors_is_doubted(peak_mb, words):
    assert words in "".join(memory.disagreement(peak_mb, tensors_mb=100.0))
    assert bool(memory.disagreement(peak_mb, tensors_mb=100.0)) is bool(words)


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ((10, 11, 20, 500), 0),
        ((10, 11, None, 500), 0),
        ((10, 11, 20, None), 0),
        ((10, 9, 8, 500), 2),
        ((1, 2, 3, 0), 1),
    ],
)
def test_each_counter_holds_the_one_before(values, wrong):
    names = ("tensors_peak_mb", "peak_memory_mb", "reserved_memory_mb", "process_memory_mb")
    assert len(memory.disorder(dict(zip(names, values, strict=True)))) == wrong


def process(pid, size):
    return FakeNVML(nvmlDeviceGetComputeRunningProcesses=[SimpleNamespace(pid=pid, usedGpuMemory=size)])


def test_the_memory_of_a_process_is_what_nvml_says_of_its_id():
    assert memory.of_process(GPU, process(os.getpid(), 700 * MB)) == (700.0, "")


def test_the_memory_of_a_process_is_found_under_the_number_that_nvml_has_for_it(monkeypatch):
    monkeypatch.setattr(memory, "own_number", lambda index: 9001 + index)
    assert memory.of_process(GPU, process(9001, 700 * MB)) == (700.0, "")


@pytest.mark.parametrize(
    ("library", "words"),
    [
        (process(1, 700 * MB), "does not list this process"),
        (process(os.getpid(), 2**64 - 1), "without its memory"),
        (FakeNVML(nvmlDeviceGetComputeRunningProcesses=NVMLError(4)), "Insufficient Permissions"),
        (FakeNVML(init=NVMLError(9)), "Driver Not Loaded"),
        (FakeNVML(count=0), "none"),
    ],
)
def test_what_nvml_does_not_say_of_a_process_is_none_with_a_reason(library, words):
    told, why = memory.of_process(GPU, library)
    assert told is None
    assert words in why


class Known:
    """A detector of 40 MB whose call takes 200 MB at its peak, in tensors of 100 MB."""

    def __init__(self):
        self.detector = nn.Linear(1000, 10_000, bias=False)
        self.calls = 0

    def __call__(self, images):
        self.calls += 1
        first = torch.ones(25 * MB)
        second = first + 1
        del first
        return second.mul_(2)[:10].clone()


def test_a_detector_of_known_size_is_measured_by_the_process_and_by_its_tensors():
    subject = SimpleNamespace(device=torch.device("cpu"), build=Known)
    Known()([])
    with torch.inference_mode():
        found = memory.on_cpu(subject, [])
    if found.columns["peak_memory_mb"] is None:
        pytest.skip(found.missing["peak_memory_mb"])
    assert found.columns["tensors_peak_mb"] == pytest.approx(240.0, abs=0.001)
    assert found.columns["peak_memory_mb"] == pytest.approx(240.0, rel=0.01)
    assert (found.reasons, found.missing) == ([], {})


def test_a_peak_that_cannot_be_had_is_empty_with_its_reason(monkeypatch):
    monkeypatch.setattr(memory, "PeakMemory", Refused)
    found = memory.on_cpu(SimpleNamespace(device=torch.device("cpu"), build=Known), [])
    assert found.columns["peak_memory_mb"] is None
    assert found.columns["tensors_peak_mb"] == pytest.approx(240.0, abs=0.001)
    assert found.missing == {"peak_memory_mb": "no right to reset"}
    assert found.reasons == []


class Refused:
    peak_mb = before_mb = None
    reason = "no right to reset"

    def __init__(self, device):
        self.device = device

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


class Chain:
    def input_shape(self, images):  # and it cannot resize them
        return len(images), *images[0].shape[:2]

    def __call__(self, images):
        return None


def test_cuda_reads_all_four_counters_after_the_peaks_were_reset(monkeypatch):
    peaks = {"requested_bytes": 90, "allocated_bytes": 100, "reserved_bytes": 120}
    calls = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: calls.append("reset"))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 50 * MB)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 100 * MB)

    def stats(device):
        calls.append("read")
        return {f"{name}.all.peak": size * MB for name, size in peaks.items()}

    monkeypatch.setattr(torch.cuda, "memory_stats", stats)
    monkeypatch.setattr(memory, "of_process", lambda device: (600.0, ""))
    found = memory.on_cuda(SimpleNamespace(device=GPU, chain=lambda images: calls.append("call")), [])
    assert calls == ["reset", "call", "call", "read"]
    assert list(found.columns.values()) == [90.0, 100.0, 120.0, 600.0]
    assert (found.reasons, found.missing) == ([], {})


def test_the_largest_input_of_the_network_is_what_is_measured():
    batches = [[np.zeros((5, 9, 3), np.uint8)], [np.zeros((7, 9, 3), np.uint8)], [np.zeros((6, 9, 3), np.uint8)]]
    assert memory.largest_input(SimpleNamespace(batches=batches, chain=Chain()))[0].shape == (7, 9, 3)
