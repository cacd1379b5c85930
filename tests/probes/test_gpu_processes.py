"""Which processes use a GPU beside this one, by a driver that lists them; who is not seen is not certified."""

import os
from types import SimpleNamespace

import pytest
import torch

from tests.core.fakes import FakeNVML, NVMLError
from tests.probes.test_cpu_state import Machine
from tests.probes.test_state import CUDA, US, watched
from tradeoff.probes import gpu_processes
from tradeoff.probes.state import StateWatch


@pytest.fixture(autouse=True)
def all_devices(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_foreign_processes_are_counted():
    others = [SimpleNamespace(pid=pid, usedGpuMemory=None) for pid in (-8, -9)]
    state = watched(nvmlDeviceGetComputeRunningProcesses=[*US, *others])
    assert state.foreign == 2
    assert state.doubts() == ["other processes that compute on the GPU: 2; end them or take another device"]


@pytest.mark.parametrize("when", range(5))
def test_a_process_that_has_come_and_gone_is_counted(when):
    other = SimpleNamespace(pid=-8, usedGpuMemory=None)
    told = iter([[*US, other] if look == when else US for look in range(5)])
    assert watched(nvmlDeviceGetComputeRunningProcesses=told).foreign == 1
    told = iter([NVMLError(4) if look == when else US for look in range(5)])
    state = watched(nvmlDeviceGetComputeRunningProcesses=told)
    assert state.foreign is None
    assert any("processes_mb: Insufficient Permissions" in reason for reason in state.doubts())


@pytest.mark.parametrize("told", [[], NVMLError(4)])
def test_processes_that_are_not_told_are_unknown(told):
    state = watched(nvmlDeviceGetComputeRunningProcesses=told)
    assert state.foreign is None
    assert any("whether other processes used the GPU is not known (processes_mb: " in r for r in state.doubts())


def listed(*pids):
    return [SimpleNamespace(pid=pid, usedGpuMemory=None) for pid in pids]


def test_where_this_process_is_not_seen_another_one_is_not_taken_for_it():
    state = watched(nvmlDeviceGetComputeRunningProcesses=listed(-1))
    assert state.foreign is None
    assert "is not known (processes_mb: NVML lists 1, and not this one); run where" in " ".join(state.doubts())


@pytest.mark.parametrize(
    ("before", "after", "own"),
    [
        ([], [9001], 9001),
        ([70, 80], [70, 80, 9001], 9001),
        ([70], [9001], 9001),
        ([70], [70], os.getpid()),
        ([], [9001, 9002], os.getpid()),
        ([], [os.getpid(), 9001], os.getpid()),
        (NVMLError(4), [9001], os.getpid()),
        ([], NVMLError(4), os.getpid()),
    ],
    ids=[
        "first",
        "beside others",
        "in another's place",
        "hidden",
        "one of two",
        "seen",
        "unread before",
        "unread after",
    ],
)
def test_this_process_is_the_one_that_came_when_it_began_to_use_the_gpu(tmp_path, monkeypatch, before, after, own):
    monkeypatch.setattr(gpu_processes, "_OWN", {})
    monkeypatch.setattr(torch, "zeros", lambda size, device: torch.ones(size))
    told = [one if isinstance(one, Exception) else listed(*one) for one in (before, after)]
    gpu_processes.find_own(CUDA, FakeNVML(nvmlDeviceGetComputeRunningProcesses=iter(told)))
    assert gpu_processes.own_number(0) == own
    fake = FakeNVML(nvmlDeviceGetComputeRunningProcesses=listed(own, 70, 80))
    with StateWatch(CUDA, cpu=Machine(tmp_path).watch(), binding=fake) as watch:
        pass
    assert watch.state.gpu.foreign == 2


def test_a_process_that_uses_a_gpu_already_is_not_looked_for(monkeypatch):
    monkeypatch.setattr(gpu_processes, "_OWN", {})
    gpu_processes.find_own(torch.device("cpu"), object())
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    gpu_processes.find_own(CUDA, object())
    assert gpu_processes.own_number(0) == os.getpid()


def test_a_gpu_without_work_for_it_is_left_to_who_has(monkeypatch):
    def fails(size, device):
        raise RuntimeError("CUDA error: no kernel image is available")

    monkeypatch.setattr(gpu_processes, "_OWN", {})
    monkeypatch.setattr(torch, "zeros", fails)
    gpu_processes.find_own(CUDA, FakeNVML())
    gpu_processes.find_own(CUDA, FakeNVML(count=0))
    assert gpu_processes.own_number(0) == os.getpid()
