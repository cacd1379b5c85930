"""The timing loop on a clock that is told what time it is, and coarsely on the real one."""

import gc
import itertools
import random
import time

import pytest
import torch

from tests.probes.fakes import CPU, FakeClock, FakeCuda, FakeStep, forever, limits_of, timed
from tradeoff.probes.latency import summary, time_steps


def test_constant_steps_are_measured_exactly_whole_and_split():
    clock = FakeClock()
    steps = [(name, FakeStep(clock, ms)) for name, ms in [("preprocess", 2), ("network", 7), ("postprocess", 1)]]
    timing = time_steps(steps, [0], device=CPU, limits=limits_of(), clock_ns=clock)
    assert timing.samples_ms == [10.0] * 20
    assert set(timing.stages_ms["network"]) == {7.0}
    assert timing.gpu_ms is None
    assert timing.reasons == []
    got = summary(timing)
    assert got["n"] == 20
    assert got["p50"] == got["mean"] == got["min"] == got["q1"] == got["q3"] == 10.0
    assert got["median_ci"] == (10.0, 10.0)
    assert got["stages"] == {"preprocess": 2.0, "network": 7.0, "postprocess": 1.0}
    assert got["p90"] is got["p95"] is got["p99"] is got["gpu_p50"] is None


def test_each_step_takes_the_output_of_the_one_before():
    clock, results = FakeClock(), []

    def double(value: int) -> int:
        clock.advance(1.0)
        return 2 * value

    steps = [("double", double), ("keep", results.append)]
    time_steps(steps, [1, 2], device=CPU, limits=limits_of(max_s=1.0), clock_ns=clock)
    assert set(results) == {2, 4}


def test_samples_cycle_through_the_inputs_in_order():
    clock = FakeClock()
    durations = {1: 10.0, 2: 20.0, 3: 30.0}

    def step(value: int) -> None:
        clock.advance(durations[value])

    timing = time_steps([("all", step)], [1, 2, 3], device=CPU, limits=limits_of(max_s=1.0), clock_ns=clock)
    assert timing.samples_ms[:7] == [10.0, 20.0, 30.0, 10.0, 20.0, 30.0, 10.0]
    assert timing.stages_ms["all"][:4] == [10.0, 20.0, 30.0, 10.0]
    assert timing.inputs == 3


def test_cuda_waits_once_for_a_sample_and_after_each_step_for_the_split(monkeypatch: pytest.MonkeyPatch):
    clock = FakeClock()
    cuda = FakeCuda(clock, monkeypatch)
    # Host and queue overlap: 3 ms, then 1 ms of launching; the queue works from 4 to 14; the host goes on to 8; the
    # queue takes 1 more, from 14 to 15. Events stand at 3 and 15. Split and waited for: 3, 1 + 10, 4 + 1.
    steps = [("preprocess", cuda.step(3, 0)), ("network", cuda.step(1, 10)), ("postprocess", cuda.step(4, 1))]
    timing = time_steps(steps, [0], device=torch.device("cuda"), limits=limits_of(), clock_ns=clock)
    assert set(timing.samples_ms) == {15.0}
    assert set(timing.gpu_ms) == {12.0}
    assert summary(timing)["gpu_p50"] == 12.0
    assert summary(timing)["stages"] == {"preprocess": 3.0, "network": 11.0, "postprocess": 5.0}
    whole, split = len(timing.warmup_ms) + len(timing.samples_ms), len(timing.stages_ms["network"])
    assert cuda.syncs == 1 + whole + 3 * split  # one before all
    assert (cuda.events, timing.reasons) == (2, [])  # made once; preprocessing is before the first one


def test_a_gpu_that_is_not_waited_for_has_no_time(monkeypatch: pytest.MonkeyPatch):
    clock = FakeClock()
    cuda = FakeCuda(clock, monkeypatch)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    with pytest.raises(RuntimeError, match="must be completed"):
        time_steps([("all", cuda.step(1, 10))], [0], device=torch.device("cuda"), limits=limits_of(), clock_ns=clock)


@pytest.mark.parametrize("head", [[], [("preprocess", 4.0)]])
def test_work_on_another_stream_is_told(monkeypatch: pytest.MonkeyPatch, head: list):
    clock = FakeClock()
    cuda = FakeCuda(clock, monkeypatch)
    steps = [*((name, cuda.step(ms, 0)) for name, ms in head), ("network", cuda.elsewhere(10))]
    timing = time_steps(steps, [0], device=torch.device("cuda"), limits=limits_of(), clock_ns=clock)
    assert summary(timing)["gpu_p50"] == 0.0
    (reason,) = timing.reasons
    assert reason.startswith("events saw 0 ms of the 10 ms for which the host waited: a step works on another stream")


