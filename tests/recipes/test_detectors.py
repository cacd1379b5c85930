"""What meta-architectures accept and refuse, and that the presets are the rows of the table of recent detectors."""

import re

import pytest

from tradeoff import config
from tradeoff.core.digest import digest
from tradeoff.core.errors import CombinationError, ConfigError
from tradeoff.recipes.detectors import RFCN, SSD, FasterRCNN
from tradeoff.run import enumerate_cells
from tradeoff.stages.schedule import rate

# Huang et al. 2017, table 1: meta-architecture, matching, box encoding, location loss
RECENT = {
    "multibox_szegedy": (SSD, "bipartite", "corners", "l2"),
    "yolo_redmon": (SSD, "box_centre", "centre_sqrt", "l2"),
    "faster_rcnn_ren": (FasterRCNN, "argmax", "centre_log", "smooth_l1"),
    "faster_rcnn_he": (FasterRCNN, "argmax", "centre_log", "smooth_l1"),
    "ssd_liu_v1": (SSD, "argmax", "corners", "l2"),
    "ssd_liu": (SSD, "argmax", "centre_log", "smooth_l1"),
    "rfcn_dai": (RFCN, "argmax", "centre_log", "smooth_l1"),
}


@pytest.mark.parametrize("name", RECENT)
def test_a_preset_is_its_row_of_the_table(name):
    recipe = config.recipe(config.load("meta_arch", name), "meta_arch.")
    assert (type(recipe), recipe.matcher, recipe.box_coding, recipe.location_loss) == RECENT[name]


