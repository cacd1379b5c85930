"""The machine is found without torch, and says what is there."""

import os
import subprocess
import sys

import pytest

from tests.core.fakes import FakeNVML, NVMLError
from tradeoff.core import machine
from tradeoff.core.errors import ConfigError


class TwoGPUs(FakeNVML):
    """A driver library with two GPUs of different names."""

    def __init__(self):
        super().__init__(count=2)

    def nvmlDeviceGetName(self, handle):  # noqa: N802  the library's name
        return ("NVIDIA H200", "NVIDIA L4")[handle]

    def nvmlDeviceGetUUID(self, handle):  # noqa: N802
        return ("GPU-1f00aa", "GPU-1f99bb")[handle]


@pytest.fixture
def driver(monkeypatch):
    fake = TwoGPUs()
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr(machine, "torch_has_cuda", lambda: True)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return fake


def test_auto_takes_the_first_gpu(driver):
    found = machine.detect("auto")
    assert (found.device, found.device_name, found.driver_version) == ("cuda:0", "NVIDIA H200", "580.1")


def test_a_gpu_is_chosen_by_number(driver):
    assert machine.detect("cuda:1").device_name == "NVIDIA L4"


@pytest.mark.parametrize("name", ["1", " 1", "GPU-1f99bb", "GPU-1f9", "1,0", "1,nonsense,0"])
def test_visible_devices_are_counted_as_torch_counts_them(driver, monkeypatch, name):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", name)
    assert machine.detect("cuda").device_name == "NVIDIA L4"


@pytest.mark.parametrize("name", ["", "-1", "2", "GPU-1f", "NoDevFiles"])  # GPU-1f: two begin with it
def test_no_visible_device_leaves_the_cpu_and_says_why(driver, monkeypatch, name):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", name)
    assert machine.detect("auto").device == "cpu"
    with pytest.raises(ConfigError, match=f"CUDA_VISIBLE_DEVICES='{name}' leaves none of 2"):
        machine.detect("cuda")


def test_a_missing_gpu_is_refused_with_what_there_is(driver):
    with pytest.raises(ConfigError, match="device=cuda:5: no such CUDA device; found: NVIDIA H200, NVIDIA L4"):
        machine.detect("cuda:5")


def test_a_broken_driver_leaves_the_cpu_and_says_why(driver):
    driver.init = NVMLError(9)
    assert machine.detect("auto").device == "cpu"
    with pytest.raises(ConfigError, match="Driver Not Loaded"):
        machine.detect("cuda")


def test_the_cpu_is_named_with_its_threads():
    found = machine.detect("cpu")
    assert found.device_name.endswith(f", {machine.threads()} threads")
    assert found.driver_version is None
    assert found.torch_version[0].isdigit()


def test_the_build_of_torch_is_read_without_importing_it():
    code = (
        "import sys; from tradeoff.core import machine; told = machine.torch_has_cuda(); "
        "assert 'torch' not in sys.modules; import torch; assert told == (torch.version.cuda is not None)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("given", "expected"), [("3", 3), ("0", None), ("many", None), (None, None)])
def test_threads_are_those_that_torch_takes(monkeypatch, given, expected):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    assert machine.threads() == (expected or len(os.sched_getaffinity(0)))
    assert machine.cpu_name().endswith(f", {machine.threads()} threads")


@pytest.mark.parametrize("word", ["foo", "cuda:x", "cuda:", "gpu:1", ""])
def test_a_word_that_names_no_device_is_told_from_a_device_that_is_not_there(word):
    with pytest.raises(ConfigError, match="expected auto, cpu, cuda or cuda:N"):
        machine.detect(word)
