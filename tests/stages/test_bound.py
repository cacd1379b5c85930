"""A time that no machine can reach is refused, and one that was only doubted for a low peak is not."""

from types import SimpleNamespace

import pytest
import torch

from tests.stages.test_measure import CPU, stages_of
from tradeoff.core.errors import ImpossibleTime
from tradeoff.core.store import Context, Store, fetch
from tradeoff.probes import chain as timed_chain
from tradeoff.probes import roofline
from tradeoff.probes.flops import Call, Count
from tradeoff.probes.roofline import Roof
from tradeoff.recipes.inference import Inference
from tradeoff.recipes.stages import Peak
from tradeoff.stages.costs import bound
from tradeoff.stages.costs.counter import NO_CALLS, Work

ROOF = {"flops_per_s": 1e12, "bytes_per_s": 1e10}


def subject(*gmacs: float, winograd: bool = False):
    """Return a subject with a batch for each number of 10⁹ multiply-adds, whose operators move 10 MB."""
    works = [Work(Count((Call("heads", "aten.mm", int(n * 1e9), 10**7),), ()), NO_CALLS, 10**6) for n in gmacs]
    counter = SimpleNamespace(images=lambda batch: works[batch], weights_bytes=lambda: 3 * 10**6)
    stage = SimpleNamespace(machine=CPU, inference=Inference(winograd=winograd))
    context, device = SimpleNamespace(device="cpu"), torch.device("cpu")
    return SimpleNamespace(stage=stage, counter=counter, batches=range(len(works)), context=context, device=device)


@pytest.fixture
def peaks(monkeypatch):
    """Give the peak that is kept, and the one that measuring again finds."""
    monkeypatch.setattr(bound, "fetch", lambda stage, context: ROOF)
    monkeypatch.setattr(bound, "measured", lambda precision, device: Roof(**ROOF))
    return monkeypatch


@pytest.mark.usefixtures("peaks")
def test_the_bound_is_the_median_over_the_batches_and_a_part_of_the_network_time():
    # 4, 8 and 20 ms of arithmetic at 1 TFLOP/s; the traffic of 1 ms is hidden behind it
    found = bound.measure(subject(2, 4, 10), {"network_ms_p50": 32.0, "latency_ms_min": 30.0, "gpu_ms_p50": None})
    assert found.columns["bound_ms"] == pytest.approx(8.0)
    assert found.columns["bound_pct"] == pytest.approx(25.0)
    assert found.columns["peak_gflops_per_s"] == pytest.approx(1000)
    assert found.columns["peak_gb_per_s"] == pytest.approx(10)
    assert found.reasons == []


@pytest.mark.usefixtures("peaks")
@pytest.mark.parametrize("name", bound.TIMES)
def test_each_time_below_the_loose_bound_is_refused(name):
    # the batch that has the least to do takes 4 ms / 2.25 = 1.78 ms by the fastest algorithm
    right = dict.fromkeys(bound.TIMES, 1.79)
    bound.measure(subject(2, 4, 10), right)
    with pytest.raises(ImpossibleTime, match=rf"{name} is 1\.77 ms.*1\.78 ms at the least.*refused"):
        bound.measure(subject(2, 4, 10), right | {name: 1.77})


@pytest.mark.usefixtures("peaks")
def test_winograds_large_tiles_may_be_faster_still():
    # 4 ms / 4 = 1 ms
    bound.measure(subject(2, winograd=True), dict.fromkeys(bound.TIMES, 1.01))
    with pytest.raises(ImpossibleTime, match="1 ms at the least"):
        bound.measure(subject(2, winograd=True), dict.fromkeys(bound.TIMES, 0.99))


@pytest.mark.usefixtures("peaks")
def test_little_arithmetic_on_many_weights_is_bound_by_their_bytes():
    # (3 MB of weights + 1 MB through) / 10 GB/s = 0.4 ms
    with pytest.raises(ImpossibleTime, match=r"0\.4 ms at the least"):
        bound.measure(subject(0.001), dict.fromkeys(bound.TIMES, 0.39))
    bound.measure(subject(0.001), dict.fromkeys(bound.TIMES, 0.41))


def test_a_peak_that_was_measured_low_refuses_nothing_as_it_is_measured_again(peaks):
    times = dict.fromkeys(bound.TIMES, 3.0)
    peaks.setattr(bound, "fetch", lambda stage, context: {"flops_per_s": 1e11, "bytes_per_s": 1e9})
    assert bound.measure(subject(2), times).columns["bound_ms"] == pytest.approx(4.0)
    peaks.setattr(bound, "measured", lambda precision, device: Roof(1e10, 1e9))  # still low: the higher one counts
    with pytest.raises(ImpossibleTime):
        bound.measure(subject(2), times)


def test_the_peak_is_measured_once_for_a_machine_and_a_precision(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("tradeoff.stages.peak.measured", lambda *asked: calls.append(asked) or Roof(**ROOF))
    for precision in ("fp32", "fp32", "bf16"):
        assert fetch(Peak(machine=CPU, precision=precision), Context(Store(tmp_path))) == ROOF
    assert calls == [("fp32", "cpu"), ("bf16", "cpu")]


def test_a_chain_that_does_not_wait_for_the_work_gets_no_row(tmp_path, monkeypatch):
    """A clock that stands still while the network works is what a missing synchronisation looks like."""
    monkeypatch.setattr(roofline, "LEAST_S", 0.05)
    stage = stages_of("meta_arch=ssd", "measure.max_s=0.3").measure
    context = Context(Store(tmp_path))
    assert fetch(stage, context)["bound_pct"] < 150
    real = timed_chain.Chain.staged

    def hasty(self, value):
        return [taken / 1000 for taken in real(self, value)]

    monkeypatch.setattr(timed_chain.Chain, "staged", hasty)
    (tmp_path / "again").mkdir()
    with pytest.raises(ImpossibleTime, match="network_ms_p50"):
        fetch(stage, Context(Store(tmp_path / "again")))
