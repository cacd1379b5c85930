"""The two clocks of a GPU, on a queue that works beside the host."""

from contextlib import contextmanager

import pytest
import torch

from tests.probes.fakes import FakeClock, FakeCuda
from tradeoff.checkup import cuda

GPU = torch.device("cuda:0")


@pytest.fixture
def queue(monkeypatch):
    return FakeCuda(FakeClock(), monkeypatch)


def results(queue, host_ms=0.01):
    def wait(cycles):
        queue.step(host_ms, cycles / 1.7e6)(None)  # 1.7 GHz

    return cuda.two_clocks(GPU, wait, lambda: queue.clock() / 1e9)


def test_events_and_host_agree_on_a_gpu_that_is_kept_busy(queue):
    found = results(queue)
    assert found.state == "right"
    assert found.numbers["event_ms"] == pytest.approx(50.0, rel=0.01)


def test_a_host_that_does_not_wait_is_found_out(queue, monkeypatch):
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    with pytest.raises(RuntimeError, match="must be completed"):  # which the doctor reports as wrong
        results(queue)


def test_work_on_another_stream_than_the_events_is_found_out(queue, monkeypatch):
    clock, other_ns = queue.clock, [0]

    def elsewhere(cycles):
        other_ns[0] = clock() + round(cycles / 1.7)

    def synchronize(device):
        clock.now_ns = max(clock(), other_ns[0])

    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
    found = cuda.two_clocks(GPU, elsewhere, lambda: clock() / 1e9)
    assert found.state == "wrong"
    assert found.numbers["host_ms"] == pytest.approx(50.0, rel=0.01)
    assert found.numbers["event_ms"] == 0.0


def test_a_cpu_has_no_second_clock():
    assert list(cuda.check(torch.device("cpu"))) == []


def test_the_wait_is_on_the_device_that_is_examined(queue, monkeypatch):
    current = [torch.device("cuda:0")]

    @contextmanager
    def on(device):
        current.append(device)
        yield
        current.pop()

    def sleep(cycles):
        assert current[-1] == torch.device("cuda:1")
        queue.step(0.01, cycles / 1.7e6)(None)

    monkeypatch.setattr(torch.cuda, "device", on)
    monkeypatch.setattr(torch.cuda, "_sleep", sleep)
    assert cuda.two_clocks(torch.device("cuda:1"), clock=lambda: queue.clock() / 1e9).state == "right"
