"""What is timed is what is scored, and the costs are what can be counted by hand."""

import json

import numpy as np
import pytest
import torch

from tradeoff.core.machine import Machine
from tradeoff.core.store import Context, Store, fetch
from tradeoff.data.dataset import Example
from tradeoff.run import enumerate_cells
from tradeoff.stages.detect import Chain
from tradeoff.stages.network import arithmetic, build, inferring, trained
from tradeoff.stages.predict import read

CPU = Machine("cpu", "a CPU", "2.15", "0.30")
WORDS = ["extractor=tiny", "size=64", "train=smoke", "measure.max_s=1", "measure.images=2", "evaluate.images=3"]


def stages_of(*words):
    ((cell, _),) = enumerate_cells([*WORDS, *words])
    return cell.stages(CPU)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.mark.parametrize("meta_arch", ["ssd", "faster_rcnn", "rfcn"])
def test_every_column_that_a_cpu_can_fill_is_filled(store, meta_arch):
    measured = fetch(stages_of(f"meta_arch={meta_arch}", "proposals=5").measure, Context(store))
    empty = {name for name, value in measured.items() if value is None}
    unseen = {"gpu_ms_p50", "foreign_processes", "gpu_clock_mhz", "gpu_temperature_c", "power_limit_w", "governor"}
    few = {"latency_ms_p90", "latency_ms_p95", "latency_ms_p99"}
    assert empty <= unseen | few | ({"proposals_ms_p50"} if meta_arch == "ssd" else set())
    assert measured["gpu_ms_p50"] is None
    assert measured["latency_ms_p50"] > measured["network_ms_p50"] * 0.5
    assert measured["gflops"] == pytest.approx(2 * measured["gmacs"])
    assert not measured["flops_partial"], measured["reasons"]
    assert measured["peak_memory_mb"] > measured["weights_mb"] * 0.5


def test_weights_are_counted_in_bytes_of_what_a_checkpoint_holds(store):
    stages = stages_of("meta_arch=ssd")
    detector = build(stages.train, 6)
    measured = fetch(stages.measure, Context(store))
    tensors = detector.state_dict().values()
    assert len(tensors) < len([*detector.parameters(), *detector.buffers()])  # the anchors are no weights
    assert measured["params"] == sum(p.numel() for p in detector.parameters())
    assert measured["weights_mb"] == pytest.approx(sum(t.numel() * t.element_size() for t in tensors) / 1e6)


def test_arithmetic_is_linear_in_the_number_of_proposals(store):
    """Faster R-CNN: a constant plus so much for each proposal; so equal steps cost the same."""
    found = [
        fetch(stages_of("meta_arch=faster_rcnn", f"proposals={count}").measure, Context(store))["gmacs"]
        for count in (10, 20, 30)
    ]
    assert found[2] - found[1] == pytest.approx(found[1] - found[0])
    assert found[1] > found[0]


def test_every_sample_is_kept(store):
    stage = stages_of("meta_arch=ssd").measure
    measured = fetch(stage, Context(store))
    kept = json.loads((store.folder(stage) / "samples.json").read_text())
    assert len(kept["samples_ms"]) == measured["latency_n"]
    assert float(np.median(kept["samples_ms"])) == pytest.approx(measured["latency_ms_p50"])


def test_untrained_weights_are_marked(store):
    measured = fetch(stages_of("meta_arch=ssd", "train=none", "measure.max_s=0.5").measure, Context(store))
    assert measured["trusted"] is False
    assert "not trained" in measured["reasons"]


def test_a_larger_batch_counts_all_its_images(store):
    measured = fetch(stages_of("meta_arch=ssd", "batch_size=4").measure, Context(store))
    assert measured["images_per_s"] == pytest.approx(4000 / measured["latency_ms_mean"])


def test_predictions_are_what_the_timed_chain_says(store):
    """The same weights, resize, thresholds and batch of one: image by image the same boxes."""
    stages = stages_of("meta_arch=faster_rcnn", "proposals=5")
    fetch(stages.predict, Context(store))
    saved = read(store.folder(stages.predict))
    chain = Chain(trained(stages.train, Context(store)), stages.measure.inference, 64, "keep_aspect", "cpu")
    data = stages.predict.split.build()
    with inferring("fp32", "cpu"):
        for index in range(len(data)):
            example: Example = data.example(index)
            (found,) = chain([example.image])
            mine = saved["image_id"] == example.image_id
            np.testing.assert_allclose(saved["box"][mine], found.boxes.numpy(), atol=1e-4)
            np.testing.assert_allclose(saved["score"][mine], found.scores.numpy(), atol=1e-6)


def test_boxes_are_in_pixels_of_the_original_image():
    """A network that says "the whole input" means the whole original, whatever the input's size."""

    class Whole:
        def steps(self, inference):
            return [("all", lambda given: {"sizes": given[1]})]

        def decode(self, raw, sizes_px, inference):
            boxes = torch.cat([torch.zeros_like(sizes_px), sizes_px.flip(1)], 1)[:, None]
            ones = torch.ones(len(boxes), 1)
            return boxes, ones, ones.long() * 0, ones.bool()

    ((cell, _),) = enumerate_cells(WORDS)
    for resizer in ("fixed", "keep_aspect"):
        chain = Chain(Whole(), cell.inference, 96, resizer, "cpu")
        images = [np.zeros((480, 640, 3), np.uint8), np.zeros((300, 200, 3), np.uint8)]
        found = [detections.boxes[0].tolist() for detections in chain(images)]
        assert found[0] == pytest.approx([0, 0, 640, 480], abs=0.01)
        assert found[1] == pytest.approx([0, 0, 200, 300], abs=0.01)


def test_bf16_runs_and_changes_little(store):
    stages = stages_of("meta_arch=rfcn", "proposals=5")
    detector = trained(stages.train, Context(store))
    images, sizes_px = torch.rand(1, 3, 64, 64), torch.tensor([[64.0, 64.0]])
    told = {}
    for precision in ("fp32", "bf16"):
        with inferring(precision, "cpu"):
            told[precision] = detector.predict(images, sizes_px, stages.measure.inference)["logits"].float()
    assert not torch.equal(told["fp32"], told["bf16"])
    assert float((told["fp32"] - told["bf16"]).abs().max()) < 0.2


def test_fp32_switches_tf32_off_for_convolutions_too():
    for precision, allowed in (("fp32", False), ("tf32", True), ("fp32", False)):
        with arithmetic(precision, "cpu"):
            assert torch.backends.cudnn.allow_tf32 is allowed
            assert torch.backends.cuda.matmul.allow_tf32 is allowed
