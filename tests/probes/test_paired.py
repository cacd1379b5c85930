"""Verdicts on a fake clock, on machines that drift, jump and stumble."""

import math
import random
from contextlib import nullcontext

import pytest
import torch

from tests.probes.fakes import FakeClock, FakeCuda, FakeStep
from tradeoff.probes import paired
from tradeoff.probes.paired import Comparison, Demands, compare, judge
from tradeoff.probes.paired_doubts import doubts

QUICK = {"warmup_s": 0.0, "max_s": 3.0}


class Machine:
    """A fake clock on which work takes longer the more the machine drifts, wanders, is shared or stumbles.

    drift: of the logarithm, per second. wander: deviation of a slow walk of the logarithm, whose neighbours correlate
    to 0.98. shared: logarithm that is added in phases of about 200 ms, a quarter of the time. stumble: ms that are
    added to every tenth run, times a Pareto variable of infinite variance. jitter: deviation of a run's logarithm.
    """

    def __init__(self, seed: int, *, drift=0.0, wander=0.0, shared=0.0, stumble=0.0, jitter=0.02) -> None:
        self.random, self.clock = random.Random(seed), FakeClock()
        self.drift, self.wander, self.shared, self.stumble, self.jitter = drift, wander, shared, stumble, jitter
        self.walk, self.is_shared, self.until_ns = 0.0, True, 0.0

    def task(self, milliseconds: float):
        """Return a callable that takes so long on a machine at its best."""
        return lambda _: self.clock.advance(milliseconds * math.exp(self.slowness()) + self.stumbling())

    def slowness(self) -> float:
        self.walk = 0.98 * self.walk + math.sqrt(1 - 0.98**2) * self.random.gauss(0, 1)
        if self.clock() >= self.until_ns:
            self.is_shared = not self.is_shared
            self.until_ns = self.clock() + self.random.expovariate(1 / (2e8 if self.is_shared else 6e8))
        steady = self.drift * self.clock() / 1e9 + self.shared * self.is_shared
        return steady + self.wander * self.walk + self.jitter * self.random.gauss(0, 1)

    def stumbling(self) -> float:
        return self.stumble * self.random.paretovariate(1.5) if self.random.random() < 0.1 else 0.0


MACHINES = {
    "quiet": {},
    "wandering": {"wander": 0.15},
    "shared": {"shared": 0.5},
    "stumbling": {"stumble": 0.5},
    "all of it": {"drift": -0.05, "wander": 0.1, "shared": 0.3, "stumble": 0.2},
}
REPETITIONS = 40


def compared(seed: int, times_ms: list[float], kind: str = "quiet", **demands: float) -> Comparison:
    machine = Machine(seed, **MACHINES[kind])
    return compare(
        [machine.task(time) for time in times_ms],
        demands=Demands(**{**QUICK, **demands}),  # type: ignore[arg-type]
        draw=random.Random(seed),
        clock_ns=machine.clock,
    )


@pytest.fixture(params=MACHINES)
def trials(request, monkeypatch: pytest.MonkeyPatch):
    """Compare 2 ms with as much, +2 % and +5 % of it, again and again, 150 rounds at most."""
    truths = (1.0, 1.02, 1.05)
    monkeypatch.setattr(paired, "collector_off", nullcontext)  # collecting takes longer than all that is simulated
    return {
        truth: [
            compared(seed, [2.0, 2.0 * truth], request.param, min_rounds=100, max_rounds=150).ratios[0]
            for seed in range(REPETITIONS)
        ]
        for truth in truths
    }


