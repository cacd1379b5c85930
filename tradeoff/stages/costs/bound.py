"""Bound: how long the network must take on this machine at the least, and whether what was timed can be."""

import statistics
from collections.abc import Mapping
from typing import Any

from tradeoff.core.errors import ImpossibleTime
from tradeoff.core.store import fetch
from tradeoff.probes.roofline import FEWER_BY_LARGE_TILES, FEWER_BY_LIBRARIES, Roof, bound_ms, loose_bound_ms
from tradeoff.recipes.stages import Peak
from tradeoff.stages.costs.counter import Work
from tradeoff.stages.costs.subject import Findings, Subject
from tradeoff.stages.peak import measured

TIMES = ("network_ms_p50", "latency_ms_min", "gpu_ms_p50")  # each has the whole network in it


def measure(subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Compare the times with the bound.

    Batch norm moves nothing in it, since it is folded in what is timed; else it is of the network as it was trained.

    Raises:
        ImpossibleTime: when one is below the loose bound, though the peak was measured again.
    """
    stage = subject.stage
    works = [subject.counter.images(batch) for batch in subject.batches]
    roof = Roof(**fetch(Peak(machine=stage.machine, precision=stage.inference.precision), subject.context))
    if impossible(
        before, loosest_ms(subject, works, roof)
    ):  # a peak that was measured low would refuse what is right
        roof |= measured(stage.inference.precision, subject.context.device)
    refuse(before, loosest_ms(subject, works, roof), roof)
    bound = statistics.median(bound_ms(work.network.calls, roof) for work in works)
    columns = {
        "bound_ms": bound,
        "bound_pct": 100 * bound / before["network_ms_p50"] if before.get("network_ms_p50") else None,
        "peak_gflops_per_s": roof.flops_per_s / 1e9,
        "peak_gb_per_s": roof.bytes_per_s / 1e9,
    }
    return Findings(columns)


def loosest_ms(subject: Subject, works: list[Work], roof: Roof) -> float:
    """Return the loose bound of the batch that has the least to do, ms."""
    weights = subject.counter.weights_bytes()
    by_large_tiles = subject.stage.inference.takes_winograd(subject.device.type)
    fewer = FEWER_BY_LARGE_TILES if by_large_tiles else FEWER_BY_LIBRARIES
    return min(loose_bound_ms(work.network.macs, weights + work.through_bytes, roof, fewer) for work in works)


def impossible(times: Mapping[str, Any], least_ms: float) -> list[str]:
    """Return the names of the times that are below a bound."""
    return [name for name in TIMES if (taken := times.get(name)) is not None and taken < least_ms]


def refuse(times: Mapping[str, Any], least_ms: float, roof: Roof) -> None:
    """Refuse times below a bound."""
    for name in impossible(times, least_ms):
        raise ImpossibleTime(
            f"{name} is {times[name]:.3g} ms, but its work takes {least_ms:.3g} ms at the least on this machine, "
            f"which reached {roof.flops_per_s / 1e9:.4g} GFLOP/s and {roof.bytes_per_s / 1e9:.4g} GB/s: the clock "
            "was read before the work had ended, or the work was not done. The measurement is at fault: the row is "
            "refused; please report it"
        )
