"""Which sensors of the GPU can be read, asked at once: a test of another one is skipped, or expects no value."""

import pytest
import torch

from tradeoff.core import nvml
from tradeoff.core.errors import NotMeasured
from tradeoff.probes.gpu_processes import own_number
from tradeoff.probes.joules import counter_of

GPU = torch.device("cuda:0")
#: columns of a row, and the reading of NVML that fills each
COLUMNS = {"gpu_clock_mhz": "sm_clock_mhz", "gpu_temperature_c": "temperature_c", "power_limit_w": "power_limit_w"}
OF_PROCESSES = {"foreign_processes", "process_memory_mb"}


def unreadable() -> set[str]:
    """Return the columns that NVML cannot fill; ask once something has worked on the GPU."""
    with nvml.opened() as driver:
        if not driver.gpus:
            return {*COLUMNS, *OF_PROCESSES}
        gpu = driver.gpus[0]
        silent = {column for column, reading in COLUMNS.items() if getattr(gpu, reading)() is None}
        processes = gpu.processes_mb() or {}
    if own_number(0) not in processes:
        return silent | OF_PROCESSES
    return silent if processes[own_number(0)] is not None else {*silent, "process_memory_mb"}


def needs(reading: str):
    """Skip the test where NVML does not give a reading; return what it gives."""
    with nvml.opened() as driver:
        if not driver.gpus:
            pytest.skip(driver.reason)
        told = getattr(driver.gpus[0], reading)()
        if told is None:
            pytest.skip(f"NVML: {driver.gpus[0].faults[reading]}")
    return told


def has_energy() -> bool:
    """Tell whether the counter of energy can be read."""
    try:
        with counter_of(GPU) as (counter, _):
            return counter.joules() > 0
    except NotMeasured:
        return False