def test_whatever_the_machine_does_intervals_hold_the_truth_and_verdicts_are_right(trials):
    """Missed are 5 % of 120, which is 6 with a deviation of 2.4; of 40 equals at most 2 are told apart, ± 1.4."""
    missed = sum(not found.low <= truth <= found.high for truth, ratios in trials.items() for found in ratios)
    assert missed <= 11
    said = {truth: [found.verdict for found in ratios] for truth, ratios in trials.items()}
    assert sum(verdict in ("FAST", "SLOW") for verdict in said[1.0]) <= 6
    assert said[1.05].count("SLOW") >= 0.95 * REPETITIONS
    assert said[1.02].count("SLOW") >= 0.8 * REPETITIONS
    assert "FAST" not in said[1.02] + said[1.05]


def test_the_ratio_is_that_of_each_callable_to_the_first_and_the_verdict_mirrors_it():
    slower, faster = compared(1, [2.0, 2.2, 1.8, 2.0]).ratios[:2]
    assert slower.estimate == pytest.approx(1.1, abs=0.006)
    assert faster.estimate == pytest.approx(0.9, abs=0.006)
    assert (slower.verdict, faster.verdict) == ("SLOW", "FAST")
    assert compared(1, [2.2, 2.0]).ratios[0].verdict == "FAST"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.995, 1.005, "SAME"),
        (1.002, 1.008, "SAME"),  # surely slower, by less than matters
        (1.002, 1.012, "SLOW"),
        (1.02, 1.08, "SLOW"),
        (0.92, 0.98, "FAST"),
        (0.985, 0.999, "FAST"),
        (0.9902, 1.01, "SAME"),  # 1 / 1.01 = 0.990099
        (0.99, 1.005, "CANNOT TELL"),
        (0.999, 1.02, "CANNOT TELL"),
        (1.0, 1.02, "CANNOT TELL"),
    ],
)
def test_verdicts_follow_from_interval_and_zone(low, high, verdict):
    assert judge(low, high, zone=0.01) == verdict
    mirrored = {"FAST": "SLOW", "SLOW": "FAST"}.get(verdict, verdict)
    assert judge(1 / high, 1 / low, zone=0.01) == mirrored


def test_timing_ends_once_the_interval_is_narrow_and_there_is_a_verdict():
    found = compared(3, [2.0, 2.0], max_s=60)
    assert found.reasons == []
    (ratio,) = found.ratios
    assert math.log(ratio.high / ratio.low) <= math.log(1.01)  # half of the zone to each side
    assert ratio.verdict != "CANNOT TELL"
    assert 30 <= len(found.rounds_ms) < 1000


def test_a_narrow_interval_ends_timing_though_the_difference_is_large():
    steady = FakeClock()
    found = compare([FakeStep(steady, 2.0), FakeStep(steady, 3.0)], demands=Demands(warmup_s=0), clock_ns=steady)
    assert len(found.rounds_ms) == 30
    assert found.ratios[0].estimate == pytest.approx(1.5)


def test_a_limit_ends_timing_and_says_how_well_the_ratio_is_known():
    found = compared(0, [2.0, 2.0], "wandering", max_s=0.2)
    (reason,) = found.reasons
    assert reason.startswith("the ratio is known to ±")
    assert reason.endswith(f"% only, after {len(found.rounds_ms)} rounds; give it more time, or close other programs")
    assert 25 <= len(found.rounds_ms) <= 60  # 0.2 s of 4 ms and more
    assert found.ratios[0].verdict == "CANNOT TELL"


def test_the_least_that_an_interval_needs_is_taken_beyond_the_time_limit():
    found = compared(0, [2000.0, 2000.0], max_s=1.0)
    assert len(found.rounds_ms) == 10


def test_a_ratio_that_changes_is_told():
    clock = FakeClock()
    becoming_slower = FakeStep(clock, [2.0] * 20 + [2.4] * 20)
    demands = Demands(warmup_s=0, min_rounds=36, max_rounds=36)
    found = compare([FakeStep(clock, 2.0), becoming_slower], demands=demands, clock_ns=clock)
    # two rounds warm up; of 36, the first 18 are at 2.0, the other 18 at 2.4
    assert found.reasons[-1].startswith("the ratio changed by +20.0 % while it was measured")


