"""Golden keys: a change of what a shipped cell is, or of how keys are made, is seen in review.

A key that changes makes every finished training of its kind start again. If that is meant, copy the new keys here and
say "keys: changed (why)" in CHANGELOG.md.
"""

import pytest

from tradeoff.core.machine import Machine
from tradeoff.run import enumerate_cells

CPU = Machine("cpu", "a CPU", "2.15.0", "0.29.2")

GOLDEN = {
    "meta_arch=ssd extractor=mobilenet": "",
    "meta_arch=faster_rcnn extractor=resnet101 size=600 train=paper": "",
    "meta_arch=rfcn extractor=tiny train=smoke": "",
}


@pytest.mark.parametrize("words", GOLDEN)
def test_the_keys_of_shipped_cells_are_as_they_were(words):
    ((cell, _),) = enumerate_cells(words.split())
    keys = cell.stages(CPU).keys()
    assert " ".join(str(key) for key in keys.values()) == GOLDEN[words]
