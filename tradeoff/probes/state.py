"""The state of the machine while something is measured: its CPUs, its GPU, and how torch is set."""

import os
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any, Self

import torch

from tradeoff.core import nvml
from tradeoff.probes.cpu_state import CpuState, CpuWatch
from tradeoff.probes.gpu_processes import own_number
from tradeoff.probes.gpu_state import GpuState, GpuWatch

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_PROC_BIND", "KMP_AFFINITY", "CUDA_VISIBLE_DEVICES")


@dataclass(frozen=True)
class State:
    """What the machine did.

    gpu: None for work on a CPU, and where NVML does not know the GPU; then `no_gpu` says why.
    torch: versions, threads and flags of precision.
    """

    cpu: CpuState
    gpu: GpuState | None
    no_gpu: str
    driver_version: str | None
    torch: dict[str, Any]

    def columns(self) -> dict[str, Any]:
        """Return what a row tells of it; whether a CPU was throttled is not known."""
        gpu = self.gpu
        return {
            "throttled": gpu.throttled if gpu else "unknown",
            "foreign_processes": gpu.foreign if gpu else None,
            "gpu_clock_mhz": gpu.sm_clock_mhz if gpu else None,
            "gpu_temperature_c": gpu.temperature_c if gpu else None,
            "power_limit_w": gpu.power_limit_w if gpu else None,
            "others_cpu_pct": self.cpu.others_pct,
            "steal_pct": self.cpu.steal_pct,
            "involuntary_switches": self.cpu.involuntary_per_s,
            "governor": self.cpu.governor,
            "threads": self.torch["threads"],
        }

    def doubts(self) -> list[str]:
        """Say why what was timed meanwhile is not to be trusted, and what to do next."""
        unseen = f"the state of the GPU is not known ({self.no_gpu}); install the driver's NVML, or take a whole GPU"
        return [
            *self.cpu.doubts(),
            *(self.gpu.doubts() if self.gpu else [unseen] if self.no_gpu else []),
        ]

    def kept(self) -> dict[str, Any]:
        """Return all of it, for JSON."""
        return asdict(self)


class StateWatch:
    """Watches the CPUs, and the GPU where the device is one, from the beginning to the end of its block.

    Args:
        device: where the work is done.
        is_paced: whether the device rests between runs.
        cpu: stands in for the watch of the CPUs.
        binding: stands in for the module `pynvml`.

    Attributes:
        state: what happened, once the block has ended.
    """

    state: State

    def __init__(
        self, device: torch.device, *, is_paced: bool = False, cpu: CpuWatch | None = None, binding: Any = None
    ) -> None:
        self.device, self.is_paced, self.binding = device, is_paced, binding
        self.cpu = cpu or CpuWatch()
        self.gpu: GpuWatch | None = None
        self.no_gpu = ""
        self.driver_version: str | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        if self.device.type == "cuda":
            self._open_gpu(self._stack.enter_context(nvml.opened(self.binding)))
        self._stack.enter_context(self.cpu)
        return self

    def _open_gpu(self, driver: nvml.Driver) -> None:
        """Begin to watch the GPU of the device, or note why that is not possible."""
        index = self.device.index or 0
        self.driver_version = driver.version
        if index < len(driver.gpus):
            watch = GpuWatch(driver.gpus[index], is_paced=self.is_paced, own=own_number(index))
            self.gpu = self._stack.enter_context(watch)
        else:
            self.no_gpu = driver.reason or f"NVML lists {len(driver.gpus)} GPUs, this is number {index}"

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._stack.__exit__(kind, error, trace)
        if self.cpu.state:
            gpu = self.gpu.state if self.gpu else None
            self.state = State(self.cpu.state, gpu, self.no_gpu, self.driver_version, torch_flags(self.device))

    def look(self) -> None:
        """Read the GPU's sensors in passing."""
        if self.gpu:
            self.gpu.look()

    def judge_last(self, seconds: float) -> None:
        """Judge the GPU's clocks by the last so many seconds, those after warm-up."""
        if self.gpu:
            self.gpu.judge_last(seconds)


def torch_flags(device: torch.device) -> dict[str, Any]:
    """Return what decides how torch computes: versions, threads, and what it may round or choose by itself."""
    cudnn, on_gpu = torch.backends.cudnn, device.type == "cuda"
    return {
        "threads": torch.get_num_threads(),
        "interop_threads": torch.get_num_interop_threads(),
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda,
        "cudnn": cudnn.version() if on_gpu else None,
        "mkldnn": torch.backends.mkldnn.is_available(),
        "cudnn_benchmark": cudnn.benchmark,
        "cudnn_deterministic": cudnn.deterministic,
        "cudnn_allow_tf32": cudnn.allow_tf32,
        "matmul_allow_tf32": torch.backends.cuda.matmul.allow_tf32,
        "autocast": str(torch.get_autocast_dtype(device.type)) if torch.is_autocast_enabled(device.type) else None,
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }
