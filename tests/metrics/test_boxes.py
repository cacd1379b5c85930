"""What cannot be scored is refused before any evaluator sees it; what is left out is filled by rule."""

from typing import Any

import numpy as np
import pytest

from tradeoff.core.errors import DataError
from tradeoff.metrics import boxes
from tradeoff.metrics.coco import evaluate

Entry = dict[str, Any]


def ground_truth(*changes: Entry) -> Entry:
    """Return two images with an object each, the first ones changed."""
    annotations = [
        {"id": n, "image_id": n, "category_id": 7, "bbox": [0.0, 0, 20, 10], "area": 90.0, "iscrowd": 0}
        for n in (1, 2)
    ]
    for entry, change in zip(annotations, changes, strict=False):
        entry |= change
    return {"images": [{"id": 1}, {"id": 2}], "categories": [{"id": 7, "name": "cat"}], "annotations": annotations}


PERFECT = [{"image_id": n, "category_id": 7, "bbox": [0.0, 0, 20, 10], "score": 0.5} for n in (1, 2)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"bbox": [0, 0, float("inf"), 1]}, r"annotation 0: bbox=\[0.0, 0.0, inf, 1.0\]: expected 4 finite"),
        ({"bbox": [0, float("nan"), 1, 1]}, "4 finite numbers"),
        ({"bbox": [0, 0, 1]}, "4 finite numbers"),
        ({"bbox": [0, -1e300, 1, 1]}, "4 finite numbers of at most"),
        ({"bbox": [0, 0, 0, 4]}, "width and a height above 0"),
        ({"bbox": [0, 0, 4, -4]}, "width and a height above 0"),
        ({"area": float("nan")}, "area=nan: expected a finite number"),
        ({"area": -1.0}, "area=-1.0"),
        ({"image_id": 3}, "image=3.*no such image"),
        ({"category_id": 0}, "category=0.*no such category"),
    ],
)
def test_an_annotation_that_means_nothing_is_refused(change: Entry, said: str) -> None:
    with pytest.raises(DataError, match=said):
        boxes.truth(ground_truth(change))


@pytest.mark.parametrize("key", ["images", "categories"])
def test_an_image_or_a_category_that_is_listed_twice_is_refused(key: str) -> None:
    double = ground_truth()
    double[key] = [*double[key], double[key][0]]
    with pytest.raises(DataError, match=rf"{key}: id \d is listed 2 times"):
        boxes.truth(double)


def test_the_ids_of_annotations_mean_nothing() -> None:
    plain = evaluate(ground_truth(), PERFECT)
    assert plain["ap"] == pytest.approx(1.0)
    for changes in (({"id": 0}, {"id": 1}), ({"id": 5}, {"id": 5}), ({"id": "a"}, {"id": -3})):
        assert evaluate(ground_truth(*changes), PERFECT) == plain


def test_a_missing_area_is_that_of_the_box_and_a_missing_iscrowd_is_none() -> None:
    bare = ground_truth()
    for key in ("area", "iscrowd", "id"):
        del bare["annotations"][0][key]
    truth = boxes.truth(bare)
    assert truth.area.tolist() == [200.0, 90.0]
    assert truth.crowd.tolist() == [False, False]


def test_images_and_categories_are_numbered_in_the_order_of_their_ids() -> None:
    mixed = {
        "images": [{"id": 30}, {"id": 4}],
        "categories": [{"id": 9, "name": "dog"}, {"id": 2}],
        "annotations": [{"image_id": 30, "category_id": 2, "bbox": [1, 2, 3, 4]}],
    }
    truth = boxes.truth(mixed)
    assert (truth.image_ids.tolist(), truth.category_ids.tolist(), truth.names) == ([4, 30], [2, 9], ("2", "dog"))
    assert (truth.image.tolist(), truth.label.tolist(), truth.area.tolist()) == ([1], [0], [12.0])


def test_a_message_counts_the_others_of_its_kind() -> None:
    wrong = [{**entry, "bbox": [0, 0, -1, 5]} for entry in PERFECT]
    with pytest.raises(DataError, match=r"detection 0: bbox=\[0.0, 0.0, -1.0, 5.0\]: expected sides.*first of 2"):
        boxes.detections(boxes.truth(ground_truth()), wrong)


def test_ids_that_are_no_whole_numbers_are_refused() -> None:
    truth = boxes.truth(ground_truth())
    with pytest.raises(DataError, match="expected whole numbers"):
        boxes.found(truth, [1.5], [7], np.zeros((1, 4)), [0.5])


@pytest.mark.parametrize("engine", ["hotcoco", "pycocotools"])
def test_without_images_or_categories_or_objects_nothing_is_told(engine: str) -> None:
    empty: Entry = {"images": [], "categories": [], "annotations": []}
    with_image, with_class = {**empty, "images": [{"id": 1}]}, {**empty, "categories": [{"id": 1}]}
    for truth in (empty, with_image, with_class, {**with_image, **{"categories": [{"id": 1}]}}):
        told = evaluate(truth, [], engine)
        assert told.pop("eval_images") == len(truth["images"])
        assert set(told.values()) == {None}


@pytest.mark.parametrize("engine", ["hotcoco", "pycocotools"])
def test_objects_that_are_all_crowds_leave_every_figure_empty(engine: str) -> None:
    told = evaluate(ground_truth({"iscrowd": 1}, {"iscrowd": 1}), PERFECT, engine)
    assert {name for name, value in told.items() if value is not None} == {"eval_images"}


THREE = {"images": [{"id": 9}, {"id": 4}], "categories": [{"id": i} for i in (2, 7, 90)], "annotations": []}
PREDICTED = {
    "image_id": np.array([4, 9]),
    "label": np.array([2, 0]),
    "score": np.array([0.5, 0.25], np.float32),
    "box": np.array([[1, 2, 4, 8], [0, 0, 10, 5]], np.float32),
}


def test_labels_become_categories_and_corners_become_sides() -> None:
    found = boxes.predicted(boxes.truth(THREE), PREDICTED, (2, 7, 90))
    assert (found.image.tolist(), found.label.tolist()) == ([0, 1], [2, 0])
    assert found.box.tolist() == [[1.0, 2.0, 3.0, 6.0], [0.0, 0.0, 10.0, 5.0]]
    assert found.score.tolist() == [0.5, 0.25]
    assert PREDICTED["box"][0].tolist() == [1, 2, 4, 8]


@pytest.mark.parametrize("label", [3, -1])
def test_a_label_that_the_data_set_does_not_have_is_refused(label: int) -> None:
    with pytest.raises(DataError, match=rf"label={label}: expected 0 to 2"):
        boxes.predicted(boxes.truth(THREE), {**PREDICTED, "label": np.array([0, label])}, (2, 7, 90))
