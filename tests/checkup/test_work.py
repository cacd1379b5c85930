"""Known FLOPs and known bytes; a counter that is off, or not there, is told apart."""

from types import SimpleNamespace

import pytest
import torch

from tradeoff.checkup import work
from tradeoff.probes.flops import count

CPU = torch.device("cpu")


class FakePeak:
    def __init__(self, peak_mb, reason=None):
        self.peak_mb, self.reason = peak_mb, reason

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None


def test_a_product_has_the_multiply_adds_of_its_size():
    found = work.product(CPU)
    assert found.state == "right"
    assert found.numbers["macs"] == 1024**3
    assert found.numbers["gflops_per_s"] > 0


def test_speed_is_flops_over_the_best_time():
    readings = iter([0.0, 0.5, 1.0, 1.25, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5])  # 0.25 s is the best
    found = work.product(CPU, lambda: next(readings))
    assert found.numbers["gflops_per_s"] == pytest.approx(2 * 1024**3 / 0.25 / 1e9)


@pytest.mark.parametrize("change", [{"macs": 1024**3 - 1}, {"uncounted": ["aten.mm"]}])
def test_a_count_that_is_off_is_wrong(monkeypatch, change):
    def off(function):
        right = count(function)
        told = {"macs": right.macs, "flops": right.flops, "uncounted": right.uncounted}
        return SimpleNamespace(**(told | change))

    monkeypatch.setattr(work, "count", off)
    assert work.product(CPU).state == "wrong"


@pytest.mark.parametrize(
    ("peak_mb", "state"), [(100.66, "right"), (101.6, "right"), (99.7, "right"), (101.7, "wrong"), (0.0, "wrong")]
)
def test_an_allocation_is_to_be_read_within_a_megabyte(peak_mb, state):
    assert work.allocation(FakePeak(peak_mb), CPU).state == state


def test_memory_that_cannot_be_read_is_a_warning_with_its_reason():
    found = work.allocation(FakePeak(None, "no right to reset"), CPU)
    assert (found.state, found.advice) == ("warning", "no right to reset")


def test_a_gpu_whose_allocator_deals_in_lots_of_2_mib_is_right(monkeypatch):
    """As CUDACachingAllocator.cpp rounds a request from 10 MiB on, where no more than 1 MiB would be left over."""
    asked = []

    def empty(size, *, dtype, device):
        asked.append(size * dtype.itemsize)
        return SimpleNamespace(fill_=lambda value: None)

    monkeypatch.setattr(torch, "empty", empty)
    work.allocation(FakePeak(0.0), torch.device("cuda"))
    given = -(-asked[0] // 2**21) * 2**21
    assert work.allocation(FakePeak(given / 1e6), torch.device("cuda")).state == "right"
    assert work.allocation(FakePeak((given + 512) / 1e6), torch.device("cuda")).state == "wrong"
