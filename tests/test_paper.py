"""`train=paper` against the study's own numbers, and `train=modern` as one would train today.

The table is that of Huang et al. 2017, section 3, as the paper prints it: asynchronous steps with one image each for
two-stage detectors, 32 for SSD.
"""

from dataclasses import dataclass

import pytest

from tests.stages.test_train import CPU
from tradeoff import config
from tradeoff.core.store import Context, Store, fetch
from tradeoff.run import enumerate_cells
from tradeoff.stages.schedule import rate
from tradeoff.stages.train import precision

K = 1000


@dataclass(frozen=True)
class Row:
    """A row of the paper: its rate, and the factors of the rate from some steps on."""

    rate: float
    factors: dict[int, float]


STAIRS = {0: 1, 800 * K: 0.95, 1600 * K: 0.95**2}
WARM = {0: 0.64, 10 * K: 0.8, 20 * K: 1}


def drops(first, second):
    return {0: 1, first * K: 0.1, second * K: 0.01}


PAPER = {
    ("faster_rcnn", "vgg16"): Row(5e-4, drops(900, 1200)),
    ("faster_rcnn", "resnet101"): Row(3e-4, drops(900, 1200)),
    ("faster_rcnn", "inception_v2"): Row(2e-4, drops(900, 1200)),
    ("faster_rcnn", "inception_v3"): Row(3e-4, drops(900, 1200)),
    ("faster_rcnn", "inception_resnet_v2"): Row(1e-3, drops(900, 1200)),
    ("faster_rcnn", "mobilenet"): Row(3e-3, drops(900, 1200)),
    ("rfcn", "resnet101"): Row(3e-4, drops(1000, 1200)),
    ("rfcn", "inception_v2"): Row(2e-4, drops(1800, 2000)),
    ("rfcn", "inception_resnet_v2"): Row(7e-4, drops(1000, 1200)),
    ("rfcn", "mobilenet"): Row(2e-3, drops(1600, 1800)),
    ("ssd", "vgg16"): Row(3e-4, WARM),
    ("ssd", "resnet101"): Row(3e-4, WARM),
    ("ssd", "inception_v2"): Row(2e-3, STAIRS),
    ("ssd", "inception_resnet_v2"): Row(5e-4, STAIRS),
    ("ssd", "mobilenet"): Row(4e-3, STAIRS),
}


def training_of(*words):
    ((cell, _),) = enumerate_cells(list(words))
    return cell.training


@pytest.mark.parametrize("pair", PAPER, ids="_".join)
def test_the_recipe_of_a_pair_is_the_papers_by_the_stated_rule(pair):
    """With k times the images a step: the rate × k, the steps / k; k is 8 for two-stage detectors and 1 for SSD."""
    meta_arch, extractor = pair
    training = training_of(f"meta_arch={meta_arch}", f"extractor={extractor}", "train=paper")
    k, batch = (1, 32) if meta_arch == "ssd" else (8, 1)
    assert training.batch_size == k * batch
    assert training.optimizer == ("rmsprop" if meta_arch == "ssd" else "sgd")
    assert training.momentum == 0.9
    row = PAPER[pair]
    for first, factor in row.factors.items():
        step = max(first // k, 0 if meta_arch == "ssd" else training.warmup_steps)  # a warm-up of ours
        assert training.learning_rate * rate(training, step, 0) == pytest.approx(k * row.rate * factor)
        if first and factor < 1:
            before = training.learning_rate * rate(training, first // k - 1, 0)
            assert before != pytest.approx(k * row.rate * factor)
    assert training.steps == 200 * K if meta_arch == "ssd" else training.steps > max(row.factors) / k


def test_what_the_study_does_not_have_is_trained_as_its_nearest():
    for meta_arch in ("ssd", "faster_rcnn", "rfcn"):
        words = (f"meta_arch={meta_arch}", "train=paper")
        wanted = training_of(*words, "extractor=resnet101")
        assert training_of(*words, "extractor=resnet50") == training_of(*words, "extractor=resnet152") == wanted


@pytest.mark.parametrize("extractor", [*config.choices("extractor"), "timm"])
@pytest.mark.parametrize("meta_arch", config.choices("meta_arch"))
def test_no_pair_is_trained_as_another_kind_of_detector(meta_arch, extractor):
    """Where a pair has no schedule of its own, it has that of the same meta-architecture on ResNet-101."""
    training = training_of(f"meta_arch={meta_arch}", f"extractor={extractor}", "train=paper")
    single = meta_arch in ("ssd", "ssd_liu", "ssd_liu_v1", "multibox_szegedy", "yolo_redmon")
    optimizer = "sgd" if meta_arch == "ssd_liu" or not single else "rmsprop"
    assert (training.optimizer, training.batch_size) == (optimizer, 32 if single else 8)
    if extractor in ("timm", "tiny", "inception_v3", "inception_v4") and meta_arch in ("rfcn", "rfcn_dai"):
        assert training.drop_steps == (125_000, 150_000)


def test_released_options_of_the_paper_recipe():
    """SSD has L2 4e-5, no clipping and ssd_random_crop; two-stage detectors no L2, norm 10 and flips alone."""
    ssd = training_of("meta_arch=ssd", "extractor=mobilenet", "train=paper")
    two_stage = training_of("meta_arch=rfcn", "extractor=mobilenet", "train=paper")
    assert (ssd.weight_decay, ssd.clip_norm, ssd.random_crop, ssd.flip) == (4e-5, None, "ssd_api", True)
    assert (ssd.batch_norm_decay, two_stage.batch_norm_decay) == (0.9997, None)
    assert (two_stage.weight_decay, two_stage.clip_norm, two_stage.random_crop) == (0, 10, "none")
    assert two_stage.flip
    assert not two_stage.append_ground_truth


@pytest.mark.parametrize("recipe", ["paper", "modern"])
@pytest.mark.parametrize("meta_arch", ["ssd", "faster_rcnn", "rfcn"])
def test_a_recipe_takes_steps(recipe, meta_arch, tmp_path):
    words = [f"meta_arch={meta_arch}", "extractor=tiny", "size=64", f"train={recipe}"]
    ((cell, _),) = enumerate_cells([*words, "train.steps=2", "train.batch_size=2", "train.workers=0"])
    assert fetch(cell.stages(CPU).train, Context(Store(tmp_path)))["train_steps"] == 2


def test_modern_is_what_its_name_says():
    training = training_of("train=modern")
    assert (training.optimizer, training.schedule, training.precision) == ("adamw", "cosine", "auto")
    assert training.minutes is None
    assert training.ema_decay is not None
    assert training.steps * training.batch_size == pytest.approx(36 * 118_287, rel=0.01)


def test_automatic_precision_is_mixed_on_a_gpu_alone(monkeypatch):
    training = training_of("train=modern")
    assert precision(training, "cpu") == "fp32"
    for has_bf16, wanted in ((True, "bf16"), (False, "fp16")):
        monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation, has=has_bf16: has)
        assert precision(training, "cuda:0") == wanted
    assert precision(training_of("train=quick"), "cuda:0") == "fp32"