def test_a_single_step_lies_between_the_events(monkeypatch: pytest.MonkeyPatch):
    clock = FakeClock()
    cuda = FakeCuda(clock, monkeypatch)
    timing = time_steps(
        [("all", cuda.step(1, 10))], [0], device=torch.device("cuda"), limits=limits_of(), clock_ns=clock
    )
    assert set(timing.gpu_ms) == {11.0}


@pytest.mark.parametrize("duration_ms", [0.01, 1, 40, 700, 1000, 1600, 5000, 100_000])
@pytest.mark.parametrize("shapes", [1, 30])
def test_all_in_all_time_is_bounded_for_any_slow_callable(duration_ms: float, shapes: int):
    clock = FakeClock()
    noise = random.Random(0)
    step = FakeStep(clock, (duration_ms * noise.choice([0.2, 1.0]) for _ in iter(int, 1)))
    timing = timed(clock, step, [torch.zeros(i + 1) for i in range(shapes)], max_s=1.0, precision=1e-9)
    assert clock.now_ns / 1e9 <= 1.5 * 1.0 + 2 * duration_ms / 1e3 + 1e-6
    assert len(timing.samples_ms) >= 1


def test_a_run_longer_than_all_time_is_reported_as_the_cold_run_it_was():
    clock = FakeClock()
    timing = timed(clock, FakeStep(clock, 60_000.0))
    assert timing.samples_ms == [60_000.0]
    assert "warm-up left no time: the only sample is a warm-up run; raise measure.max_s" in timing.reasons
    assert summary(timing)["stages"] == {"all": 60_000.0}


def test_noise_is_sampled_until_the_median_is_known():
    clock = FakeClock()
    noise = random.Random(4)
    step = FakeStep(clock, (noise.gauss(10, 0.5) for _ in iter(int, 1)))
    timing = timed(clock, step, precision=0.01)
    assert timing.stopped_by == "precision"
    assert timing.unmet == []
    assert summary(timing)["precision"] <= 0.01
    # the interval's half-width is about 1.96 * 1.2533 * 5 % / sqrt(n) = 1 % at n = 151
    assert 60 < len(timing.samples_ms) < 400
    low, high = summary(timing)["median_ci"]
    assert high - low <= 0.021 * summary(timing)["p50"]
    assert timing.reasons == []


def test_time_that_ends_before_the_median_is_known_is_told():
    clock = FakeClock()
    noise = random.Random(5)
    step = FakeStep(clock, (noise.gauss(50, 5) for _ in iter(int, 1)))
    timing = timed(clock, step, max_s=2.0, precision=0.001)
    assert any(r.startswith("the median is known to ±") and "raise measure.max_s" in r for r in timing.reasons)
    assert timing.stopped_by == "time"
    first, second = timing.unmet
    assert first == f"precision ±{100 * summary(timing)['precision']:.3g} % > ±0.1 %"
    assert second == "noise not settled"


def test_noise_that_is_too_much_for_the_time_ends_it_early_and_tells_what_it_would_take():
    clock = FakeClock()
    noise = random.Random(7)
    step = FakeStep(clock, (noise.gauss(10, 0.5) for _ in iter(int, 1)))
    timing = timed(clock, step, max_s=100.0, precision=0.0005)
    assert timing.stopped_by == "noise"
    assert [words.split(" ±")[0] for words in timing.unmet] == ["precision"]  # its noise is known
    assert clock.now_ns / 1e9 < 20
    # half-width 1.96 * 1.2533 * 5 % / sqrt(n) = 0.05 % at n = 60,000: 600 s, and a quarter for the split
    told = next(reason for reason in timing.reasons if "which would take about" in reason)
    seconds = float(told.split("about ")[1].split(" s")[0])
    assert 300 < seconds < 1200


def test_a_round_over_the_inputs_is_always_finished():
    clock = FakeClock()
    noise = random.Random(4)
    step = FakeStep(clock, (noise.gauss(10, 0.5) for _ in iter(int, 1)))
    timing = timed(clock, step, [torch.zeros(1)] * 7, precision=0.01)
    assert timing.stopped_by == "precision"
    assert len(timing.samples_ms) % 7 == 0


def test_timing_lasts_as_long_as_asked():
    clock = FakeClock()
    timing = timed(clock, FakeStep(clock, 10.0), min_s=2.0)
    assert timing.spent_s >= 2.0
    assert len(timing.samples_ms) < 200


