"""A cell refuses parts that do not go together."""

import sys

import pytest

from tradeoff.core.errors import CombinationError, ConfigError
from tradeoff.core.machine import Machine
from tradeoff.recipes.train import Training
from tradeoff.run import enumerate_cells


def cell(*words):
    ((found, _),) = enumerate_cells(list(words))
    return found


def test_an_extractor_from_scratch_cannot_be_kept():
    with pytest.raises(CombinationError, match=r"give extractor\.weights"):
        cell("extractor=tiny", "train.freeze_extractor=true").check_combination()
    cell("extractor=mobilenet", "extractor.pretrained=true", "train.freeze_extractor=true").check_combination()


def test_a_batch_of_one_image_cannot_train_ssd():
    with pytest.raises(CombinationError, match="batch_size"):
        cell("meta_arch=ssd", "train.batch_size=1").check_combination()
    cell("meta_arch=ssd", "train.batch_size=1", "train.steps=0").check_combination()


def test_what_a_detector_has_no_use_for_makes_no_other_training():
    machine = Machine("cpu", "a CPU", "2.15", "0.30")

    def key(*words):
        return cell("extractor=tiny", "train.minutes=null", *words).stages(machine).train

    assert key("meta_arch=ssd", "train.proposals=7") == key("meta_arch=ssd", "train.append_ground_truth=false")
    assert key("meta_arch=rfcn", "train.proposals=7") != key("meta_arch=rfcn")
    assert key("train.optimizer=adamw", "train.momentum=0.5") == key("train.optimizer=adamw")
    assert key("train.optimizer=sgd", "train.momentum=0.5") != key("train.optimizer=sgd")


def test_of_an_option_given_twice_the_last_counts():
    assert cell("extractor=tiny", "extractor.width=4", "extractor.width=8").overrides == ("extractor.width=8",)


def test_the_pair_has_its_say_before_an_option_is_checked():
    found = cell("meta_arch=rfcn", "extractor=mobilenet", "meta_arch.bins=4")
    assert (found.meta_arch.crop, found.meta_arch.bins) == (12, 4)


SSD_PAPER = ("meta_arch=ssd", "extractor=mobilenet", "train=paper", "data=shapes")


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("train.drop_steps=[3,4]", "it is for schedule=steps"),
        ("train.drop_factor=0.5", "it is for schedule=steps"),
        ("train.decay_steps=7", "it is for schedule=exponential"),
        ("train.decay_factor=0.5", "it is for schedule=exponential"),
        ("train.staircase=false", "it is for schedule=exponential"),
        ("train.warmup_factors=[0.5]", "give warmup_steps"),
        ("train.momentum=0.5", "it is for optimizer=sgd or rmsprop"),
    ],
)
def test_an_option_of_training_without_a_meaning_is_refused_and_makes_no_other_training(word, reason):
    words = ("extractor=tiny", "train.minutes=null", "train.warmup_steps=0")
    with pytest.raises(CombinationError, match=rf"{word.partition('=')[0]}=.*has no meaning.*{reason}"):
        cell(*words, word).check_combination()
    machine = Machine("cpu", "a CPU", "2.15", "0.30")
    assert cell(*words, word).stages(machine).train == cell(*words).stages(machine).train


def test_the_cap_of_the_longer_side_has_no_meaning_where_images_are_made_square():
    machine = Machine("cpu", "a CPU", "2.15", "0.30")
    with pytest.raises(CombinationError, match=r"longer_side_px=900: has no meaning with resizer=fixed"):
        cell(
            "meta_arch=rfcn", "extractor=tiny", "train.resizer=fixed", "train.longer_side_px=900"
        ).check_combination()
    ssd = ("meta_arch=ssd", "extractor=tiny", "train.minutes=null")
    for words in (ssd, (*ssd, "train.steps=0")):
        assert cell(*words, "train.longer_side_px=900").stages(machine) == cell(*words).stages(machine)


def test_the_decay_of_frozen_batch_norm_has_no_meaning():
    with pytest.raises(CombinationError, match=r"batch_norm_decay=0\.9: has no meaning with batch_norm=frozen"):
        cell("extractor=tiny", "train.batch_norm=frozen", "train.batch_norm_decay=0.9").check_combination()


def test_what_a_pair_brings_is_not_refused_and_stays_out_of_the_key_where_it_has_no_meaning():
    machine = Machine("cpu", "a CPU", "2.15", "0.30")
    found = cell(*SSD_PAPER)
    found.check_combination()
    assert (found.training.schedule, found.stages(machine).train.training.drop_steps) == ("exponential", ())
    stepped = cell("meta_arch=ssd", "extractor=resnet101", "train=paper", "train.warmup_steps=0")
    stepped.check_combination()
    assert stepped.training.warmup_factors
    assert stepped.stages(machine).train.training.warmup_factors == ()


@pytest.mark.parametrize(("word", "reason"), [("schedule=steps", "drop_steps"), ("clip_norm=0", "at least 1e-06")])
def test_a_training_refuses_what_stops_it_or_says_nothing(word, reason):
    with pytest.raises(ConfigError, match=rf"train\.{word}.*{reason}"):
        cell("extractor=tiny", f"train.{word}")


def test_only_trainings_that_changed_have_other_keys():
    changed = [Training(optimizer="rmsprop"), Training(random_crop="ssd"), Training(pad_ratio=1.0)]
    assert [training.VERSION for training in (*changed, Training(), Training(expand=2.0))] == [2, 2, 2, 1, 1]


def test_composing_leaves_the_command_as_it_was(monkeypatch):
    monkeypatch.setattr("sys.argv", ["run", "extractor=tiny", "size=64"])
    first, second = (enumerate_cells(sys.argv[1:]) for _ in range(2))
    assert sys.argv == ["run", "extractor=tiny", "size=64"]
    assert [found for found, _ in first] == [found for found, _ in second]


@pytest.mark.parametrize(
    ("words", "drops"),
    [
        (("train.schedule=steps", "train.drop_steps=[1]"), (1,)),
        (("train=paper", "extractor=resnet101", "train.schedule=steps"), (112_500, 150_000)),
    ],
)
def test_drops_that_stand_in_another_word_make_a_schedule_of_steps(words, drops):
    found = cell(*words)
    assert (found.training.schedule, found.training.drop_steps) == ("steps", drops)


def test_a_label_tells_what_was_given_below_detector_and_extractor():
    words = ("meta_arch=rfcn", "extractor=mobilenet", "size=300", "proposals=50", "meta_arch.bins=4")
    assert cell(*words, "extractor.width=0.5").label() == "R-FCN bins=4 MobileNet width=0.5 300 px 50 prop."
