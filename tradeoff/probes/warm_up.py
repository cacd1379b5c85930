"""Warm-up: every shape is run until it gets no faster, then one input until its times settle."""

import statistics
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from tradeoff.probes.chain import Chain, Run
from tradeoff.probes.limits import Limits, Watch

GIVE_UP = 300  # runs that never settle; pyperf, _worker.py
SETTLED_RUNS, SETTLED = 5, 0.05  # medians of the last five and of the five before agree within 5 %
FASTER = 0.05  # a run that beats all before it by more than 5 % shows that its shape was not warm yet
SHAPE_TRIES = 50  # runs of one shape


def warm_up(
    chain: Chain, inputs: Sequence[Any], shape_of: Callable[[Any], Hashable], limits: Limits, watch: Watch
) -> tuple[list[Run], list[str]]:
    """Warm up; return the runs, and in words what was not reached.

    What is set up at first runs (kernels that are chosen or made for a shape, memory) makes them slower, never
    faster. So a shape is warm when running it again is not clearly faster than all of its runs before. Then the first
    input is repeated, because only times of one input are comparable, until they no longer move.
    """
    chain.synchronize()
    runs: list[Run] = []
    reasons = [
        *_warm_up_shapes(chain, first_of_each_shape(inputs, shape_of), runs, limits, watch),
        *_settle(chain, inputs[0], runs, limits, watch),
    ]
    return runs, reasons


def first_of_each_shape(inputs: Sequence[Any], shape_of: Callable[[Any], Hashable]) -> list[Any]:
    """Return the first input of every shape, in order."""
    found: dict[Hashable, Any] = {}
    for value in inputs:
        found.setdefault(shape_of(value), value)
    return list(found.values())


def _warm_up_shapes(chain: Chain, firsts: Sequence[Any], runs: list[Run], limits: Limits, watch: Watch) -> list[str]:
    """Run each shape until it is warm, while there is time; add the runs to `runs`."""
    warm = 0
    for value in firsts:
        if runs and watch.elapsed_s() >= limits.warmup_cap_s:
            break
        mine = [chain.end_to_end(value)]
        is_warm = False
        while not is_warm and len(mine) < SHAPE_TRIES and watch.elapsed_s() < limits.warmup_cap_s:
            best_ms = min(host_ms for host_ms, _ in mine)
            mine.append(chain.end_to_end(value))
            is_warm = mine[-1][0] >= (1 - FASTER) * best_ms
        runs += mine
        warm += is_warm
    if warm == len(firsts):
        return []
    return [f"{len(firsts) - warm} of {len(firsts)} input shapes were not warmed up; raise measure.max_s"]


def _settle(chain: Chain, value: Any, runs: list[Run], limits: Limits, watch: Watch) -> list[str]:
    """Repeat one input until its times settle and warm-up was long enough; add the runs to `runs`."""
    repeats: list[float] = []
    while True:
        elapsed_s, settled = watch.elapsed_s(), is_settled(repeats)
        enough = len(runs) >= limits.warmup_iterations and elapsed_s >= limits.warmup_s
        if elapsed_s >= limits.warmup_cap_s or (enough and (settled or len(runs) >= GIVE_UP)):
            break
        runs.append(chain.end_to_end(value))
        repeats.append(runs[-1][0])
    reasons = []
    if not enough:
        asked = f"{limits.warmup_iterations} runs and {limits.warmup_s:g} s"
        reasons.append(
            f"warm-up ended after {len(runs)} runs and {elapsed_s:.1f} s, not {asked}; raise measure.max_s"
        )
    if not settled:
        reasons.append("warm-up ended before its times settled; raise measure.max_s or close other programs")
    return reasons


def is_settled(repeats: Sequence[float]) -> bool:
    """Tell whether the last runs took as long as those just before."""
    if len(repeats) < 2 * SETTLED_RUNS:
        return False
    before = statistics.median(repeats[-2 * SETTLED_RUNS : -SETTLED_RUNS])
    after = statistics.median(repeats[-SETTLED_RUNS:])
    return abs(after - before) <= SETTLED * before
