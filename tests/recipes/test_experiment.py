"""A cell refuses parts that do not go together."""

import pytest

from tradeoff.core.errors import CombinationError
from tradeoff.run import enumerate_cells


def cell(*words):
    ((found, _),) = enumerate_cells(list(words))
    return found


def test_an_extractor_from_scratch_cannot_be_kept():
    with pytest.raises(CombinationError, match=r"extractor\.weights"):
        cell("extractor=tiny", "train.freeze_extractor=true").check_combination()
    cell("extractor=mobilenet", "extractor.pretrained=true", "train.freeze_extractor=true").check_combination()


def test_a_batch_of_one_image_cannot_train_ssd():
    with pytest.raises(CombinationError, match="batch_size"):
        cell("meta_arch=ssd", "train.batch_size=1").check_combination()
    cell("meta_arch=ssd", "train.batch_size=1", "train.steps=0").check_combination()
