"""What meta-architectures accept and refuse, and that the presets are the rows of the table of recent detectors."""

import pytest

from tradeoff import config
from tradeoff.core.errors import CombinationError, ConfigError
from tradeoff.recipes.detectors import RFCN, SSD, FasterRCNN
from tradeoff.run import enumerate_cells

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
