"""What is timed is what is scored, and the costs are what can be counted by hand."""

import hashlib
import json

import numpy as np
import pytest
import torch

from tradeoff.core.errors import CombinationError
from tradeoff.core.machine import Machine
from tradeoff.core.store import Context, Store, fetch
from tradeoff.data.dataset import Example
from tradeoff.probes import flops
from tradeoff.probes.flops import Call, Count
from tradeoff.run import enumerate_cells
from tradeoff.stages import predict
from tradeoff.stages.costs.arithmetic import closed_form
from tradeoff.stages.costs.counter import Counter
from tradeoff.stages.detect import Chain
from tradeoff.stages.network import arithmetic, build, inferring, trained
from tradeoff.stages.predict import read

CPU = Machine("cpu", "a CPU", "2.15", "0.30")
WORDS = ["extractor=tiny", "size=64", "train=smoke", "measure.max_s=2", "measure.images=2", "evaluate.images=3"]


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
    of_proposals = {"proposals_ms_p50", "gmacs_proposals", "gmacs_base", "gmacs_per_proposal"}
    assert empty <= unseen | few | (of_proposals if meta_arch == "ssd" else set())
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


def counter_of(*words, classes=6):
    """Return the counter of a detector that is not trained, its words and 64×64 px of noise as its sample."""
    ((cell, _),) = enumerate_cells([*WORDS, *words])
    stage = cell.stages(CPU).train
    detector = build(stage, classes).eval()
    images = [np.random.default_rng(0).integers(0, 255, (64, 80, 3), dtype=np.uint8)]
    chain = Chain(detector, cell.inference, 64, stage.resizer, "cpu")
    return Counter(detector, chain, [images]), images


@pytest.mark.parametrize("meta_arch", ["faster_rcnn", "rfcn"])
def test_two_numbers_tell_the_arithmetic_of_any_number_of_proposals(meta_arch):
    """MACs = base + proposals × each, exactly; here against a run with each of 10, 100 and 300 of them."""
    with torch.inference_mode():
        told = []
        for proposals in (10, 100, 300):
            counter, _ = counter_of(f"meta_arch={meta_arch}", f"proposals={proposals}")
            ran = counter.by_running([np.zeros((64, 64, 3), np.uint8)]).count
            form = closed_form(counter, 64, ran)
            assert ran.macs == round(1e9 * (form["gmacs_base"] + proposals * form["gmacs_per_proposal"]))
            told.append((round(1e9 * form["gmacs_base"]), round(1e9 * form["gmacs_per_proposal"])))
    assert len(set(told)) == 1
    assert min(told[0]) > 0


def test_arithmetic_that_is_not_linear_in_the_proposals_has_no_closed_form():
    counter, _ = counter_of("meta_arch=faster_rcnn", "proposals=10")
    with torch.inference_mode():
        counted = counter.square(64).count
        more = Count((*counted.calls, Call("heads", "aten.mm", 1, 0)), ())
        assert closed_form(counter, 64, more) == {"gmacs_base": None, "gmacs_per_proposal": None}


@pytest.mark.parametrize("meta_arch", ["ssd", "faster_rcnn", "rfcn"])
def test_shapes_alone_tell_what_running_the_detector_tells(meta_arch):
    counter, images = counter_of(f"meta_arch={meta_arch}", "proposals=7")
    with torch.inference_mode():
        quick, sure = counter.images(images), counter.by_running(images)
    assert counter.shapes_tell_all
    assert quick.network.by_part == sure.network.by_part
    assert list(quick.network.by_part) == [name for name, _ in counter.detector.steps(counter.chain.inference)]
    assert quick.through_bytes == sure.through_bytes


def test_where_content_decides_each_image_is_run():
    counter, images = counter_of("meta_arch=faster_rcnn", "proposals=7")
    brightness = []

    def peek(module, args):
        brightness.append(float(args[0].mean()))  # no such thing on the meta device

    for extractor in (counter.detector.extractor, counter.blank.extractor):
        extractor.register_forward_pre_hook(peek)
    with torch.inference_mode():
        assert counter.images(images).count.macs > 0
    assert not counter.shapes_tell_all
    assert len(brightness) == 1


def test_parts_add_up_and_images_of_other_shapes_cost_other_amounts(store):
    stage = stages_of("meta_arch=faster_rcnn", "proposals=5").measure
    measured = fetch(stage, Context(store))
    parts = [measured[f"gmacs_{part}"] for part in ("backbone", "proposals", "heads")]
    assert min(parts) > 0
    assert sum(parts) == pytest.approx(measured["gmacs"])
    assert measured["gmacs_base"] + 5 * measured["gmacs_per_proposal"] == pytest.approx(measured["gmacs"])
    kept = json.loads((store.folder(stage) / "arithmetic.json").read_text())
    assert sum(row["macs"] for row in kept["operators"]) == pytest.approx(1e9 * measured["gmacs"])
    assert kept["operators"][0]["operator"] == "aten.convolution"
    ran = {row["operator"]: row["macs"] for row in kept["operators_of_first_image"]}
    assert ran["torchvision.nms"] == 0  # listed, at no cost
    costs = kept["images_gmacs"]
    assert len(costs) == measured["timed_images"]
    assert measured["gmacs_min"] == min(costs) <= measured["gmacs_mean"] <= max(costs) == measured["gmacs_max"]


