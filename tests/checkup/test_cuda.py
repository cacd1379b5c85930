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


def durations(queue, cycles_to_ms, host_ms=0.004):
    def wait(cycles):
        queue.step(host_ms, cycles_to_ms(cycles))(None)

    return list(cuda.durations(GPU, wait, queue.clock))


def test_known_waits_are_read_right(queue):
    found = durations(queue, lambda cycles: cycles / 1.7e6)
    assert [result.name for result in found] == ["1 ms of the GPU", "10 ms of the GPU", "100 ms of the GPU"]
    for result in found:
        assert result.state == "right"
        assert result.numbers["event_ms"] == pytest.approx(result.numbers["known_ms"], rel=1e-4)
        assert result.numbers["host_ms"] == pytest.approx(result.numbers["known_ms"], rel=1e-4)


def test_a_wait_that_is_longer_for_few_cycles_than_for_many_is_found_out(queue):
    """Such as a clock that is slow for a moment, or events of a coarse clock."""
    found = durations(queue, lambda cycles: cycles / 1.7e6 + (0.02 if 0 < cycles < 1e8 else 0))
    assert [result.state for result in found] == ["wrong", "right", "right"]  # of 1 ms 2 %, of 10 ms 0.2 %


@pytest.mark.parametrize(
    ("known_ms", "host_ms", "event_ms", "state"),
    [
        (1.0, 1.0099, 1.0, "right"),
        (1.0, 1.0101, 1.0, "wrong"),
        (1.0, 1.0, 0.9899, "wrong"),
        (0.1, 0.1049, 0.0951, "right"),
        (0.1, 0.1051, 0.1, "wrong"),
    ],
)
def test_each_clock_is_to_be_within_a_hundredth_or_five_microseconds(known_ms, host_ms, event_ms, state):
    assert cuda.duration(known_ms, host_ms, event_ms).state == state


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
