"""Energy: what a call takes beyond the device at rest, on a GPU's own counter or the CPU's."""

from collections.abc import Mapping
from dataclasses import asdict
from itertools import cycle
from typing import Any

from tradeoff.core.errors import NotMeasured
from tradeoff.core.nvml import Gpu
from tradeoff.probes.energy import Energy, energy
from tradeoff.probes.joules import Counter, counter_of
from tradeoff.stages.costs.subject import Findings, Subject

KEPT = "energy.json"
SPREAD_PCT = 10.0


def measure(subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Measure the energy of calls back to back on the images that are timed; without a sensor it takes no time."""
    if not subject.stage.measuring.energy_trials:
        return Findings({})
    try:
        with counter_of(subject.device) as (counter, gpu):
            return found(subject, counter, gpu)
    except NotMeasured as error:
        return Findings({}, missing={"energy_j": str(error)})


def found(subject: Subject, counter: Counter, gpu: Gpu | None) -> Findings:
    """Measure with a counter that is there."""
    measuring, batches = subject.stage.measuring, cycle(subject.batches)
    begin = sensors(gpu)
    told = energy(
        lambda: subject.chain(next(batches)),
        counter,
        window_s=measuring.energy_s,
        trials=measuring.energy_trials,
        limit_w=begin["power_limit_w"],
    )
    kept = asdict(told) | {"calls_j": told.calls_j, "before": begin, "after": sensors(gpu)}
    return Findings(columns(told, subject.stage.batch_size), doubts(told), {KEPT: kept})


def sensors(gpu: Gpu | None) -> dict[str, float | None]:
    """Return what a trial of energy depends on: a hot device draws more."""
    return {
        "temperature_c": gpu.temperature_c() if gpu else None,
        "power_limit_w": gpu.power_limit_w() if gpu else None,
    }


def columns(told: Energy, batch_size: int) -> dict[str, float]:
    """Return the columns of a row."""
    return {
        "energy_j": told.call_j / batch_size,
        "idle_w": told.rest.watts,
        "power_w": told.power_w,
        "energy_spread_pct": told.spread_pct,
    }


def doubts(told: Energy) -> list[str]:
    """Say why the energy is not to be trusted."""
    if told.spread_pct <= SPREAD_PCT:
        return []
    return [
        f"energy_j differs by {told.spread_pct:.0f} % between trials; close other programs, "
        "let the device settle, or raise measure.energy_s"
    ]
