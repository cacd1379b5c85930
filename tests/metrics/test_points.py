"""What the area is above AP: by hand, and against the two figures themselves."""

import numpy as np
import pytest

from tests.metrics.random_sets import arrays, random_set
from tradeoff.metrics import points, ranked
from tradeoff.metrics.matches import match
from tradeoff.metrics.matching import IGNORED, RIGHT, WRONG
from tradeoff.metrics.resampling import average_precision


@pytest.mark.parametrize(
    ("outcome", "objects", "above", "most"),
    [
        ([RIGHT] * 7, 8, 7 / 8 - 88 / 101, 1 / 101),  # recall 0.875 has the points 0, 0.01, ..., 0.87
        ([RIGHT] * 3, 4, 3 / 4 - 76 / 101, 1 / 101),  # on a point: just below 0
        ([RIGHT] * 4, 4, 0, 1 / 101),
        # precision 1 up to recall 1/3 and 2/3 up to 2/3: 34 points and 33
        ([RIGHT, WRONG, IGNORED, RIGHT, WRONG], 3, 1 / 3 + 2 / 9 - (34 + 33 * 2 / 3) / 101, 2 / 3 / 101),
        # the dip to 1/2 is filled by the 3/4 at the end
        ([WRONG, RIGHT, RIGHT, RIGHT], 4, 3 / 4 * (3 / 4 - 76 / 101), 3 / 4 / 101),
        ([WRONG, IGNORED], 3, 0, 0),
        ([], 3, 0, 0),
    ],
)
def test_the_area_above_ap_and_the_step_at_the_end(outcome, objects, above, most) -> None:
    assert points.of_class(np.array(outcome, np.int8), objects) == pytest.approx((above, most), abs=1e-15)


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_area_of_voc_less_the_ap_of_coco(seed: int) -> None:
    found = match(*arrays(random_set(seed)))
    area = np.full((*found.outcome.shape[:2], len(found.category_ids)), np.nan)
    for place, level, label in np.ndindex(area.shape):
        outcome = found.outcome[place, level, found.label == label]
        objects = np.count_nonzero(found.inside[place] & (found.object_label == label))
        if objects:
            area[place, level, label] = ranked.area(outcome[outcome != IGNORED] == RIGHT, objects)
    ap = average_precision(found, np.ones((1, len(found.image_ids))))[0]
    above, most = points.left(found)
    np.testing.assert_allclose(above, (area - ap).mean(axis=1), atol=1e-12)
    assert (np.isnan(most) == np.isnan(above)).all()
