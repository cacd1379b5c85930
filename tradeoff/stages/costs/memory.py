"""Memory: what the weights take, and how much a call takes at its peak, counted in more ways than one."""

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from tradeoff.core import nvml
from tradeoff.probes.gpu_processes import own_number
from tradeoff.probes.live_tensors import LiveTensors, storages_bytes
from tradeoff.probes.memory import PeakMemory, weights_mb
from tradeoff.stages.costs.subject import Findings, Subject

CALLS = 2  # the first may set up what later calls reuse
LAG_MB = 4.0  # what the kernel may be behind in its account of a process
#: what convolutions reorder and the C library keeps: up to 60 MB, or 1.3 times the tensors, in the study's detectors
MOST_TIMES, MOST_MB = 1.5, 128.0
Images = list[np.ndarray]


def measure(subject: Subject, before: Mapping[str, Any]) -> Findings:
    """Measure the peak of a call on the batch with the largest network input."""
    images = largest_input(subject)
    subject.chain(images)  # what is set up once is no memory of the detector
    found = on_cuda(subject, images) if subject.device.type == "cuda" else on_cpu(subject, images)
    weights = {"weights_mb": weights_mb(subject.as_trained())}
    return Findings({**weights, **found.columns}, found.reasons, missing=found.missing)


def largest_input(subject: Subject) -> Images:
    """Return the batch whose network input has the most pixels."""
    return max(subject.batches, key=lambda images: math.prod(subject.chain.input_shape(images)))


def on_cpu(subject: Subject, images: Images) -> Findings:
    """Measure by how much the process grows, from before the detector is loaded; check it by the tensors."""
    empty, peak = PeakMemory(subject.device), PeakMemory(subject.device)
    with empty:
        chain = subject.build()
    with peak:  # a window of its own, so that building and loading the network do not count
        for _ in range(CALLS):
            chain(images)
    with LiveTensors() as tensors:
        chain(images)
    tensors_mb = (storages_bytes(chain.detector) + tensors.peak_bytes) / 1e6
    peak_mb = above(peak, empty)
    return Findings(
        {"peak_memory_mb": peak_mb, "tensors_peak_mb": tensors_mb},
        [] if peak_mb is None else disagreement(peak_mb, tensors_mb),
        missing={} if peak_mb is not None else {"peak_memory_mb": str(peak.reason or empty.reason)},
    )


def above(peak: PeakMemory, empty: PeakMemory) -> float | None:
    """Return the peak of one window above what was taken before another began, MB; None where not measured."""
    if peak.peak_mb is None or peak.before_mb is None or empty.before_mb is None:
        return None
    return max(0.0, peak.before_mb + peak.peak_mb - empty.before_mb)


def disagreement(peak_mb: float, tensors_mb: float) -> list[str]:
    """Say that a process took less than its tensors, or more than its kernels and its allocator explain."""
    told = f"the process grew by {peak_mb:.0f} MB at its peak and its tensors took {tensors_mb:.0f} MB: "
    if peak_mb < 0.99 * tensors_mb - LAG_MB:
        return [told + "part of it was swapped out, or had been taken before; free memory, run again"]
    if peak_mb > MOST_TIMES * tensors_mb + MOST_MB:
        return [told + "something else took memory meanwhile; run again in a process without other threads"]
    return []


def on_cuda(subject: Subject, images: Images) -> Findings:
    """Read what PyTorch's allocator and NVML say of a process that holds this detector alone."""
    with PeakMemory(subject.device):  # forgets earlier peaks
        for _ in range(CALLS):
            subject.chain(images)
    told = torch.cuda.memory_stats(subject.device)
    process_mb, why = of_process(subject.device)
    columns = {
        "tensors_peak_mb": _mb(told.get("requested_bytes.all.peak")),
        "peak_memory_mb": _mb(told["allocated_bytes.all.peak"]),
        "reserved_memory_mb": _mb(told["reserved_bytes.all.peak"]),
        "process_memory_mb": process_mb,
    }
    return Findings(columns, disorder(columns), missing={"process_memory_mb": why} if why else {})


def of_process(device: torch.device, library: Any = None) -> tuple[float | None, str]:
    """Return the memory of this process on a GPU by NVML, or None and why it is not known."""
    with nvml.opened(library) as driver:
        index = device.index or 0
        if index >= len(driver.gpus):
            return None, driver.reason or f"NVML does not list {device}"
        processes = driver.gpus[index].processes_mb()
        if processes is None:
            return None, f"NVML: {driver.gpus[index].faults['processes_mb']}"
    own = own_number(index)
    if own not in processes:
        return None, "NVML does not list this process; a container with process ids of its own hides it"
    told = processes[own]
    return told, "" if told is not None else "NVML lists this process without its memory"


def disorder(columns: Mapping[str, float | None]) -> list[str]:
    """Say which counters do not rise in the order in which each holds the one before."""
    known = [(name, value) for name, value in columns.items() if value is not None]
    return [
        f"{outer}={more:.1f} MB is below {inner}={less:.1f} MB, which it holds; one of the counters is wrong"
        for (inner, less), (outer, more) in pairwise(known)
        if more < less
    ]


def _mb(size: int | None) -> float | None:
    """Return bytes in MB of 10^6; None where nobody counts them."""
    return None if size is None else size / 1e6
