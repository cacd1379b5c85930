"""The main job on a CUDA device: what only a GPU can show."""

import pytest
import torch

from tradeoff.core import machine
from tradeoff.core.store import Context, Store, fetch
from tradeoff.probes import reference
from tradeoff.probes.paired import Demands, compare
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
    times = reference.times_ms(torch.device("cuda:0"))
    # 32 images of 481 million multiply-adds: no GPU has 200 TFLOPS in full precision
    assert min(times) > 32 * 2 * 0.481e9 / 200e12 * 1000
    assert torch.backends.cudnn.allow_tf32 is True
