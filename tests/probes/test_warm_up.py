"""Warm-up is proven to have ended, shape by shape, on a clock that is told what time it is."""

import torch

from tests.probes.fakes import CPU, FakeClock, FakeStep, limits_of, timed
from tradeoff.probes.latency import time_steps


def test_warm_up_runs_every_shape_before_the_first_sample():
    clock = FakeClock()
    step = FakeStep(clock, 1.0)
    shapes = [(1, 4), (2, 4), (1, 4), (3, 4)]
    timing = timed(clock, step, [torch.zeros(shape) for shape in shapes])
    warm = [tuple(value.shape) for value in step.seen[: len(timing.warmup_ms)]]
    assert warm[:6] == [(1, 4), (1, 4), (2, 4), (2, 4), (3, 4), (3, 4)]  # the second run is no faster than the first
    assert warm[6:] == [(1, 4)] * 10  # the first input, until five and five agree


def test_shapes_of_nested_inputs_and_images_are_told_apart():
    from PIL import Image

    clock = FakeClock()
    step = FakeStep(clock, 1.0)
    inputs = [
        (torch.zeros(1), [torch.zeros(2)]),
        (torch.zeros(1), [torch.zeros(3)]),
        {"image": torch.zeros(1)},
        {"image": torch.zeros(1, dtype=torch.float64)},
        Image.new("RGB", (2, 3)),
        Image.new("RGB", (3, 2)),
    ]
    timing = timed(clock, step, inputs)
    assert len(timing.warmup_ms) == 2 * 6 + 10


def test_slow_first_runs_are_not_among_the_samples():
    clock = FakeClock()
    timing = timed(clock, FakeStep(clock, [500.0, 100.0, 30.0, 12.0, 10.0]))
    assert set(timing.samples_ms) == {10.0}


def test_warm_up_goes_on_until_times_settle():
    clock = FakeClock()
    falling = [100.0 * 0.9**i for i in range(20)]  # five runs later is 41 % less
    timing = timed(clock, FakeStep(clock, falling))
    assert len(timing.warmup_ms) > 20
    assert timing.reasons == []


def test_warm_up_lasts_as_long_and_as_often_as_asked():
    clock = FakeClock()
    assert timed(clock, FakeStep(clock, 10.0), warmup_iterations=50).warmup_ms == [10.0] * 50
    # the whole is bounded by 10 s; 2 s of 10 ms are 200 runs
    assert timed(clock, FakeStep(clock, 10.0), warmup_s=2.0).warmup_ms == [10.0] * 200


def test_warm_up_that_cannot_be_had_is_told():
    clock = FakeClock()
    timing = timed(clock, FakeStep(clock, 10.0), max_s=1.0, warmup_s=2.0)
    assert len(timing.warmup_ms) == 50  # half of max_s
    assert timing.reasons == ["warm-up ended after 50 runs and 0.5 s, not 3 runs and 2 s; raise measure.max_s"]


def test_shapes_that_were_not_warmed_up_are_told():
    clock = FakeClock()
    inputs = [torch.zeros(size) for size in range(1, 21)]
    timing = timed(clock, FakeStep(clock, 100.0), inputs, max_s=1.0)
    # five runs fit into half of a second: two of each of two shapes, and one of a third
    assert "18 of 20 input shapes were not warmed up; raise measure.max_s" in timing.reasons


def test_a_shape_is_run_until_it_gets_no_faster():
    clock = FakeClock()
    # the second shape: 9 beats 50, 8.9 does not beat 9 by 5 %
    step = FakeStep(clock, [10.0, 10.0, 80.0, 50.0, 9.0, 8.9, 10.0])
    timing = timed(clock, step, [torch.zeros(1), torch.zeros(2)])
    assert timing.warmup_ms[:7] == [10.0, 10.0, 80.0, 50.0, 9.0, 8.9, 10.0]
    assert [len(value) for value in step.seen[:7]] == [1, 1, 2, 2, 2, 2, 1]
    assert timing.reasons == []


def test_a_shape_that_keeps_getting_faster_is_told():
    clock = FakeClock()
    falling = [100.0 * 0.9**i for i in range(50)]  # every run beats those before by 10 %, fifty times
    timing = timed(clock, FakeStep(clock, falling))
    assert timing.reasons == ["1 of 1 input shapes were not warmed up; raise measure.max_s"]


def test_what_counts_as_a_shape_can_be_said():
    clock = FakeClock()
    inputs = [torch.zeros(1), torch.zeros(2), torch.zeros(3)]
    step = FakeStep(clock, 1.0)
    timing = time_steps(
        [("all", step)], inputs, device=CPU, limits=limits_of(), clock_ns=clock, kind_of=lambda _: "one"
    )
    assert len(timing.warmup_ms) == 2 + 10


def test_times_that_never_settle_end_the_warm_up_with_a_reason():
    clock = FakeClock()
    growing = (1.0 * 1.03**i for i in range(400))  # five runs later is 16 % more
    timing = timed(clock, FakeStep(clock, growing), max_s=100_000.0)
    assert len(timing.warmup_ms) == 300
    assert any("before its times settled" in reason for reason in timing.reasons)
