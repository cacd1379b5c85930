"""A cell refuses parts that do not go together."""

import pytest

from tradeoff.core.errors import CombinationError
from tradeoff.core.machine import Machine
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
