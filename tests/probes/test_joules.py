"""Counters of energy: in joules, without a seam where they wrap, and with a reason where they cannot be read."""

from pathlib import Path

import pytest
import torch

from tests.core.fakes import FakeNVML, NVMLError
from tradeoff.core import nvml
from tradeoff.core.errors import DeviceLost, NotMeasured
from tradeoff.probes import joules
from tradeoff.probes.joules import CpuCounter, GpuCounter, counter_of

RANGE_UJ = 1_000_000


@pytest.fixture(autouse=True)
def all_devices(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def zone(root: Path, name: str, what: str, energy_uj: int = 0) -> Path:
    folder = root / name
    folder.mkdir()
    (folder / "name").write_text(what + "\n")
    (folder / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    return folder / "energy_uj"


def test_packages_are_summed_and_nothing_else(tmp_path: Path):
    first = zone(tmp_path, "intel-rapl:0", "package-0", 300_000)
    second = zone(tmp_path, "intel-rapl:1", "package-1", 100)
    core, platform = zone(tmp_path, "intel-rapl:0:0", "core"), zone(tmp_path, "intel-rapl:2", "psys")
    counter = CpuCounter(tmp_path)
    assert counter.joules() == 0.0
    first.write_text("550000")
    second.write_text("60100")
    core.write_text("200000")
    platform.write_text("900000")
    assert counter.joules() == pytest.approx(0.31)  # 250,000 + 60,000 µJ


def test_a_counter_that_wraps_goes_on(tmp_path: Path):
    raw = zone(tmp_path, "intel-rapl:0", "package-0", 900_000)
    counter, true_uj = CpuCounter(tmp_path), 900_000
    for step in (50_000, 300_000, 700_000, 999_999, 1):
        true_uj += step
        raw.write_text(str(true_uj % RANGE_UJ))
        assert counter.joules() == pytest.approx((true_uj - 900_000) / 1e6)


def test_no_counter_of_the_cpu_is_told(tmp_path: Path):
    zone(tmp_path, "intel-rapl:0", "psys")
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(NotMeasured, match="virtual machines and containers"):
            CpuCounter(root)


def test_a_counter_for_root_alone_is_told_with_the_way_to_open_it(tmp_path: Path, monkeypatch):
    zone(tmp_path, "intel-rapl:0", "package-0")
    read = Path.read_text

    def for_root(path: Path) -> str:
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_text", for_root)
    with pytest.raises(NotMeasured, match=r"root alone; `sudo chmod a\+r"):
        CpuCounter(tmp_path)


def test_a_counter_that_vanishes_is_told(tmp_path: Path):
    raw = zone(tmp_path, "intel-rapl:0", "package-0")
    counter = CpuCounter(tmp_path)
    raw.unlink()
    with pytest.raises(NotMeasured, match="No such file"):
        counter.joules()


def gpu_counter(**readings) -> GpuCounter:
    with nvml.opened(FakeNVML(**readings)) as driver:
        return GpuCounter(driver.gpus[0])


def test_a_gpu_counts_in_joules():
    assert gpu_counter(nvmlDeviceGetTotalEnergyConsumption=5_000_123).joules() == pytest.approx(5000.123)


@pytest.mark.parametrize(("code", "words"), [(3, "Not Supported"), (4, "Insufficient Permissions")])
def test_what_nvml_will_not_say_is_told_in_its_words(code: int, words: str):
    counter = gpu_counter(nvmlDeviceGetTotalEnergyConsumption=NVMLError(code))
    with pytest.raises(NotMeasured, match=words):
        counter.joules()


def test_a_gpu_that_is_lost_is_no_missing_sensor():
    with pytest.raises(DeviceLost, match="GPU is lost"):
        gpu_counter(nvmlDeviceGetTotalEnergyConsumption=NVMLError(15)).joules()
    with pytest.raises(DeviceLost, match="GPU is lost"):  # another question has found it out
        gpu_counter(nvmlDeviceGetMigMode=NVMLError(15)).joules()


def test_a_slice_of_a_gpu_has_no_energy_of_its_own():
    with pytest.raises(NotMeasured, match="slices"):
        gpu_counter(nvmlDeviceGetMigMode=(1, 1))
    assert gpu_counter(nvmlDeviceGetMigMode=NVMLError(3)).joules() == 5000.0  # a GPU that knows no slices


def test_the_counter_of_a_device_is_that_of_its_kind(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(joules, "POWERCAP", tmp_path)
    zone(tmp_path, "intel-rapl:0", "package-0")
    with counter_of(torch.device("cpu")) as (counter, gpu):
        assert isinstance(counter, CpuCounter)
        assert gpu is None
    with counter_of(torch.device("cuda:1"), FakeNVML(count=2)) as (counter, gpu):
        assert isinstance(counter, GpuCounter)
        assert gpu.temperature_c() == 41


@pytest.mark.parametrize(
    ("library", "words"),
    [(FakeNVML(init=NVMLError(9)), "Driver Not Loaded"), (FakeNVML(count=0), "none"), (FakeNVML(), "cuda:1")],
)
def test_a_gpu_that_nvml_does_not_have_is_told(library: FakeNVML, words: str):
    with pytest.raises(NotMeasured, match=words), counter_of(torch.device("cuda:1"), library):
        pass
    assert library.sessions == 0
