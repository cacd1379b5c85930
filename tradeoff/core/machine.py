"""The machine: which device there is and what identifies it, found without importing torch."""

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from tradeoff.core.errors import ConfigError


@dataclass(frozen=True)
class Machine:
    """The hardware and software that a time or a memory figure belongs to.

    device: "cpu" or "cuda:N". device_name: as the maker calls it; for a CPU with the number of threads in use.
    """

    device: str
    device_name: str
    torch_version: str
    torchvision_version: str
    driver_version: str | None = None


def detect(device: str) -> Machine:
    """Find the device that a word such as "auto", "cpu", "cuda" or "cuda:1" means.

    Raises:
        ConfigError: when a CUDA device is asked for and there is none.
    """
    gpus, driver, reason = nvidia_devices()
    if device == "cpu" or (device == "auto" and not gpus):
        return Machine("cpu", cpu_name(), installed("torch"), installed("torchvision"))
    index = int(device.partition(":")[2] or 0) if device != "auto" else 0
    if index >= len(gpus):
        found = f"found: {', '.join(gpus)}" if gpus else f"found none ({reason})"
        raise ConfigError(f"device={device}: no such CUDA device; {found}. Use device=cpu, or device=auto")
    return Machine(f"cuda:{index}", gpus[index], installed("torch"), installed("torchvision"), driver)


def nvidia_devices() -> tuple[list[str], str | None, str]:
    """Return the CUDA devices that torch can use, the driver's version, and a reason when there are none."""
    if not torch_has_cuda():
        return [], None, "the installed torch is a build without CUDA"
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return [], None, f"NVML: {error}"
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        uuids = [pynvml.nvmlDeviceGetUUID(handle) for handle in handles]
        chosen = visible(uuids, os.environ.get("CUDA_VISIBLE_DEVICES"))
        names = [pynvml.nvmlDeviceGetName(handles[i]) for i in chosen]
        return names, pynvml.nvmlSystemGetDriverVersion(), reason_for_none(len(handles))
    except pynvml.NVMLError as error:
        return [], None, f"NVML: {error}"
    finally:
        pynvml.nvmlShutdown()


def reason_for_none(count: int) -> str:
    """Word why no device is left of those that NVML lists."""
    if not count:
        return "NVML lists none"
    return f"CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES')!r} leaves none of {count}"


def visible(uuids: Sequence[str], wanted: str | None) -> list[int]:
    """Return the numbers of the devices that CUDA_VISIBLE_DEVICES leaves, in its order.

    As in CUDA, a device is named by its number or by a beginning of its UUID that no other has, and the list ends at
    the first name that is none. Slices of a device (MIG) are none.
    """
    if wanted is None:
        return list(range(len(uuids)))
    found: list[int] = []
    for name in (word.strip() for word in wanted.split(",")):
        named = [i for i, uuid in enumerate(uuids) if name == str(i) or (name and uuid.startswith(name))]
        if len(named) != 1:
            break
        found += named
    return found


def torch_has_cuda() -> bool:
    """Tell from its version file whether the installed torch was built with CUDA, without importing it."""
    spec = find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError("torch is not installed; run `make quickstart`, or pip install torch torchvision together")
    text = (Path(spec.submodule_search_locations[0]) / "version.py").read_text()
    return re.search(r"^cuda\b[^=]*=\s*['\"]", text, re.MULTILINE) is not None


def cpu_name() -> str:
    """Return the model of the CPU and the number of threads that this process may use."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists() and (found := re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE)):
        model = found.group(1).strip()
    return f"{model}, {threads()} threads"


def threads() -> int:
    """Return how many threads torch takes: OMP_NUM_THREADS where given, else the logical cores it may use."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdigit() and int(given) else len(os.sched_getaffinity(0))


def installed(package: str) -> str:
    """Return the version of an installed package, or "missing"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def code_version() -> str:
    """Return the version of this code: the package's, and the commit where it runs from a checkout."""
    root = Path(__file__).parents[2]
    release = installed("tradeoff")
    if not (root / ".git").exists():
        return release
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=9"]
    try:
        described = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:  # no git on this machine
        return release
    return f"{release}+{described.stdout.strip()}" if described.returncode == 0 else release
