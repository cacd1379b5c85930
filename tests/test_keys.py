"""Golden keys: a change of what a shipped cell is, or of how keys are made, is seen in review.

A key that changes makes every finished training of its kind start again. If that is meant, copy the new keys here and
say "keys: changed (why)" in CHANGELOG.md.
"""

import pytest

from tradeoff.core.machine import Machine
from tradeoff.run import enumerate_cells

CPU = Machine("cpu", "a CPU", "2.15.0", "0.29.2")

GOLDEN = {
    "meta_arch=ssd extractor=mobilenet": "b4c8c1f2ff28 3d52a046383c 8ee93cd35bf0 e9b4ec1cb82e",
    "extractor=resnet101 size=600 train=paper": "32609d13a751 546f678273fd 7daf27be73d5 f13cbca3c0dc",
    "meta_arch=rfcn extractor=tiny train=smoke": "4798b7774041 d06722698ddd 5c61b9c13373 5cda0d1a982c",
}


@pytest.mark.parametrize("words", GOLDEN)
def test_the_keys_of_shipped_cells_are_as_they_were(words):
    ((cell, _),) = enumerate_cells(words.split())
    keys = cell.stages(CPU).keys()
    assert " ".join(str(key) for key in keys.values()) == GOLDEN[words]