# What the papers fix beside that table: Girshick 2015, section 2.3 (128 proposals of 2 images, λ = 1, 0.01 for
# classes); Ren et al. 2015, sections 3.1 (overlaps, 256 anchors, λ: 10 / 2,400 cells ≈ 1 / 256) and 3.3 (sides, 0.7);
# Dai et al. 2016, section 2; Liu et al. 2016, sections 2.2, 3.1 and 3.4; Redmon et al. 2016, section 2.2
REN = {
    "anchor_ratios": (0.5, 1.0, 2.0),
    "rpn_depth": 512,
    "rpn_init_deviation": 0.01,
    "rpn_nms_iou": 0.7,
    "rpn_positive_iou": 0.7,
    "rpn_negative_iou": 0.3,
    "rpn_batch": 256,
    "rpn_positive_fraction": 0.5,
    "box_positive_iou": 0.5,
    "rpn_localization_weight": 1.0,
    "rpn_objectness_weight": 1.0,
    "box_localization_weight": 1.0,
    "box_classification_weight": 1.0,
    "classification_loss": "softmax",
}
FAST = {"box_batch": 128 // 2, "box_positive_fraction": 0.25, "box_init_deviation": 0.01}
LIU = {
    "matched_iou": 0.5,
    "negatives_per_positive": 3.0,
    "localization_weight": 1.0,
    "classification_loss": "softmax",
}
FIXED = {
    "faster_rcnn_ren": REN | FAST | {"sides_px": [128, 256, 512]},
    "faster_rcnn_he": REN | FAST | {"sides_px": [64, 128, 256, 512]},
    "rfcn_dai": REN | {"sides_px": [64, 128, 256, 512], "bins": 7, "depth": 1024, "hard_examples": 128},
    "ssd_liu": LIU | {"init_deviation": None, "box_scales": (10.0, 10.0, 5.0, 5.0), "kernel": 3},
    "ssd_liu_v1": LIU | {"box_scales": (10.0,) * 4},
    "multibox_szegedy": {"box_scales": (10.0,) * 4},
    "yolo_redmon": {"localization_weight": 5.0, "box_scales": (7.0, 7.0, 1.0, 1.0)},
}


@pytest.mark.parametrize(
    ("coding", "scales"),
    [("centre_log", (10, 10, 5, 5)), ("corners", (10, 10, 10, 10)), ("centre_sqrt", (7, 7, 1, 1))],
)
@pytest.mark.parametrize("name", ["ssd", "faster_rcnn", "yolo_redmon"])
def test_one_word_of_coding_brings_its_own_scales(name, coding, scales):
    values = config.load("meta_arch", name) | {"box_coding": coding}
    recipe = config.recipe(values, "meta_arch.")
    assert recipe.box_scales == scales
    given = config.recipe(values | {"box_scales": [float(scale) for scale in scales]}, "meta_arch.")
    assert digest(given) == digest(recipe)


@pytest.mark.parametrize("name", FIXED)
def test_a_preset_has_the_numbers_of_its_paper(name):
    recipe = config.recipe(config.load("meta_arch", name), "meta_arch.")
    wanted = dict(FIXED[name])
    if sides_px := wanted.pop("sides_px", None):
        assert [recipe.anchor_base_px * scale for scale in recipe.anchor_scales] == sides_px
    assert {option: getattr(recipe, option) for option in wanted} == wanted


@pytest.mark.parametrize("name", RECENT)
def test_the_words_in_the_header_of_a_preset_are_accepted(name):
    text = (config.home() / "conf" / "meta_arch" / f"{name}.yaml").read_text().partition("_target_")[0]
    words = re.findall(r"\b(?:size|(?:train|inference|meta_arch)\.\w+)=(?:\[[^]]*\]|[\w.]*\w)", text)
    assert words or name == "multibox_szegedy"  # which has none
    enumerate_cells([f"meta_arch={name}", *words])


PAIRED = {name: kin for name in RECENT if (kin := config.load("meta_arch", name).get("_pairs_"))}


@pytest.mark.parametrize("name", PAIRED)
def test_what_suits_an_extractor_is_said_once_for_a_preset_and_its_kin(name):
    words = ["-m", f"meta_arch={name},{PAIRED[name]}", "extractor=inception_v2,inception_resnet_v2", "train=paper"]
    cells = {(cell.names.meta_arch, cell.names.extractor): cell for cell, _ in enumerate_cells(words)}
    for extractor in ("inception_v2", "inception_resnet_v2"):
        preset, kin = cells[name, extractor], cells[PAIRED[name], extractor]
        for option in config.load("pair", f"{PAIRED[name]}_{extractor}")["meta_arch"]:
            assert getattr(preset.meta_arch, option) == getattr(kin.meta_arch, option), option
        assert (preset.training, preset.extractor) == (kin.training, kin.extractor)
        assert preset.meta_arch != kin.meta_arch


def test_ssd_liu_is_trained_as_in_its_paper():
    # Liu et al. 2016, sections 3 and 3.4: batches of 32, L2 0.0005; 160,000 steps at 1e-3, 40,000 at 1e-4 and at 1e-5
    ((cell, _),) = enumerate_cells(["meta_arch=ssd_liu", "extractor=vgg16", "train=paper"])
    training = cell.training
    assert (training.optimizer, training.batch_size, training.momentum) == ("sgd", 32, 0.9)
    assert (training.weight_decay, training.clip_norm, training.random_crop) == (5e-4, None, "ssd")
    assert training.steps == 240_000
    rates = [training.learning_rate * rate(training, step, 0) for step in (0, 159_999, 160_000, 200_000)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-5])


@pytest.mark.parametrize("name", ["ssd", "faster_rcnn", "rfcn"])
def test_the_plain_choices_have_the_defaults_of_their_recipes(name):
    recipe = config.recipe(config.load("meta_arch", name), "meta_arch.")
    assert recipe == type(recipe)(title=recipe.title)