@pytest.mark.parametrize(
    ("first", "second", "is_doubted"),
    [
        (0.05, 0.15, False),  # 5 to 16 % more, though known to ±5 % only
        (-0.15, -0.05, False),
        (-0.009, 0.009, False),  # within the zone
        (-0.05, 0.05, True),
        (0.003, 0.06, True),  # slower, but by how much more than matters is open
    ],
)
def test_more_time_is_asked_for_only_where_it_would_tell_more(first, second, is_doubted):
    reasons = doubts([first, second] * 5, 1, 0.01)  # the interval of ten rounds is from first to second
    assert [reason for reason in reasons if "give it more time" in reason] == reasons
    assert bool(reasons) is is_doubted


def test_a_sure_ratio_of_one_callable_is_not_doubted_for_that_of_another():
    clock, source = FakeClock(), random.Random(0)

    def noisy(value):
        clock.advance(2.0 * math.exp(source.gauss(0, 0.3)))

    functions = [FakeStep(clock, 2.0), FakeStep(clock, 4.0), noisy]
    found = compare(functions, demands=Demands(warmup_s=0, max_s=0.5), clock_ns=clock)
    assert len(found.reasons) == 1


def passes(inputs: int, milliseconds: float, **demands) -> Comparison:
    clock = FakeClock()
    steps = [FakeStep(clock, milliseconds / 2), FakeStep(clock, milliseconds / 2)]
    return compare(steps, range(inputs), demands=Demands(warmup_s=0, **demands), clock_ns=clock)


@pytest.mark.parametrize(
    ("inputs", "milliseconds", "demands", "rounds"),
    [
        (7, 10.0, {}, 35),  # narrow from the start: the first pass that ends after 30
        (100, 10.0, {}, 100),
        (100, 10.0, {"max_s": 0.5}, 50),  # time for a part of the first pass
        (16, 10.0, {"max_s": 0.5, "min_rounds": 1000}, 48),  # a fourth pass would end at 0.64 s
        (7, 10.0, {"min_rounds": 1000, "max_rounds": 25}, 21),
        (7, 10.0, {"min_rounds": 1000, "max_rounds": 10}, 10),  # a whole pass would be fewer than an interval needs
    ],
)
def test_timing_ends_after_whole_passes_over_the_inputs(inputs, milliseconds, demands, rounds):
    found = passes(inputs, milliseconds, **demands)
    assert len(found.rounds_ms) == rounds
    told = [f"only {rounds} of {inputs} inputs were taken; give it more time, or fewer inputs"]
    assert found.reasons == (told if rounds < inputs else [])


def test_inputs_whose_ratios_differ_are_no_change():
    logs = [0.0] * 10 + [0.2] * 10  # a pass over twenty inputs; its second half has another ratio
    assert doubts(logs, 20, 0.5) == doubts(logs * 2, 20, 0.5) == []
    assert "changed by +22.1 %" in doubts(logs, 1, 0.5)[0]
    assert "changed by +49.2 %" in doubts(logs + [log + 0.4 for log in logs], 20, 0.5)[-1]


def test_the_order_is_drawn_anew_in_every_round_and_times_stay_with_their_callables():
    clock, ran = FakeClock(), []

    def task(index: int, milliseconds: float):
        return lambda value: (ran.append((index, value)), clock.advance(milliseconds))

    demands = Demands(warmup_s=0, min_rounds=100, max_rounds=100)
    functions = [task(0, 2.0), task(1, 4.0), task(2, 6.0)]
    found = compare(functions, ["a", "b"], demands=demands, draw=random.Random(0), clock_ns=clock)
    assert found.rounds_ms == [[2.0, 4.0, 6.0]] * 100
    assert [ratio.estimate for ratio in found.ratios] == pytest.approx([2.0, 3.0])
    timed = ran[-300:]
    assert [index for index, _ in timed] == [index for order in found.orders for index in order]
    assert [value for _, value in timed[::3]] == ["a", "b"] * 50  # all of a round take the same input
    firsts = [order[0] for order in found.orders]
    assert all(20 <= firsts.count(index) <= 47 for index in range(3))  # 33 of 100, with a deviation of 4.7
    assert found.medians_ms() == [2.0, 4.0, 6.0]


