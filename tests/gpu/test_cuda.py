"""The main job on a CUDA device: what only a GPU can show."""

import statistics
import subprocess
import sys

import pytest
import torch

from tests.gpu.sensors import needs, unreadable
from tradeoff.core import machine
from tradeoff.core.nvml import THROTTLING
from tradeoff.core.store import Context, Store, fetch
from tradeoff.probes import reference
from tradeoff.probes.latency import summary, time_steps
from tradeoff.probes.limits import Limits
from tradeoff.probes.paired import Demands, compare
from tradeoff.probes.state import StateWatch
from tradeoff.run import enumerate_cells
from tradeoff.stages.network import inferring, trained

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]
WORDS = ["extractor=tiny", "size=96", "train=smoke", "proposals=20", "measure.max_s=2", "device=cuda"]


def stages_of(*words):
    ((cell, _),) = enumerate_cells([*WORDS, *words])
    return cell.stages(machine.detect("cuda"))


@pytest.mark.parametrize("meta_arch", ["ssd", "faster_rcnn", "rfcn"])
def test_every_column_of_a_gpu_is_filled(tmp_path, meta_arch):
    context = Context(Store(tmp_path), "cuda:0")
    stages = stages_of(f"meta_arch={meta_arch}")
    trained_columns = fetch(stages.train, context)
    measured = fetch(stages.measure, context)
    of_proposals = {"proposals_ms_p50", "gmacs_proposals", "gmacs_base", "gmacs_per_proposal"}
    of_few, of_the_cpu = {f"latency_ms_p{q}" for q in (90, 95, 99)}, {"governor", "others_cpu_pct", "steal_pct"}
    empty = {name for name, value in measured.items() if value is None}
    assert empty - of_few - of_the_cpu == unreadable() | (of_proposals if meta_arch == "ssd" else set())
    assert measured["gpu_ms_p50"] > 0
    assert measured["gpu_ms_p50"] <= measured["latency_ms_p50"] * 1.1
    assert measured["peak_memory_mb"] >= measured["weights_mb"] * 0.9
    assert trained_columns["train_peak_memory_mb"] > 0


@pytest.mark.parametrize("meta_arch", ["ssd", "faster_rcnn", "rfcn"])
def test_the_gpu_says_what_the_cpu_says(tmp_path, meta_arch):
    stages = stages_of(f"meta_arch={meta_arch}")
    store, images = Store(tmp_path), torch.rand(1, 3, 96, 96)
    told = {}
    for device in ("cpu", "cuda:0"):
        detector = trained(stages.train, Context(store, device))
        with inferring("fp32", device):
            sizes_px = torch.tensor([[96.0, 96.0]], device=device)
            raw = detector.predict(images.to(device), sizes_px, stages.measure.inference)
        told[device] = raw["logits"].float().sort(dim=1).values.cpu()
    assert torch.allclose(told["cpu"], told["cuda:0"], atol=1e-3)


@pytest.mark.parametrize("meta_arch", ["ssd", "faster_rcnn", "rfcn"])
def test_the_modern_recipe_trains_in_mixed_precision_and_keeps_a_running_mean(tmp_path, meta_arch):
    words = ("train=modern", "train.steps=3", "train.batch_size=2", "train.workers=0", f"meta_arch={meta_arch}")
    stage, context = stages_of(*words).train, Context(Store(tmp_path), "cuda:0")
    assert fetch(stage, context)["train_steps"] == 3
    kept = trained(stage, context).state_dict()
    assert all(bool(torch.isfinite(tensor).all()) for tensor in kept.values())
    assert all(tensor.dtype == torch.float32 for tensor in kept.values() if tensor.is_floating_point())


@pytest.fixture(scope="module")
def cycles_per_ms():
    """How many cycles the GPU waits in a millisecond, by several long runs; the first ones bring its clock up."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    told = []
    for _ in range(15):
        begin.record()
        torch.cuda._sleep(200_000_000)
        end.record()
        torch.cuda.synchronize()
        told.append(200_000_000 / begin.elapsed_time(end))
    return statistics.median(told[5:])


def read_ms(work):
    """Return what both clocks read of work: the host's, and that of events."""
    limits = Limits(max_s=10, min_samples=60, warmup_iterations=10, warmup_s=0.2, precision=0.001)
    timing = time_steps([("sleep", work)], [0], device=torch.device("cuda:0"), limits=limits)
    assert not any("stream" in reason for reason in timing.reasons)
    told = summary(timing)
    return told["p50"], told["gpu_p50"]


@pytest.mark.parametrize("known_ms", [1.0, 10.0, 100.0])
def test_work_of_known_duration_is_read_right(cycles_per_ms, known_ms):
    """Within 1 % or 5 µs by both clocks, once what a kernel that does nothing takes is left out."""
    empty = read_ms(lambda _: torch.cuda._sleep(0))
    asked = round(cycles_per_ms * known_ms)
    found = read_ms(lambda _: torch.cuda._sleep(asked))
    assert max(empty) < 0.1
    assert [read - nothing for read, nothing in zip(found, empty, strict=True)] == pytest.approx(
        [known_ms, known_ms], rel=0.01, abs=0.005
    )


