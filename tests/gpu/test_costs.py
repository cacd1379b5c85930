"""Memory and energy on a CUDA device: exact where they can be, in order where they cannot."""

import gc
import json

import pytest
import torch

from tests.gpu.sensors import has_energy, unreadable
from tradeoff import doctor
from tradeoff.core import machine
from tradeoff.core.store import Context, Store, fetch
from tradeoff.probes.energy import energy
from tradeoff.probes.fit import CudaMemory, fits, smallest_cap
from tradeoff.probes.joules import counter_of
from tradeoff.probes.memory import PeakMemory, weights_mb
from tradeoff.run import enumerate_cells
from tradeoff.stages.costs import fit
from tradeoff.stages.costs.subject import Subject
from tradeoff.stages.network import inferring

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
GPU = torch.device("cuda:0")


@pytest.mark.parametrize("size", [512, 1024 * 1000, 96 * 2**20])
def test_known_allocations_are_read_to_the_byte(size):
    assert size % 512 == 0  # the allocator's own rounding; from 10 MiB on in lots of 2 MiB
    with PeakMemory(GPU) as memory:
        torch.empty(size, dtype=torch.uint8, device=GPU)
        kept = torch.empty(size, dtype=torch.uint8, device=GPU)
    assert memory.peak_mb == pytest.approx(size / 1e6, abs=1e-9)
    assert kept.numel() == size


def test_a_cap_below_what_a_product_needs_stops_it_and_one_above_does_not():
    device = CudaMemory(GPU)

    def work():
        left, right = torch.ones(2, 4096, 4096, device=GPU)  # 67 MB each, and their product
        return (left @ right).sum().item()

    work()
    gc.collect()
    held = device.in_use()  # by other tests, and by cuBLAS
    found = smallest_cap(work, device, 2_000_000)
    assert 3 <= (found - held) / (4096**2 * 4) < 4
    for cap, runs in ((found * 1.05, True), (found * 0.95, False)):
        device.cap(round(cap))
        assert fits(work) is runs
    device.cap(device.total())
    assert fits(work)


def test_what_a_call_fits_into_is_that_of_one_detector(tmp_path):
    words = ["extractor=resnet50", "size=300", "train=none", "measure.images=1", "measure.fit=true", "device=cuda"]
    ((cell, _),) = enumerate_cells(words)
    subject = Subject(cell.stages(machine.detect("cuda")).measure, Context(Store(tmp_path), "cuda:0"))
    with inferring("fp32", "cuda:0"):
        subject.chain(subject.batches[0])
        alone = fit.measure(subject, {}).columns["fit_mb"]
        assert subject.counter.square(300).count.macs > 0  # a second detector, of more than 100 MB
        assert fit.measure(subject, {}).columns["fit_mb"] == pytest.approx(alone, abs=30.0)
    assert torch.cuda.memory_allocated(GPU) < 1.1e6 * weights_mb(subject.chain.detector) + 40e6


def test_each_counter_of_a_row_holds_the_one_before(tmp_path):
    words = ["extractor=tiny", "size=96", "train=none", "measure.max_s=1", "measure.fit=true", "device=cuda"]
    ((cell, _),) = enumerate_cells([*words, "measure.energy_trials=2", "measure.energy_s=1"])
    row = fetch(cell.stages(machine.detect("cuda")).measure, Context(Store(tmp_path), "cuda:0"))
    assert 0 < row["tensors_peak_mb"] <= row["peak_memory_mb"] <= row["reserved_memory_mb"]
    if "process_memory_mb" in unreadable():
        assert "process_memory_mb" in row["unmeasured"]
    else:
        assert row["reserved_memory_mb"] <= row["process_memory_mb"]
    assert row["peak_memory_mb"] * 0.9 <= row["fit_mb"] <= row["reserved_memory_mb"] * 1.2
    assert row["fit_batch"] >= 1
    if has_energy():
        assert row["energy_j"] > 0
        assert row["power_w"] > row["idle_w"] > 0
    else:
        assert "energy_j" in row["unmeasured"]


def test_twice_the_work_takes_twice_the_energy():
    if not has_energy():
        pytest.skip("the counter of energy cannot be read")
    left = torch.rand(4096, 4096, device=GPU)

    def product(times):
        for _ in range(times):
            left @ left
        torch.cuda.synchronize(GPU)

    with counter_of(GPU) as (counter, _):
        once, twice = (
            energy(lambda times=times: product(times), counter, window_s=5.0, trials=3) for times in (10, 20)
        )
    assert twice.call_j / once.call_j == pytest.approx(2.0, rel=0.05)
    assert once.power_w > once.rest.watts


def test_the_doctor_finds_the_clocks_and_the_allocator_of_the_gpu_right(capsys):
    doctor.main(["--device", "cuda"])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    states = {check["name"]: check["state"] for check in told["checks"]}
    assert states["two clocks"] == states["allocation"] == states["product"] == "right"
    assert states["A/A"] == states["+5 %"] == "right"
    assert {states[f"{known} ms of the GPU"] for known in (1, 10, 100)} == {"right"}
