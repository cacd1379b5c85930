"""Peak memory of known allocations, read in a fresh process; the odd cases on scripted counters."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from tradeoff.probes.memory import PeakMemory, parameters, weights_mb

CHILD = """
import json, os, resource, numpy, torch
from tradeoff.probes.memory import PeakMemory
cpu = torch.device("cpu")

def measure(work):
    with PeakMemory(cpu) as memory:
        kept = work()
    return memory.peak_mb, memory.reason

def held():
    return torch.zeros(50_000_000).add_(1)          # 4 bytes each: 200 MB

def transient():
    torch.zeros(50_000_000).add_(1)

def stacked():
    first = numpy.ones(12_500_000)                  # 8 bytes each: 100 MB
    second = numpy.ones(12_500_000)
    del first
    return numpy.ones(6_250_000)                    # 50 MB, when the first 100 are gone

def many_small():
    return [bytes(range(256)) * 40 for _ in range(10_000)]   # 10 240 + 33 bytes each: 102.7 MB

def small():
    return numpy.ones(1_875_000)                    # 15 MB

torch.zeros(10_000_000).add_(1)                     # threads start once, 3 MB
answers = {"nothing": measure(lambda: None)}
for work in (held, transient, stacked, many_small, many_small, small):
    answers.setdefault(work.__name__, []).append(measure(work))
answers["maximum_of_all_time_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6

ballast = numpy.ones(37_500_000)                    # 300 MB, which a forked child shares
reader, writer = os.pipe()
if os.fork() == 0:
    measure(small)                                  # maps what it needs of the libraries, some 2 MB
    os.write(writer, json.dumps([measure(small), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]).encode())
    os._exit(0)
os.wait()
answers["forked"], answers["forked_maximum_kib"] = json.loads(os.read(reader, 1000))
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers() -> dict:
    """Measure in a child of a parent that is larger by 400 MB."""
    ballast = np.ones(50_000_000)
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    assert len(ballast)
    answers = json.loads(done.stdout)
    if answers["nothing"][0] is None:
        pytest.skip(answers["nothing"][1])
    return answers


@pytest.mark.parametrize(
    ("work", "expected_mb"),
    [("held", 200.0), ("transient", 200.0), ("stacked", 200.0), ("many_small", 102.7), ("small", 15.0)],
)
def test_known_allocations_are_read_within_one_megabyte_or_percent(answers: dict, work: str, expected_mb: float):
    for peak_mb, reason in answers[work]:
        assert reason is None
        assert peak_mb == pytest.approx(expected_mb, rel=0.01, abs=1.0)


def test_doing_nothing_takes_nothing(answers: dict):
    assert answers["nothing"][0] == pytest.approx(0.0, abs=1.0)


def test_the_highest_peak_of_all_time_would_have_been_wrong(answers: dict):
    assert answers["maximum_of_all_time_mb"] > 200 + answers["small"][0][0]


def test_a_small_child_that_is_forked_from_a_large_parent_is_measured_by_what_it_takes_itself(answers: dict):
    peak_mb, reason = answers["forked"]
    assert reason is None
    assert peak_mb == pytest.approx(15.0, abs=1.0)
    assert answers["forked_maximum_kib"] * 1024 / 1e6 > 300  # what ru_maxrss would have said


def _process(folder: Path, before_kib: int, high_kib: int) -> Path:
    (folder / "clear_refs").write_text("")
    (folder / "status").write_text(f"Name:\tpython\nVmHWM:\t{high_kib} kB\nVmRSS:\t{before_kib} kB\n")
    return folder


def test_the_peak_is_what_rose_above_the_start_in_units_of_a_million(tmp_path: Path):
    process = _process(tmp_path, 1000, 1000)
    with PeakMemory(torch.device("cpu"), process=process) as memory:
        _process(tmp_path, 1200, 3000)
    # 2000 KiB = 2 048 000 bytes
    assert memory.peak_mb == pytest.approx(2.048)
    assert memory.before_mb == pytest.approx(1.024)
    assert memory.reason is None


def test_the_mark_is_reset_by_a_five(tmp_path: Path):
    with PeakMemory(torch.device("cpu"), process=_process(tmp_path, 1000, 1000)):
        assert (tmp_path / "clear_refs").read_text() == "5"


def test_no_right_to_reset_gives_no_value_and_a_reason(tmp_path: Path):
    with PeakMemory(torch.device("cpu"), process=tmp_path) as memory:
        pass
    assert memory.peak_mb is None
    assert memory.before_mb is None
    assert "clear_refs" in memory.reason
    assert not (tmp_path / "clear_refs").exists()


def test_a_kernel_that_ignores_the_reset_is_found_out(tmp_path: Path):
    with PeakMemory(torch.device("cpu"), process=_process(tmp_path, 100_000, 300_000)) as memory:
        pass
    assert memory.peak_mb is None
    assert "stayed 205 MB above" in memory.reason  # 200 000 KiB = 204.8 MB


def test_a_kernel_without_the_mark_is_told(tmp_path: Path):
    (tmp_path / "clear_refs").write_text("")
    (tmp_path / "status").write_text("VmRSS:\t1000 kB\n")
    with PeakMemory(torch.device("cpu"), process=tmp_path) as memory:
        pass
    assert memory.peak_mb is None
    assert "no VmHWM" in memory.reason


def test_a_device_that_nobody_counts_has_no_value():
    with PeakMemory(torch.device("meta")) as memory:
        pass
    assert memory.peak_mb is None
    assert "meta" in memory.reason


def test_work_that_fails_has_no_value(tmp_path: Path):
    memory = PeakMemory(torch.device("cpu"), process=_process(tmp_path, 1000, 1000))
    with pytest.raises(RuntimeError, match="no"), memory:
        raise RuntimeError("no")
    assert memory.peak_mb is None
    assert memory.reason == "not measured: the work ended in RuntimeError"


def test_cuda_reads_the_peak_of_the_allocator(monkeypatch: pytest.MonkeyPatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: calls.append("wait"))
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: calls.append("reset"))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append("empty"))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 30_000_000)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 50_000_000)
    with PeakMemory(torch.device("cuda")) as memory:
        calls.append("work")
    assert calls == ["wait", "empty", "reset", "work", "wait"]
    assert (memory.before_mb, memory.peak_mb) == (30.0, 20.0)


def test_parameters_and_weights_are_counted_once_and_by_their_type():
    layer = nn.Linear(10, 20)  # 200 + 20
    shared = nn.Sequential(layer, nn.BatchNorm1d(20), layer)  # 40 parameters; buffers 20 + 20 floats and one int64
    assert parameters(shared) == 260
    assert weights_mb(shared) == pytest.approx((260 * 4 + 40 * 4 + 8) / 1e6)
    assert weights_mb(nn.Linear(10, 20).to(torch.bfloat16)) == pytest.approx(220 * 2 / 1e6)