def test_a_pause_stands_before_every_run_and_takes_no_measured_time():
    clock, pauses = FakeClock(), []

    def pause() -> None:
        pauses.append(clock.now_ns)
        clock.advance(200.0)

    step = FakeStep(clock, 5.0)
    timing = time_steps([("all", step)], [0], device=CPU, limits=limits_of(), clock_ns=clock, pause=pause)
    assert set(timing.samples_ms) == set(timing.stages_ms["all"]) == {5.0}
    assert len(pauses) == len(timing.samples_ms) + len(timing.stages_ms["all"])  # none in warm-up
    assert timing.spent_s == pytest.approx(len(pauses) * 0.205)


def test_outputs_of_the_first_inputs_are_those_of_the_timed_runs():
    clock, calls = FakeClock(), []

    def step(value: int) -> tuple[int, int]:
        clock.advance(10.0)
        calls.append(value)
        return value, len(calls)

    timing = time_steps([("all", step)], list(range(30)), device=CPU, limits=limits_of(), clock_ns=clock)
    assert {index: value for index, (value, _) in timing.outputs.items()} == {i: i for i in range(16)}
    assert all(number > len(timing.warmup_ms) for _, number in timing.outputs.values())


def test_fast_runs_are_counted_and_bounded():
    clock = FakeClock()
    timing = timed(clock, FakeStep(clock, 0.00025), min_samples=200_000)
    assert timing.stopped_by == "samples"
    assert 100_000 <= len(timing.samples_ms) < 200_000


def test_high_percentiles_appear_with_enough_samples():
    clock = FakeClock()
    timing = timed(clock, FakeStep(clock, forever([10.0] * 9 + [20.0])), min_samples=700)
    got = summary(timing)
    assert got["p50"] == 10.0
    assert got["p95"] == got["p99"] == 20.0


def test_the_collector_rests_while_timing_and_is_restored():
    states = []
    time_steps([("all", lambda _: states.append(gc.isenabled()))], [0], device=CPU, limits=limits_of(max_s=0.1))
    assert not any(states)
    assert gc.isenabled()


def test_the_collector_is_restored_after_an_error():
    def fails(_: object) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        time_steps([("all", fails)], [0], device=CPU, limits=limits_of())
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        time_steps([("all", lambda _: None)], [0], device=CPU, limits=limits_of(max_s=0.05))
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_progress_is_told_now_and_then_and_takes_no_measured_time():
    clock = FakeClock()
    told = []

    def progress(done_s: float, total_s: float) -> None:
        told.append((done_s, total_s))
        clock.advance(3.0)

    timing = time_steps(
        [("all", FakeStep(clock, 50.0))], [0], device=CPU, limits=limits_of(), clock_ns=clock, progress=progress
    )
    assert set(timing.samples_ms) == {50.0}
    assert [total for _, total in told] == [15.0] * len(told)
    gaps = [after - before for (before, _), (after, _) in itertools.pairwise(told)]
    assert len(gaps) > 3
    assert min(gaps) >= 0.2


@pytest.mark.parametrize(
    ("steps", "inputs", "device", "match"),
    [
        ([], [0], "cpu", "expected at least one"),
        ([("a", abs), ("a", abs)], [0], "cpu", "no name twice"),
        ([("a", abs)], [], "cpu", "got no inputs"),
        ([("a", abs)], [0], "meta", "got device meta"),
    ],
)
def test_what_cannot_be_timed_is_refused(steps: list, inputs: list, device: str, match: str):
    with pytest.raises(ValueError, match=match):
        time_steps(steps, inputs, device=torch.device(device), limits=limits_of())


@pytest.mark.parametrize(
    "changes", [{"max_s": 0.0}, {"precision": float("nan")}, {"min_samples": 0}, {"warmup_s": -1.0}]
)
def test_limits_out_of_range_are_refused(changes: dict[str, float]):
    with pytest.raises(ValueError, match=rf"Limits.{next(iter(changes))}: got"):
        limits_of(**changes)


@pytest.mark.slow  # needs a machine that is quiet for a moment
@pytest.mark.parametrize("known_ms", [1.0, 10.0, 100.0])
def test_work_of_known_duration_is_read_within_the_bar(known_ms: float):
    def spin(_: object) -> None:
        end = time.perf_counter_ns() + round(1e6 * known_ms)
        while time.perf_counter_ns() < end:
            pass

    for _ in range(5):  # the machine is shared
        told = summary(time_steps([("all", spin)], [0], device=CPU, limits=limits_of(max_s=3.0)))
        if abs(told["p50"] - known_ms) <= max(0.005 * known_ms, 0.005):
            return
    pytest.fail(f"{known_ms} ms were read as {told['p50']} ms")


def test_the_instrument_itself_takes_microseconds():
    timing = time_steps([("all", lambda _: None)], [0], device=CPU, limits=limits_of(max_s=0.2))
    assert summary(timing)["p50"] < 0.05
