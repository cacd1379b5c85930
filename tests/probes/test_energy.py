"""Energy on a device whose power is scripted and whose counter moves in steps; every way in which it can fail."""

import math
from itertools import chain, repeat

import pytest

from tests.probes.bench import Bench
from tradeoff.core.errors import NotMeasured


@pytest.mark.parametrize("call_s", [0.001, 0.02, 0.7])
@pytest.mark.parametrize("tick_s", [0.001, 0.1])
def test_a_call_takes_its_power_above_rest_times_its_length(call_s: float, tick_s: float):
    told = Bench(tick_s=tick_s).measure(call_s)
    assert told.rest.watts == pytest.approx(50.0, rel=0.01)
    assert told.call_j == pytest.approx((300.0 - 50.0) * call_s, rel=0.02)
    assert told.power_w == pytest.approx(300.0, rel=0.02)
    assert len(told.trials) == 3
    assert all(trial.seconds >= 2.0 for trial in told.trials)


def test_twice_the_work_is_twice_the_energy():
    once, twice = (Bench().measure(call_s).call_j for call_s in (0.013, 0.026))
    assert twice / once == pytest.approx(2.0, rel=0.03)


def test_the_counter_is_not_read_while_a_window_is_under_way():
    bench = Bench()
    bench.measure(0.001)
    # a window is 2000 calls; the counter is read in the first and the last 0.1 s of each of four windows
    assert bench.readings < 4 * 2 * 105 + 10


def test_trials_that_differ_are_told_by_their_spread():
    calls = 115  # about the calls of a window of 2 s and its ticks, 0.02 s each
    watts = chain(repeat(250.0, calls), repeat(300.0, calls), repeat(350.0))
    told = Bench(work_w=watts).measure()
    # 200, 250 and 300 W above rest: the median is 250, from lowest to highest 100 W are 40 %
    assert told.call_j == pytest.approx(250.0 * 0.02, rel=0.03)
    assert told.spread_pct == pytest.approx(40.0, abs=6.0)


def test_a_sensor_that_is_missing_costs_no_time():
    bench = Bench()

    def refuse() -> float:
        raise NotMeasured("no sensor")

    bench.joules = refuse
    with pytest.raises(NotMeasured, match="no sensor"):
        bench.measure()
    assert bench.now_s == 0.0


@pytest.mark.parametrize("reading", [1, 5, 40])
def test_a_gpu_that_is_lost_on_the_way_has_no_energy(reading: int):
    bench = Bench()

    def lost() -> float:
        if bench.readings >= reading:
            raise NotMeasured("GPU is lost")
        return Bench.joules(bench)

    bench.joules = lost
    with pytest.raises(NotMeasured, match="lost"):
        bench.measure()


def test_a_counter_that_stands_still_is_dead_and_soon_found_out():
    bench = Bench(tick_s=math.inf)
    with pytest.raises(NotMeasured, match="stood still for 5 s"):
        bench.measure()
    assert bench.now_s < 8.0


def test_a_counter_that_dies_on_the_way_is_found_out_as_well():
    bench = Bench()

    def dying() -> float:
        bench.readings += 1
        return bench.told_j if bench.now_s < 6.5 else 1234.5

    bench.joules = dying
    with pytest.raises(NotMeasured, match="stood still"):
        bench.measure()


def test_a_counter_that_runs_backwards_is_no_measure():
    bench = Bench()

    def reset() -> float:
        return bench.told_j if bench.now_s < 5.0 else bench.told_j - 1100.0

    bench.joules = reset
    with pytest.raises(NotMeasured, match="backwards"):
        bench.measure()


def test_work_that_draws_no_more_than_rest_has_no_energy():
    with pytest.raises(NotMeasured, match=r"45\.0 W in work and 50\.0 W at rest"):
        Bench(work_w=45.0).measure()


def test_more_power_than_the_limit_is_a_broken_sensor():
    assert Bench(work_w=715.0).measure(limit_w=700.0).power_w == pytest.approx(715.0, rel=0.02)
    with pytest.raises(NotMeasured, match="800 W, above the limit of 700 W"):
        Bench(work_w=800.0).measure(limit_w=700.0)
