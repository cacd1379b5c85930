"""The resizer that is asked for is that of training, scoring and timing alike."""

import pytest
import torch

from tests.stages.test_train import CPU, WORDS, stage_of
from tradeoff.core.digest import digest
from tradeoff.core.errors import CombinationError
from tradeoff.core.store import Context, Store
from tradeoff.recipes.inference import Inference
from tradeoff.run import enumerate_cells
from tradeoff.stages.detect import chain_of
from tradeoff.stages.train import Trainer


def seen(stage, folder):
    """Return the shapes of a training batch and of the same pictures when they are scored."""
    trainer = Trainer(stage, folder, Context(Store(folder)))
    batch = next(trainer.batches())
    chain = chain_of(stage, trainer.detector.eval(), Inference(proposals=5), "cpu")
    data = stage.split.build()
    prepared, _ = chain.copy(chain.preprocess([data.example(index).image for index in range(2)]))
    return batch, prepared


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        ((), (64, 85)),  # 640×480 with a shorter side of 64: 85.3
        (("train.resizer=fixed",), (64, 64)),
        (("train.resizer=keep_aspect", "train.longer_side_px=72"), (54, 72)),
        (("meta_arch=ssd",), (64, 64)),
    ],
)
def test_training_and_scoring_see_the_same_size(words, shape, tmp_path):
    batch, prepared = seen(stage_of(*words, "train.flip=false"), tmp_path)
    assert batch.images.shape[2:] == prepared.images.shape[2:] == shape
    assert torch.equal(batch.images, prepared.images.contiguous())


def test_an_untrained_cell_is_timed_with_its_resizer():
    ((cell, _),) = enumerate_cells([*WORDS, "train=none", "train.resizer=fixed"])
    assert cell.stages(CPU).measure.train.resizer == "fixed"


def test_a_resizer_is_part_of_the_key_and_the_standard_one_is_not():
    plain, auto, fixed = stage_of(), stage_of("train.resizer=auto"), stage_of("train.resizer=fixed")
    assert digest(plain) == digest(auto) != digest(fixed)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("meta_arch=ssd", "train.resizer=keep_aspect"), "anchors of SSD"),
        (("train.longer_side_px=60",), "less than the shorter side, size=64"),
    ],
)
def test_images_that_a_detector_cannot_take_are_refused_with_the_reason(words, told):
    ((cell, _),) = enumerate_cells([*WORDS, *words])
    with pytest.raises(CombinationError, match=told):
        cell.check_combination()