@pytest.mark.parametrize(
    ("recipe", "options", "fault"),
    [
        (SSD, {"location_loss": "huber"}, "location_loss='huber': expected one of smooth_l1, l1, l2, iou, giou"),
        (SSD, {"huber_delta": 2.0, "location_loss": "l1"}, "huber_delta=2.0: has no meaning with location_loss=l1"),
        (SSD, {"focal_alpha": 0.5}, "focal_alpha=0.5: has no meaning with classification_loss=sigmoid"),
        (RFCN, {"focal_gamma": 1.0}, "focal_gamma=1.0: has no meaning with classification_loss=softmax"),
        (SSD, {"matcher": "bipartite", "matched_iou": 0.6}, "matched_iou=0.6: has no meaning with matcher=bipartite"),
        (FasterRCNN, {"matcher": "box_centre", "rpn_positive_iou": 0.6}, "it is for matcher=argmax"),
        (
            SSD,
            {"class_bias": -4.6, "classification_loss": "softmax"},
            "it is for classification_loss=sigmoid or focal",
        ),
        (
            SSD,
            {"scales": (0.1, 0.2, 0.3), "scale_min": 0.1},
            "scale_min=0.1: has no meaning with scales=[0.1, 0.2, 0.3]",
        ),
        (SSD, {"level_aspect_ratios": ((1.0,),)}, "it is for reduce_boxes_in_lowest_level=false"),
        (SSD, {"min_negatives": 3, "negatives_per_positive": None}, "min_negatives=3: has no meaning"),
        (SSD, {"extra_strides": (2, 1)}, "extra_strides=[2, 1]: expected 4 entries"),
        (
            SSD,
            {"reduce_boxes_in_lowest_level": False, "level_aspect_ratios": ((1.0, 0.0),)},
            "expected lists of numbers above 0",
        ),
        (SSD, {"box_scales": (10.0, 5.0)}, "box_scales=[10.0, 5.0]: expected four numbers"),
        (FasterRCNN, {"rpn_negative_iou": 0.8}, "rpn_negative_iou=0.8: expected at most rpn_positive_iou=0.7"),
        (RFCN, {"crop": 20}, "crop=20: expected a multiple of bins=7"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(recipe, options, fault):
    with pytest.raises(ConfigError) as refused:
        recipe(**options)
    assert any(fault in each for each in refused.value.faults), refused.value.faults


@pytest.mark.parametrize(
    ("options", "cell", "reason"),
    [
        ({}, {"batch_size": 1}, "train.batch_size=1"),
        ({"scales": (0.1, 0.2, 0.3)}, {}, "meta_arch.scales=.*expected 7 entries or none"),
        ({"anchor_steps_px": (8.0,) * 6}, {}, r"anchor_steps_px=.*gives levels of stride \[16, 32\]"),
        ({"extra_paddings": (0, 0, 0, 0)}, {}, "a map of 1×1 cells"),  # 10 → 4 → 1 → too few
        ({"extra_paddings": (0, 0, 0, 0)}, {"size": 416}, "a map of 2×2 cells"),  # 13 → 6 → 2 → too few
    ],
)
def test_what_does_not_fit_the_extractor_or_the_size_is_refused_with_the_reason(options, cell, reason):
    usual = {"size": 300, "level_strides": (16, 32), "batch_size": 2}
    with pytest.raises(CombinationError, match=reason):
        SSD(**options).check_parts(**usual | cell)


def test_without_batch_norm_one_image_a_step_is_enough():
    SSD(extra_batch_norm=False).check_parts(size=300, level_strides=(16, 32), batch_size=1)


def test_an_option_is_one_word_of_the_command_line():
    words = ["meta_arch=ssd", "extractor=mobilenet", "meta_arch.location_loss=giou", "meta_arch.matcher=bipartite"]
    ((cell, _),) = enumerate_cells([*words, "meta_arch.level_aspect_ratios=[]", "meta_arch.scales=[]"])
    assert (cell.meta_arch.location_loss, cell.meta_arch.matcher) == ("giou", "bipartite")
    assert cell.meta_arch.kernel == 1  # of the pair


def test_a_preset_that_an_extractor_does_not_suit_is_a_skipped_cell_not_a_fault():
    ((cell, _),) = enumerate_cells(["meta_arch=ssd_liu", "extractor=mobilenet"])
    with pytest.raises(CombinationError, match="anchor_steps_px"):
        cell.check_combination()
