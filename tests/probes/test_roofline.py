"""Bounds by hand, and roofs on clocks that are told what time it is."""

import pytest
import torch
from torch import nn

from tests.probes.fakes import FakeClock, FakeCuda
from tradeoff.probes import roofline
from tradeoff.probes.flops import Call, count
from tradeoff.probes.latency import Limits, summary, time_steps
from tradeoff.probes.roofline import Roof, bound_ms, loose_bound_ms, measure_roof

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)
ROOF = Roof(flops_per_s=1e12, bytes_per_s=1e10)


def test_each_operator_takes_as_long_as_the_slower_of_its_arithmetic_and_its_traffic():
    calls = [
        Call("head", "aten.convolution", macs=10**9, moved_bytes=10**6),  # 2 ms of arithmetic, 0.1 ms of traffic
        Call("head", "aten.addmm", macs=10**6, moved_bytes=5 * 10**6),  # 0.002 ms, 0.5 ms
        Call("head", "aten.relu_", macs=None, moved_bytes=10**6),  # 0.1 ms
    ]
    assert bound_ms(calls, ROOF) == pytest.approx(2 + 0.5 + 0.1)
    assert bound_ms([], ROOF) == 0


def test_the_loose_bound_knows_fast_convolutions_and_the_least_traffic():
    assert loose_bound_ms(10**9, 10**6, ROOF) == pytest.approx(2 / 2.25)
    assert loose_bound_ms(10**9, 10**6, ROOF, 4.0) == pytest.approx(0.5)
    assert loose_bound_ms(10**9, 10**8, ROOF) == pytest.approx(10)


def test_the_loose_bound_is_below_the_bound_of_a_network():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)).eval()
    images = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        counted, out = count(net, images), net(images)
    through = sum(p.numel() * 4 for p in net.parameters() if p.dim() > 1) + images.nbytes + out.nbytes
    for roof in (ROOF, Roof(1e15, 1e9), Roof(1e9, 1e15)):
        assert loose_bound_ms(counted.macs, through, roof) < bound_ms(counted.calls, roof)


def test_of_two_roofs_the_higher_counts():
    assert Roof(1.0, 4.0) | Roof(3.0, 2.0) == Roof(3.0, 4.0)


def work(clock, durations_ms):
    """Return work that takes scripted times, the last of them for ever."""
    script = list(durations_ms)

    def run():
        clock.advance(script.pop(0) if len(script) > 1 else script[0])

    return run


def test_the_best_run_counts_and_the_first_only_warms_up():
    clock = FakeClock()
    taken = roofline._fastest_s(work(clock, [1, 500, 90, 100, 100]), CPU, clock)
    assert taken == pytest.approx(0.090)


def test_short_work_is_repeated_until_enough_time_was_measured():
    clock = FakeClock()
    roofline._fastest_s(work(clock, [1]), CPU, clock)
    assert clock.now_ns / 1e9 == pytest.approx(roofline.LEAST_S, abs=0.005)


def test_on_a_cpu_other_programs_do_not_lower_the_roof(monkeypatch):
    """Wall time is four times that of the thread: only the copy by all threads is told by the wall clock."""
    wall, busy = FakeClock(), FakeClock()

    def run(milliseconds):
        def go():
            busy.advance(milliseconds)
            wall.advance(4 * milliseconds)

        return go

    monkeypatch.setattr(roofline, "_products", lambda device, dtype, side: [(run(10), 1e9)])
    monkeypatch.setattr(roofline, "_copy", lambda device, size: run(20))
    roof = measure_roof(CPU, [torch.float32], clock_ns=wall, busy_ns=busy)
    assert roof.flops_per_s == pytest.approx(torch.get_num_threads() * 1e9 / 0.010)
    assert roof.bytes_per_s == pytest.approx(2 * roofline.COPIED_BYTES["cpu"] / 0.020)


def test_the_fastest_type_makes_the_roof(monkeypatch):
    clock = FakeClock()
    times = {torch.float32: 20, torch.bfloat16: 10}
    monkeypatch.setattr(roofline, "_products", lambda device, dtype, side: [(work(clock, [times[dtype]]), 1e9)])
    monkeypatch.setattr(roofline, "_copy", lambda device, size: work(clock, [10]))
    roof = measure_roof(CPU, list(times), clock_ns=clock, busy_ns=clock)
    assert roof.flops_per_s == pytest.approx(torch.get_num_threads() * 1e9 / 0.010)


def test_a_real_roof_is_above_what_a_smaller_product_reaches(monkeypatch):
    monkeypatch.setattr(roofline, "LEAST_S", 0.05)
    threads = torch.get_num_threads()
    roof = measure_roof(CPU, [torch.float32])
    assert torch.get_num_threads() == threads
    left = torch.rand(300, 300)
    taken_s = roofline._fastest_s(lambda: left @ left, CPU, roofline.time.thread_time_ns)
    assert 2 * 300**3 / taken_s < 1.2 * max(threads, 1) * roof.flops_per_s
    assert roof.bytes_per_s > 1e8


def timed_on_a_queue(monkeypatch, *, synchronized: bool) -> float:
    """Time a network that leaves 40 ms of work in the queue of a GPU after 0.2 ms; return its median."""
    clock = FakeClock()
    cuda = FakeCuda(clock, monkeypatch)
    device = CUDA if synchronized else CPU  # whose work is done when a call returns
    limits = Limits(max_s=10.0, min_samples=20, warmup_iterations=3, warmup_s=0.0, precision=0.02)
    timing = time_steps([("network", cuda.step(0.2, 40.0))], [0], device=device, limits=limits, clock_ns=clock)
    return float(summary(timing)["p50"])


def test_a_time_without_synchronisation_is_below_the_bound_and_one_with_it_is_not(monkeypatch):
    """The work is 20 GMACs on a machine of 1 TFLOP/s: 40 ms, and 17.8 ms by the fastest algorithm."""
    least = loose_bound_ms(20 * 10**9, 10**7, ROOF)
    with monkeypatch.context() as patch:
        assert timed_on_a_queue(patch, synchronized=True) > least
    with monkeypatch.context() as patch:
        assert timed_on_a_queue(patch, synchronized=False) < least


@pytest.mark.parametrize(
    ("free_gb", "side", "copied"), [(80, 8192, 2**30), (5, 4096, 2**29), (1.3, 2048, 2**28), (0.1, 1024, 2**27)]
)
def test_on_a_gpu_that_is_nearly_full_less_is_copied(monkeypatch, free_gb, side, copied):
    """Two of each: the copy takes its size twice, the products 3 × (4 + 2) bytes × side²: 3.36 GB at the most."""
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (round(free_gb * 1e9), 10**11))
    assert roofline._sizes(torch.device("cuda:0")) == (side, copied)
    assert 18 * side**2 + 2 * copied <= free_gb * 1e9 / 2 or copied == 2**27


def test_on_a_cpu_sizes_are_fixed():
    assert roofline._sizes(torch.device("cpu")) == (1024, 2**27)