def test_work_on_another_stream_is_waited_for_by_the_host_and_doubted_as_the_events_do_not_see_it():
    stream = torch.cuda.Stream()

    def elsewhere(_):
        with torch.cuda.stream(stream):
            torch.cuda._sleep(20_000_000)

    limits = Limits(max_s=2, min_samples=20, warmup_iterations=3, warmup_s=0.1, precision=0.05)
    timing = time_steps([("away", elsewhere)], [0], device=torch.device("cuda:0"), limits=limits)
    told = summary(timing)
    assert told["p50"] > 5.0  # 20 million cycles at 4 GHz at most
    assert told["gpu_p50"] < 1.0
    assert any("a step works on another stream" in reason for reason in timing.reasons)


def test_the_state_of_the_gpu_is_read():
    with StateWatch(torch.device("cuda:0")) as watch:
        product = torch.rand(4096, 4096, device="cuda:0")
        for _ in range(50):
            product = (product @ product).clamp(0, 1)
            watch.look()
        torch.cuda.synchronize()
    state = watch.state
    assert state.gpu is not None, state.no_gpu
    assert state.gpu.name == torch.cuda.get_device_name(0)
    assert len(state.gpu.looks) == 52


def busy_state():
    """Return the state of the GPU while it multiplies large matrices for some seconds."""
    left = torch.rand(8192, 8192, device="cuda:0")
    with StateWatch(torch.device("cuda:0")) as watch:
        for _ in range(20):
            for _ in range(10):
                left @ left
            watch.look()
            torch.cuda.synchronize()
    return watch.state.gpu


def test_the_clock_of_a_busy_gpu_is_within_its_range():
    needs("sm_clock_mhz")
    most_mhz = needs("sm_clock_max_mhz")
    assert 0.25 * most_mhz < busy_state().sm_clock_mhz <= most_mhz


def test_a_busy_gpu_draws_power_and_is_warm():
    limit_w = needs("power_limit_w")
    needs("power_w")
    needs("temperature_c")
    state = busy_state()
    assert 0.2 * limit_w < state.power_w < 1.2 * limit_w
    assert 20 < state.temperature_c < 100


def test_throttling_is_told_from_the_bits_that_were_seen():
    needs("clock_reasons")
    state = busy_state()
    bits = [look["clock_reasons"] for look in state.looks]
    named = {name for bit, name in THROTTLING.items() if any(seen & bit for seen in bits)}
    assert named <= set(state.why)
    assert (state.throttled == "no") is not bool(state.why)


SEEN = """
import subprocess, sys, torch
from tradeoff.probes.gpu_processes import find_own
from tradeoff.probes.state import StateWatch
gpu = torch.device("cuda:0")
find_own(gpu)
with StateWatch(gpu) as alone:
    pass
code = "import torch; torch.zeros(1, device='cuda:0'); print('up', flush=True); input()"
other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
other.stdout.readline()
with StateWatch(gpu) as shared:
    pass
other.communicate(b"\\n")
print(shared.state.gpu.foreign - alone.state.gpu.foreign)
"""


def test_another_process_on_the_gpu_is_counted():
    kept = torch.zeros(1, device="cuda:0")
    if not needs("processes_mb"):
        pytest.skip("NVML lists no process, and this one uses the GPU")
    told = subprocess.run([sys.executable, "-c", SEEN], capture_output=True, text=True, check=False)
    assert told.stdout.split() == ["1"], told.stderr
    assert kept.is_cuda


def test_the_device_is_named_as_torch_names_it():
    found = machine.detect("cuda")
    assert found.device_name == torch.cuda.get_device_name(0)
    assert found.driver_version


def test_turns_tell_five_percent_of_a_kernel_and_wait_for_it():
    cycles = 2_000_000  # about a millisecond
    kernels = [lambda _: torch.cuda._sleep(cycles), lambda _: torch.cuda._sleep(round(1.05 * cycles))]
    found = compare(kernels, device="cuda", demands=Demands(max_s=10))
    assert found.medians_ms()[0] > 0.2  # a launch alone takes microseconds
    assert found.ratios[0].verdict == "SLOW"
    assert found.ratios[0].estimate == pytest.approx(1.05, abs=0.01)


def test_the_reference_work_is_waited_for_and_leaves_precision_as_it_was():
    torch.backends.cudnn.allow_tf32 = True
    takes = reference.takes_ms(torch.device("cuda:0"))
    # 32 images of 481 million multiply-adds: no GPU has 200 TFLOPS in full precision
    assert min(map(min, takes)) > 32 * 2 * 0.481e9 / 200e12 * 1000
    assert torch.backends.cudnn.allow_tf32 is True
