"""Doubts about samples, from numbers made by hand."""

import pytest

from tradeoff.probes.doubts import doubts, drift_of
from tradeoff.probes.limits import Limits


def _doubts(samples: list[float], inputs: int = 1, min_samples: int = 20, doubted: float = 0.0, **more) -> list[str]:
    warm = {"warmup_iterations": 0, "warmup_s": 0}
    limits = Limits(max_s=10, min_samples=min_samples, precision=0.02, doubted=doubted, **warm)
    return doubts(samples, inputs, limits=limits, spent_s=4.0, **more)


def test_steady_samples_raise_no_doubt():
    assert _doubts([10.0, 10.1] * 20) == []


def test_too_few_samples_are_told_with_what_to_do():
    assert _doubts([10.0] * 19) == ["only 19 of 20 samples fitted in; raise measure.max_s"]
    assert _doubts([10.0] * 10, min_samples=6) == [
        "10 samples are too few to claim a median; set measure.min_samples to 11"
    ]


def test_an_unknown_median_is_told_with_its_precision():
    # 20 samples: ranks 6 and 15 hold the median. Sorted 9 x8, 10 x4, 11 x8: 9..11 around 10 is ±10 %
    samples = [9.0, 11.0, 10.0, 11.0, 9.0] * 4
    # five times as precise takes 25 times as long, 100 s
    assert _doubts(samples) == [
        "the median is known to ±10.0 % only, not to ±2 %, which would take about 100 s; raise measure.max_s, or "
        "close other programs"
    ]


@pytest.mark.parametrize(("doubted", "told"), [(0.0, True), (0.09, True), (0.11, False)])
def test_a_median_that_is_known_well_enough_is_no_doubt(doubted, told):
    samples = [9.0, 11.0, 10.0, 11.0, 9.0] * 4  # ±10 %, as above, where ±2 % was asked for
    assert any("known to" in reason for reason in _doubts(samples, doubted=doubted)) is told


def test_a_wide_middle_half_is_told():
    # quartiles 8 and 12 of median 8 or 12 -> mean 10: 40 %
    reasons = _doubts([8.0, 12.0] * 100)
    assert any("spreads over 40 % of the median" in reason for reason in reasons)


def test_inputs_that_differ_are_no_scatter():
    steady = [8.0, 12.0] * 100
    assert not any("spreads" in reason for reason in _doubts(steady, inputs=2))
    # each input takes 1 or 1.8 times its least: quartiles 3.2 below and above the medians of 11.2 and 16.8
    scattered = [8.0, 12.0, 8.0, 12.0, 14.4, 21.6, 14.4, 21.6] * 25
    assert any("spreads over" in reason for reason in _doubts(scattered, inputs=2))


def test_a_gpu_that_outlasts_its_host_is_told():
    steady = [10.0] * 40
    assert _doubts(steady, gpu_ms=[10.1] * 40) == []
    assert _doubts(steady, gpu_ms=[25.0] * 40) == [
        "the GPU took 25 ms of a call that took the host 10 ms: a step works on another stream or is not waited for; "
        "mend the detector"
    ]


def test_work_that_the_events_have_not_seen_is_told():
    steady = [10.0] * 40
    assert _doubts(steady, gpu_ms=[9.0] * 40) == []  # within a tenth of the call
    assert _doubts(steady, gpu_ms=[6.0] * 40, unseen_ms=4.0) == []
    assert _doubts([0.15] * 40, gpu_ms=[0.05] * 40) == []  # launching alone
    assert _doubts(steady, gpu_ms=[6.0] * 40, unseen_ms=1.0) == [
        "events saw 6 ms of the 9 ms for which the host waited: a step works on another stream, so gpu_ms_p50 is not "
        "its time; mend the detector"
    ]


def test_drift_is_told_with_its_sign():
    reasons = _doubts([10.0] * 20 + [11.5] * 20)
    assert any("+15 % off the first" in reason for reason in reasons)
    assert any("-13 % off the first" in reason for reason in _doubts([11.5] * 20 + [10.0] * 20))


def test_drift_compares_each_input_with_itself():
    # three inputs, 1, 5 and 9 ms, 20 samples: both halves hold each, though in unequal numbers
    samples = [(1.0, 5.0, 9.0)[i % 3] for i in range(20)]
    assert drift_of(samples, 3) == 0.0
    assert drift_of(samples[:10] + [1.2 * sample for sample in samples[10:]], 3) == pytest.approx(0.2)


def test_different_inputs_drift_only_if_their_intervals_are_apart():
    overlapping = [8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0]
    assert drift_of(overlapping, 12) == 0.0
    apart = [8.0, 9.0, 10.0, 10.0, 11.0, 12.0, 14.0, 15.0, 15.0, 15.0, 16.0, 17.0]
    assert drift_of(apart, 12) == pytest.approx(0.5)
    assert drift_of([1.0, 9.0], 2) == 0.0


def test_a_clock_that_sees_nothing_is_told():
    assert "shorter than the clock can tell" in _doubts([0.0] * 50)[0]
