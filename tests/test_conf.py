"""Every yaml makes its recipe and lists every option; every study composes and its cells are counted."""

import re
from contextlib import suppress
from dataclasses import fields
from math import prod
from pathlib import Path

import pytest
import yaml

from tradeoff import config
from tradeoff.config import faults
from tradeoff.core.errors import CombinationError
from tradeoff.recipes.train import Measuring, Scoring, Training
from tradeoff.run import enumerate_cells, read_words

ROOT = Path(__file__).parents[1]
CHOICES = [(group, name) for group in ("meta_arch", "extractor", "data") for name in config.choices(group)]


def options(recipe):
    return {spec.name for spec in fields(recipe)}


@pytest.mark.parametrize(("group", "name"), CHOICES, ids="/".join)
def test_every_choice_lists_every_option_of_its_recipe(group, name, tmp_path):
    values = config.load(group, name)
    given = {"root": str(tmp_path)} if group == "data" and "root" in values else {}
    assert set(values) - {"_target_", "_pairs_"} == options(config.recipe({**values, **given}, f"{group}."))


def test_the_quick_recipe_is_the_menu_of_all_training_options():
    values = yaml.safe_load((ROOT / "conf/train/quick.yaml").read_text())
    assert set(values["train"]) == options(Training)
    assert set(values["evaluate"]) == options(Scoring)
    assert set(values["measure"]) == options(Measuring)


@pytest.mark.parametrize("name", config.choices("pair"))
def test_pairs_name_existing_parts_and_options(name):
    extractors = [*config.choices("extractor"), "any"]
    assert name in {f"{meta_arch}_{known}" for meta_arch in config.choices("meta_arch") for known in extractors}
    pair = config.load("pair", name)
    assert set(pair) <= {"defaults", "meta_arch", "extractor", "paper"}  # Hydra takes a misspelt key without a word
    assert set(pair.get("paper", ())) <= set(config.load("train", "paper")["paper"])


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


# (rows, of which run). Of the six extractors two have stride 8, one has no R-FCN and one, Inception v2, no ImageNet
# weights; so Faster R-CNN has 8 extractors with a stride and R-FCN 7, or 7 and 6 where ImageNet weights are wanted.
# huang2017: SSD 6 × 2 sizes + two stages 2 × 6 × 2 strides × 2 sizes × 5 proposals; 5 × 2 + (7 + 6) × 2 × 5 run.
STUDIES = {
    "quickstart": (12, 12),
    "huang2017": (252, 140),
    "feature_extractor": (30, 18),
    "object_size": (18, 14),
    "image_size": (60, 36),
    "proposals": (60, 45),
    "time": (30, 21),
    "costs": (252, 162),
    "memory": (126, 81),
    "throughput": (18, 18),
}
EVERY_STUDY = sorted(path.stem for path in (ROOT / "sweeps").glob("*.yaml"))


def studied(name, folder, *words):
    """Return the words that run a study; the data of COCO are looked for only when it is used."""
    coco = "override /data: coco" in (ROOT / "sweeps" / f"{name}.yaml").read_text()
    return [f"sweeps={name}", *([f"data.root={folder}"] if coco else []), *words]


def different(found):
    """Return the cells that are rows of their own, by what tells them apart."""
    return {(cell.label(), cell.names, cell.stride): cell for cell in found}


def combined(found):
    """Return the cells whose parts go together."""
    kept = []
    for cell in found:
        with suppress(CombinationError):
            cell.check_combination()
            kept.append(cell)
    return kept


def asked(words):
    """Count the rows that words ask for: SSD has neither stride nor proposals."""
    told = read_words(words)
    several = prod(len(values) for word, values in told.items() if word not in ("meta_arch", "stride", "proposals"))
    two_stage = len(told.get("stride", [16])) * len(told["proposals"])
    return several * sum(1 if meta_arch == "ssd" else two_stage for meta_arch in told["meta_arch"])


@pytest.mark.parametrize("name", EVERY_STUDY)
def test_a_study_asks_for_as_many_rows_as_its_header_says(name, tmp_path):
    assert asked(studied(name, tmp_path)) == STUDIES[name][0]
    ((rows, run),) = re.findall(r"^# Expected: (\d+) rows(?:, of which (\d+) run)?", header(name), re.MULTILINE)
    assert (int(rows), int(run or rows)) == STUDIES[name]


@pytest.mark.parametrize("name", EVERY_STUDY)
def test_a_study_composes_for_the_last_of_its_extractors(name, tmp_path):
    told = read_words(studied(name, tmp_path))
    words = studied(name, tmp_path, f"extractor={told['extractor'][-1]}", f"proposals={told['proposals'][-1]}")
    found = different(cells(*words))
    assert len(found) == asked(words)
    assert len(combined(found.values())) == len(found)  # Inception-ResNet v2 has all that the studies want


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY_STUDY)
def test_a_whole_study_composes_and_its_cells_are_counted(name, tmp_path):
    """All take 4 minutes: 0.2 s a composition, and SSD is composed once for each stride and number of proposals."""
    found = different(cells(*studied(name, tmp_path)))
    assert (len(found), len(combined(found.values()))) == STUDIES[name]


def header(name):
    """Return what a study says before its first key."""
    return (ROOT / "sweeps" / f"{name}.yaml").read_text().partition("\ndefaults:")[0]


@pytest.mark.parametrize("name", EVERY_STUDY)
def test_the_commands_of_a_study_have_good_words(name, tmp_path):
    found = re.findall(r"python -m tradeoff\.run (.+)$", header(name), re.MULTILINE)
    assert found or "make quickstart" in header(name)
    for command in found:
        assert f"sweeps={name}" in command
        words = command.replace("/path/to/coco", str(tmp_path)).split()
        assert faults(read_words(words)) == []


def test_every_figure_of_the_study_has_its_command():
    """Figure 1 shows architectures; 2 to 11 plot the table of a study; 12 to 17 are pictures with boxes."""
    text = (ROOT / "sweeps" / "README.md").read_text()
    rows = re.findall(r"^\| (\d+) \|.*\| `([a-z_0-9]+)` \| `sweeps=([a-z_0-9]+)", text, re.MULTILINE)
    assert [int(figure) for figure, _, _ in rows] == list(range(2, 12))
    for figure, study, word in rows:
        assert study == word
        assert re.search(rf"^# Source: .*\bfigures? .*\b{figure}\b", header(study), re.MULTILINE), (figure, study)
    assert {study for _, study, _ in rows} | {"quickstart", "throughput"} == set(EVERY_STUDY)


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
