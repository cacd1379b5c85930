"""What is around the measurement: other programs, how clocks are set, the GPU's sensors, versions."""

from collections.abc import Iterator
from typing import Any

import torch

from tradeoff.checkup.result import Result
from tradeoff.core import nvml
from tradeoff.core.machine import installed, torch_has_cuda
from tradeoff.probes.state import State

SENSORS = ("energy_j", "power_w", "power_limit_w", "temperature_c", "sm_clock_mhz", "clock_reasons", "processes_mb")


def told(state: State) -> Iterator[Result]:
    """Say what the machine did while all else was checked."""
    reasons = state.doubts()
    yield Result(
        "busy",
        "warning" if reasons else "right",
        _percent(state.cpu.others_pct, "other programs") + ", " + _percent(state.cpu.steal_pct, "hypervisor"),
        "at most 10 % and 5 % of the CPU",
        "; ".join(reasons),
        {"others_pct": state.cpu.others_pct, "steal_pct": state.cpu.steal_pct, "load_1m": state.cpu.load_1m},
    )
    yield governor(state.cpu.governor)


def _percent(value: float | None, whose: str) -> str:
    """Word a share of the CPU."""
    return f"{whose} not known" if value is None else f"{whose} {value:.0f} %"


def governor(name: str | None) -> Result:
    """Say how the CPU's clock is set; a virtual machine does not show it."""
    if name is None:
        return Result("governor", "right", "not shown", "performance, where it is shown")
    return Result(
        "governor",
        "right" if name == "performance" else "warning",
        name,
        "performance",
        "" if name == "performance" else "clocks follow the load; `sudo cpupower frequency-set -g performance`",
    )


def software(device: torch.device, library: Any = None) -> Iterator[Result]:
    """Name the versions, and the GPU's sensors that cannot be read."""
    with nvml.opened(library) as driver:
        unused = bool(driver.gpus) and not torch_has_cuda()
        gpu = f"driver {driver.version}" if driver.gpus else f"no GPU ({driver.reason})"
        yield Result(
            "versions",
            "warning" if unused else "right",
            f"torch {installed('torch')}, torchvision {installed('torchvision')}, {gpu}",
            advice="there is a GPU, but torch is a build without CUDA; install one from pytorch.org"
            if unused
            else "",
        )
        if device.type == "cuda":
            yield sensors(driver, device.index or 0)


def sensors(driver: nvml.Driver, index: int) -> Result:
    """Read every sensor of a GPU once; those that are missing leave columns empty or rows untrusted."""
    if index >= len(driver.gpus):
        return Result("sensors", "warning", "none", "all", f"NVML: {driver.reason or 'does not list this GPU'}")
    gpu = driver.gpus[index]
    missing = [name for name in SENSORS if getattr(gpu, name)() is None]
    return Result(
        "sensors",
        "warning" if missing else "right",
        f"{len(SENSORS) - len(missing)} of {len(SENSORS)}",
        "all",
        "; ".join(f"{name}: {gpu.faults[name]}" for name in missing),
    )