def test_what_is_too_short_for_the_clock_is_called_more_often():
    clock = FakeClock()
    found = compare([FakeStep(clock, 0.1), FakeStep(clock, 0.2)], demands=Demands(warmup_s=0), clock_ns=clock)
    assert found.calls == 16  # the first power of two that takes 1 ms
    assert found.medians_ms() == pytest.approx([0.1, 0.2])
    assert found.ratios[0].estimate == pytest.approx(2.0)


def test_a_short_callable_beside_a_long_one_is_not_called_for_ever():
    clock = FakeClock()
    found = compare([FakeStep(clock, 0.001), FakeStep(clock, 120.0)], demands=Demands(warmup_s=0), clock_ns=clock)
    assert found.calls == 1


def test_warm_up_runs_each_shape_with_each_callable_and_lasts_as_long_as_asked():
    clock = FakeClock()
    steps = [FakeStep(clock, 10.0), FakeStep(clock, 10.0)]
    shapes = [torch.zeros(1), torch.zeros(2), torch.zeros(2), torch.zeros(3)]
    demands = Demands(warmup_s=1.0, min_rounds=10, max_rounds=10)
    compare(steps, shapes, demands=demands, clock_ns=clock)
    for step in steps:
        assert [len(value) for value in step.seen[:3]] == [1, 2, 3]
        assert len(step.seen) == 50 + 10  # 1 s of rounds of 20 ms, and what is timed


def test_cuda_is_waited_for_at_the_end_of_every_turn(monkeypatch: pytest.MonkeyPatch):
    clock = FakeClock()
    cuda = FakeCuda(clock, monkeypatch)
    functions = [cuda.step(host_ms=1, gpu_ms=10), cuda.step(host_ms=1, gpu_ms=20)]
    demands = Demands(warmup_s=0, min_rounds=10, max_rounds=10)
    found = compare(functions, device="cuda", demands=demands, clock_ns=clock)
    assert found.rounds_ms == [[11.0, 21.0]] * 10
    assert cuda.syncs == 1 + 2 * (2 + 10)  # one before all, then each turn of two rounds of warm-up and of ten


def test_progress_is_told_now_and_then():
    clock, told = FakeClock(), []
    demands = Demands(warmup_s=0, max_s=2.0, min_rounds=100)
    steps = [FakeStep(clock, 30.0), FakeStep(clock, 30.0)]  # a round is 60 ms, so 240 ms is the first after 200
    compare(steps, demands=demands, clock_ns=clock, progress=lambda done, most: told.append((done, most)))
    assert told == [(pytest.approx(0.24 * turn), 2.0) for turn in range(9)]


@pytest.mark.parametrize(("count", "inputs", "device"), [(1, [0], "cpu"), (2, [], "cpu"), (2, [0], "meta")])
def test_what_cannot_be_compared_is_refused(count, inputs, device):
    with pytest.raises(ValueError, match="expected at least two functions and one input, cpu or cuda"):
        compare([FakeStep(FakeClock(), 1.0)] * count, inputs, device=device)


def test_callables_that_take_no_time_are_refused():
    clock = FakeClock()
    with pytest.raises(ValueError, match="time more work at once"):
        compare([lambda _: None, lambda _: None], demands=Demands(warmup_s=0), clock_ns=clock)


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"zone": 0.0}, "zone"), ({"max_s": math.inf}, "max_s"), ({"min_rounds": 9}, "at least 10")],
)
def test_demands_without_sense_are_refused(changes, named):
    with pytest.raises(ValueError, match=named):
        Demands(**changes)
