"""Both engines are pycocotools, called as everyone calls it, to the last digits."""

import contextlib
import io
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tests.metrics.random_sets import RandomSet, arrays, random_set
from tradeoff.core.errors import ConfigError
from tradeoff.metrics import coco
from tradeoff.metrics.engines import ENGINES
from tradeoff.recipes.metric import Metric

#: the order of COCOeval.stats
NAMES = (
    "ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large",
    "ar_1", "ar_10", "ar_100", "ar_small", "ar_medium", "ar_large",
)  # fmt: skip
TOLERANCE = 1e-12

sets = st.builds(random_set, st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 4), st.integers(0, 60))


def reference(made: RandomSet) -> COCOeval:
    """Score by pycocotools' own reading of the lists; it cannot read no detections."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = COCO(), COCO()
        truth.dataset = made.truth
        truth.createIndex()
        found.dataset = {**made.truth, "annotations": []}
        found.createIndex()
        scoring = COCOeval(truth, truth.loadRes(made.detections) if made.detections else found, "bbox")
        scoring.evaluate()
        scoring.accumulate()
        scoring.summarize()
    return scoring


def assert_is_pycocotools(made: RandomSet, engine: str) -> None:
    expected, got = reference(made), coco.measure(*arrays(made), engine)
    for name, value in zip(NAMES, expected.stats, strict=True):
        ours = coco.figures(got)[name]
        assert (-1 if ours is None else ours) == pytest.approx(value, abs=TOLERANCE, rel=0), name
    precision, recall, scores = (expected.eval[key] for key in ("precision", "recall", "scores"))
    every = {  # class and IoU, of all sizes, limits and recalls that are told
        "ap": (got.ap, precision[..., -1].mean(axis=1)),
        "ar": (got.ar, recall[..., -1]),
        "ar_few": (got.ar_few, recall[:, :, 0, :2]),
        "precision": (got.precision, precision[..., 0, -1]),
        "score": (got.score, scores[..., 0, -1]),
    }
    for name, (ours, theirs) in every.items():
        np.testing.assert_allclose(np.nan_to_num(ours, nan=-1), theirs, rtol=0, atol=TOLERANCE, err_msg=name)


@settings(max_examples=320, deadline=None)
@given(made=sets)
def test_every_number_of_hotcoco_is_that_of_pycocotools(made: RandomSet) -> None:
    assert_is_pycocotools(made, "hotcoco")


@settings(max_examples=60, deadline=None)
@given(made=sets)
def test_new_ids_change_no_number_of_pycocotools(made: RandomSet) -> None:
    assert_is_pycocotools(made, "pycocotools")


@pytest.mark.slow
@settings(max_examples=4000, deadline=None)
@given(made=sets)
def test_every_number_of_hotcoco_is_that_of_pycocotools_on_many_sets(made: RandomSet) -> None:
    assert_is_pycocotools(made, "hotcoco")


def test_the_random_sets_are_as_hard_as_they_say() -> None:
    made = [random_set(seed) for seed in range(60)]
    assert max(max_per_image(one) for one in made) > 200
    assert any(entry["iscrowd"] for one in made for entry in one.truth["annotations"])
    assert {32.0**2, 96.0**2} <= {entry["area"] for one in made for entry in one.truth["annotations"]}
    assert any(len({entry["score"] for entry in one.detections}) < len(one.detections) for one in made)
    assert any({image["id"] for image in one.truth["images"]} - with_objects(one) for one in made)
    assert any(not one.detections or not one.truth["annotations"] for one in made)


def max_per_image(one: RandomSet) -> int:
    ids = [entry["image_id"] for entry in one.detections]
    return max((ids.count(identity) for identity in set(ids)), default=0)


def with_objects(one: RandomSet) -> set[int]:
    return {entry["image_id"] for entry in one.truth["annotations"]}


@settings(max_examples=20, deadline=None)
@given(made=sets)
def test_own_sizes_are_the_same_in_both_engines_and_leave_the_standard_ones_as_they_are(made: RandomSet) -> None:
    truth, found = arrays(made)
    extra = ((0.0, 256.0), (256.0, 1024.0), (1024.0, 9216.0))
    first, second = (coco.measure(truth, found, engine, extra) for engine in ("hotcoco", "pycocotools"))
    assert first.ranges == (*coco.STANDARD, (0.0, 256.0), (256.0, 1024.0))  # 32² to 96² is there already
    np.testing.assert_allclose(first.ap, second.ap, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(first.ar, second.ar, rtol=0, atol=TOLERANCE)
    assert coco.figures(first) == coco.figures(coco.measure(truth, found, "hotcoco"))


@pytest.mark.parametrize("engine", ENGINES)
def test_of_equal_scores_the_lower_image_id_ranks_first_then_the_order_given(engine: str) -> None:
    # one class, an object each in images 3 and 9; image 3 has a wrong detection, image 9 a right and a wrong one
    here, away = [0.0, 0, 10, 10], [50.0, 50, 10, 10]
    truth = {
        "images": [{"id": 9}, {"id": 3}],
        "categories": [{"id": 1}],
        "annotations": [{"image_id": identity, "category_id": 1, "bbox": here} for identity in (9, 3)],
    }
    right, wrong = ({"image_id": i, "category_id": 1, "bbox": b, "score": 0.5} for i, b in ((9, here), (3, away)))
    last = {"image_id": 9, "category_id": 1, "bbox": away, "score": 0.5}
    for given_as in ([right, wrong, last], [wrong, right, last], [right, last, wrong]):
        # ranks: wrong (image 3), right, last: precision 1/2 up to recall 1/2, which is 51 of 101 points
        assert coco.evaluate(truth, given_as, engine)["ap"] == pytest.approx(51 / 101 / 2)
    # ranks: wrong, last, right: precision 1/3
    assert coco.evaluate(truth, [last, right, wrong], engine)["ap"] == pytest.approx(51 / 101 / 3)


def test_an_engine_that_is_missing_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hotcoco", None)
    with pytest.raises(ConfigError, match=r"pip install hotcoco, or give metric\.engine=pycocotools"):
        Metric().check_engine()
    Metric(engine="pycocotools").check_engine()
