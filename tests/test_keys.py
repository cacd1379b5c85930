"""Golden keys: a change of what a shipped cell is, or of how keys are made, is seen in review.

A key that changes makes every finished training of its kind start again. If that is meant, copy the new keys here and
say "keys: changed (why)" in CHANGELOG.md.
"""

import pytest

from tradeoff.core.machine import Machine
from tradeoff.run import enumerate_cells

CPU = Machine("cpu", "a CPU", "2.15.0", "0.29.2")

GOLDEN = {
    "meta_arch=ssd extractor=mobilenet": "b4c8c1f2ff28 b4e98a5ee51a ad5158e11187 b83952227c12",
    "extractor=resnet101 size=600 train=paper": "49ea457d0a91 62c0d360da03 ef5b178aa3d8 56b53b4360ac",
    "meta_arch=rfcn extractor=tiny train=smoke": "4798b7774041 d934c4279b40 4544a7bb2b6c a9dfb1c79496",
}


@pytest.mark.parametrize("words", GOLDEN)
def test_the_keys_of_shipped_cells_are_as_they_were(words):
    ((cell, _),) = enumerate_cells(words.split())
    keys = cell.stages(CPU).keys()
    assert " ".join(str(key) for key in keys.values()) == GOLDEN[words]
