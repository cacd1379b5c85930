"""The machine: which device there is and what identifies it, found without importing torch."""

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from tradeoff.core import nvml
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
        ConfigError: when the word is none of these, or a CUDA device is asked for that is not there.
    """
    check_word(device)
    gpus, driver, reason = nvidia_devices()
    if device == "cpu" or (device == "auto" and not gpus):
        return Machine("cpu", cpu_name(), installed("torch"), installed("torchvision"))
    index = int(device.partition(":")[2] or 0) if device != "auto" else 0
    if index >= len(gpus):
        found = f"found: {', '.join(gpus)}" if gpus else f"found none ({reason})"
        raise ConfigError(f"device={device}: no such CUDA device; {found}. Use device=cpu, or device=auto")
    return Machine(f"cuda:{index}", gpus[index], installed("torch"), installed("torchvision"), driver)


def check_word(device: str) -> None:
    """Refuse a word that names no device, whatever devices there are.

    Raises:
        ConfigError: when it is none.
    """
    name, _, index = device.partition(":")
    if not (device in ("auto", "cpu", "cuda") or (name == "cuda" and index.isdecimal())):
        raise ConfigError(f"device={device!r}: expected auto, cpu, cuda or cuda:N")


def nvidia_devices() -> tuple[list[str], str | None, str]:
    """Return the CUDA devices that torch can use, the driver's version, and a reason when there are none."""
    if not torch_has_cuda():
        return [], None, "the installed torch is a build without CUDA"
    with nvml.opened() as driver:
        return [gpu.name() or "unnamed" for gpu in driver.gpus], driver.version, driver.reason


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
