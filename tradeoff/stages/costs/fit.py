"""Fit: the smallest memory that a call still runs in, and the largest batch; found by trying, when asked for."""

from collections.abc import Mapping
from itertools import cycle, islice
from typing import Any

from tradeoff.core.errors import NotMeasured
from tradeoff.probes.fit import CudaMemory, Device, give_back, largest_batch, smallest_cap
from tradeoff.stages.costs.memory import largest_input
from tradeoff.stages.costs.subject import Findings, Subject

STEP_BYTES = 2_000_000  # the allocator takes memory in lots of 2 MiB
MOST_IMAGES = 4096
PATIENCE_S = 15.0
ON_A_CPU = (
    "found on a GPU only: a cap on the addresses of a process (RLIMIT_AS) counts what is never touched, and a cgroup "
    "needs its owner's leave; peak_memory_mb is what has to be free"
)


def measure(subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Find both where `measure.fit=true`; this comes last, for it leaves no memory in reserve."""
    if not subject.stage.measuring.fit:
        return Findings({})
    if subject.device.type != "cuda":
        return Findings({}, missing=dict.fromkeys(("fit_mb", "fit_batch"), ON_A_CPU))
    subject.keep_chain_alone()
    give_back()
    return found(subject, CudaMemory(subject.device))


def found(subject: Subject, device: Device) -> Findings:
    """Try on a device whose memory can be capped."""
    images, missing = largest_input(subject), {}
    try:
        fit_mb = smallest_cap(lambda: subject.chain(images), device, STEP_BYTES) / 1e6
    except (NotMeasured, RuntimeError, MemoryError) as error:
        fit_mb, missing["fit_mb"] = None, str(error).partition("\n")[0]

    def call(batch: int) -> None:
        subject.context.report(0, 1, f"tries; now a batch of {batch}")
        subject.chain(list(islice(cycle(images), batch)))

    fit_batch, why = largest_batch(call, device, most=MOST_IMAGES, patience_s=PATIENCE_S)
    if why:
        missing["fit_batch"] = why
    return Findings({"fit_mb": fit_mb, "fit_batch": fit_batch}, missing=missing)
