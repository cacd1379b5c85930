"""Counts and bounds on a CUDA device."""

import pytest
import torch

from tests.gpu.test_cuda import stages_of
from tradeoff.core.store import Context, Store, fetch
from tradeoff.probes.flops import count
from tradeoff.probes.roofline import measure_roof
from tradeoff.stages.network import inferring, trained

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize("meta_arch", ["ssd", "faster_rcnn", "rfcn"])
def test_the_gpu_does_the_arithmetic_of_the_cpu(tmp_path, meta_arch):
    stages = stages_of(f"meta_arch={meta_arch}")
    store, images = Store(tmp_path), torch.rand(1, 3, 96, 96)
    told = []
    for device in ("cpu", "cuda:0"):
        detector = trained(stages.train, Context(store, device))
        sizes_px = torch.tensor([[96.0, 96.0]], device=device)
        with inferring("fp32", device):
            counted = count(detector.predict, images.to(device), sizes_px, stages.measure.inference)
        assert counted.uncounted == ()
        told.append(counted.macs)
    assert told[0] == told[1]


def test_attention_and_recurrent_layers_are_counted_whatever_kernel_serves_them():
    query, key = torch.rand(2, 4, 10, 16, device="cuda"), torch.rand(2, 4, 20, 16, device="cuda")
    lstm = torch.nn.LSTM(8, 16, batch_first=True).cuda().eval()
    for dtype in (torch.float32, torch.float16):
        with torch.inference_mode():
            q, k = query.to(dtype), key.to(dtype)
            attention = count(torch.nn.functional.scaled_dot_product_attention, q, k, k)
            recurrent = count(lstm.to(dtype), torch.rand(3, 5, 8, device="cuda", dtype=dtype))
        assert (attention.macs, attention.uncounted) == (2 * 4 * 10 * 20 * 32, ())
        assert (recurrent.macs, recurrent.uncounted) == (15 * 4 * 16 * (8 + 16), ())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_roof_is_that_of_a_gpu_and_no_time_is_beyond_it(tmp_path, precision):
    stage = stages_of("meta_arch=faster_rcnn", f"precision={precision}").measure
    measured = fetch(stage, Context(Store(tmp_path), "cuda:0"))
    assert measured["peak_gflops_per_s"] > 1000
    assert measured["peak_gb_per_s"] > 100
    assert 0 < measured["bound_pct"] < 100


def test_shorter_types_are_faster_in_large_products():
    device = torch.device("cuda", 0)
    with inferring("fp32", "cuda:0"):
        single, half = (measure_roof(device, [dtype]) for dtype in (torch.float32, torch.bfloat16))
    assert half.flops_per_s > 2 * single.flops_per_s
    assert half.bytes_per_s == pytest.approx(single.bytes_per_s, rel=0.1)
