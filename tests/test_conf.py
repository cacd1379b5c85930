"""Every yaml makes its recipe and lists every option; every study composes and its cells are counted."""

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from tradeoff import config
from tradeoff.core.errors import CombinationError
from tradeoff.recipes.train import Measuring, Scoring, Training
from tradeoff.run import enumerate_cells

ROOT = Path(__file__).parents[1]
CHOICES = [(group, name) for group in ("meta_arch", "extractor", "data") for name in config.choices(group)]


def options(recipe):
    return {spec.name for spec in fields(recipe)}


@pytest.mark.parametrize(("group", "name"), CHOICES, ids="/".join)
def test_every_choice_lists_every_option_of_its_recipe(group, name, tmp_path):
    values = config.load(group, name)
    given = {"root": str(tmp_path)} if name == "coco" else {}
    assert set(values) - {"_target_", "_pairs_"} == options(config.recipe({**values, **given}, f"{group}."))


def test_the_quick_recipe_is_the_menu_of_all_training_options():
    values = yaml.safe_load((ROOT / "conf/train/quick.yaml").read_text())
    assert set(values["train"]) == options(Training)
    assert set(values["evaluate"]) == options(Scoring)
    assert set(values["measure"]) == options(Measuring)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "conf").rglob("*.yaml")), ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_pairs_name_existing_parts(path):
    if path.parent.name == "pair":
        parts = {
            f"{meta_arch}_{name}" for meta_arch in config.choices("meta_arch") for name in config.choices("extractor")
        }
        assert path.stem in parts


def cells(*words):
    return [cell for cell, _ in enumerate_cells(list(words))]


def test_the_sentence_that_users_type_has_four_cells_with_the_defaults():
    found = cells("-m", "extractor=resnet101,mobilenet", "size=300,600")
    assert [(c.names.extractor, c.size) for c in found] == [
        ("resnet101", 300), ("resnet101", 600), ("mobilenet", 300), ("mobilenet", 600)
    ]  # fmt: skip
    first = found[0]
    assert (first.names.meta_arch, first.names.data, first.names.train) == ("faster_rcnn", "shapes", "quick")
    assert (first.stride, first.inference.proposals, first.inference.precision) == (16, 300, "fp32")
    assert (first.batch_size, first.seed) == (1, 0)
    assert first.overrides == ()


def test_words_that_are_no_axis_are_kept_as_overrides():
    (cell,) = cells("train.steps=7", "extractor=mobilenet", "extractor.width=0.5", "size=96", "results_dir=elsewhere")
    assert cell.overrides == ("extractor.width=0.5", "train.steps=7")
    assert cell.training.steps == 7


def test_an_option_that_the_default_choice_lacks_is_taken_by_those_that_have_it():
    found = cells("-m", "extractor=tiny,mobilenet", "extractor.width=4", "size=96")
    assert [(c.names.extractor, c.extractor.width) for c in found] == [("tiny", 4), ("mobilenet", 4.0)]
    assert {c.overrides for c in found} == {("extractor.width=4",)}


def test_a_null_and_a_list_keep_their_meaning_in_a_sweep():
    found = cells("-m", "size=96,128", "train.minutes=null", "train.drop_steps=[3,4]")
    assert {(c.training.minutes, c.training.drop_steps) for c in found} == {(None, (3, 4))}


def test_a_single_stage_detector_has_neither_stride_nor_proposals():
    (cell,) = cells("meta_arch=ssd", "proposals=20", "stride=8")
    assert (cell.stride, cell.inference.proposals) == (None, None)


def test_quick_is_bounded_and_paper_is_the_study():
    (quick,) = cells("train=quick")
    assert quick.training.minutes <= 3
    assert quick.scoring.images <= 100
    assert quick.measuring.max_s <= 60
    (paper,) = cells("train=paper", "meta_arch=faster_rcnn", "extractor=resnet101")
    assert paper.training.minutes is None
    assert paper.scoring.images is None
    # 3e-4 and drops at 900,000 and 1,200,000 single-image steps, at 8 images a step (conf/train/paper.yaml)
    assert paper.training.learning_rate == pytest.approx(8 * 3e-4)
    assert paper.training.drop_steps == (112_500, 150_000)


@pytest.mark.parametrize(("name", "rows"), [("quickstart", 12), ("huang2017", 252), ("proposals", 10)])
def test_a_study_composes_and_its_cells_are_counted(name, rows, tmp_path):
    # huang2017: SSD has 6 extractors × 2 sizes = 12; two-stage 2 × 6 × 2 sizes × 2 strides × 5 proposals = 240
    words = [f"sweeps={name}"] + (["data.root=" + str(tmp_path)] if name == "huang2017" else [])
    found = {(c.label(), c.names, c.stride) for c in cells(*words)}
    assert len(found) == rows


def test_every_shipped_study_says_source_command_and_expectation():
    for path in (ROOT / "sweeps").glob("*.yaml"):
        text = path.read_text()
        assert text.startswith("# @package _global_"), path.name
        assert all(word in text for word in ("# Source:", "# Command:", "# Expected:")), path.name
        assert f"table: {path.stem}\n" in text, path.name


def test_what_the_study_does_not_have_is_refused_with_a_reason():
    (cell,) = cells("extractor=mobilenet", "stride=8")
    with pytest.raises(CombinationError, match="stride=8"):
        cell.check_combination()