def test_every_sample_is_kept(store):
    stage = stages_of("meta_arch=ssd").measure
    measured = fetch(stage, Context(store))
    kept = json.loads((store.folder(stage) / "samples.json").read_text())
    assert len(kept["samples_ms"]) == measured["latency_n"]
    assert float(np.median(kept["samples_ms"])) == pytest.approx(measured["latency_ms_p50"])


def test_the_row_says_how_sure_it_is_and_of_which_images(store):
    stage = stages_of("meta_arch=ssd").measure
    measured = fetch(stage, Context(store))
    order = ("min", "q1", "p50", "q3")
    assert sorted(measured[f"latency_ms_{name}"] for name in order) == [measured[f"latency_ms_{n}"] for n in order]
    low, high = measured["latency_ms_low"], measured["latency_ms_high"]
    assert (low is None) == (high is None) == (measured["latency_n"] < 6)
    assert low is None or low <= measured["latency_ms_p50"] <= high
    assert (measured["latency_precision_pct"] is None) == (low is None)
    is_precise = low is not None and measured["latency_precision_pct"] <= stage.measuring.precision_pct
    assert ("precision" in measured["unmet"]) is not is_precise
    data = stage.split.build()
    whole = hashlib.sha256()
    for example in (data.example(0), data.example(1)):
        whole.update(f"{example.image_id} {example.image.shape};".encode() + example.image.tobytes())
    assert (measured["timed_images"], measured["timed_images_sha256"]) == (2, whole.hexdigest()[:12])


def test_the_network_is_the_sum_of_its_parts(store):
    stage = stages_of("meta_arch=faster_rcnn", "proposals=5").measure
    measured = fetch(stage, Context(store))
    kept = json.loads((store.folder(stage) / "samples.json").read_text())
    runs = np.array([kept["stages_ms"][name] for name in ("backbone", "proposals", "heads")])
    assert measured["network_ms_p50"] == pytest.approx(float(np.median(runs.sum(axis=0))))
    assert list(kept["stages_ms"]) == ["preprocess", "copy", "backbone", "proposals", "heads", "postprocess"]


def test_bursts_are_paced_and_named_and_are_no_throughput(store):
    words = ("meta_arch=ssd", "measure.mode=burst", "measure.gap_ms=50", "measure.warmup_s=0")
    stage = stages_of(*words).measure
    measured = fetch(stage, Context(store))
    kept = json.loads((store.folder(stage) / "samples.json").read_text())
    assert (measured["latency_mode"], measured["images_per_s"], kept["gap_ms"]) == ("burst", None, 50)
    runs = len(kept["samples_ms"]) + len(kept["stages_ms"]["copy"])
    assert kept["spent_s"] >= 0.05 * runs + sum(kept["samples_ms"]) / 1000


def test_a_gap_without_bursts_is_refused():
    ((cell, _),) = enumerate_cells([*WORDS, "measure.gap_ms=50"])
    with pytest.raises(CombinationError, match=r"measure\.gap_ms=50\.0: has no meaning with mode=sustained"):
        cell.check_combination()


def test_what_is_timed_agrees_with_what_was_scored(store):
    measured = fetch(stages_of("meta_arch=faster_rcnn", "proposals=5").measure, Context(store))
    assert measured["agreement_pct"] == pytest.approx(100, abs=0.1)
    assert measured["detections_mean"] > 0


def test_other_predictions_mark_the_row(store, monkeypatch):
    """Predictions of other classes in the place of those that were scored."""
    stage = stages_of("meta_arch=ssd", "seed=1").measure
    read_them = predict.read

    def swapped(folder):
        saved = read_them(folder)
        return saved | {"label": saved["label"] + 100}

    monkeypatch.setattr(predict, "read", swapped)
    measured = fetch(stage, Context(store))
    assert measured["agreement_pct"] == 0
    assert measured["trusted"] is False
    assert "the timed network is not the one that was scored" in measured["reasons"]


def test_the_state_of_the_machine_is_kept_beside_the_row(store):
    stage = stages_of("meta_arch=ssd").measure
    measured = fetch(stage, Context(store))
    kept = json.loads((store.folder(stage) / "state.json").read_text())
    assert kept["cpu"]["others_pct"] == measured["others_cpu_pct"]
    assert measured["threads"] == torch.get_num_threads() == kept["torch"]["threads"]
    assert kept["torch"]["matmul_allow_tf32"] is False


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


def test_operators_of_unknown_cost_are_named_in_the_row(store, monkeypatch):
    """Here nobody knows what a convolution costs: `gmacs` is a lower bound and says so."""
    stage = stages_of("meta_arch=rfcn", "proposals=5", "measure.max_s=0.3").measure
    unknown = {key: formula for key, formula in flops.flop_registry.items() if key is not torch.ops.aten.convolution}
    monkeypatch.setattr(flops, "flop_registry", unknown)
    measured = fetch(stage, Context(store))
    assert measured["flops_partial"]
    assert not measured["trusted"]
    assert "operators without a formula for FLOPs: aten.convolution;" in measured["reasons"]
