"""Columns and arrays agree with one another and with sets worked out by hand."""

from typing import Any

import numpy as np
import pytest

from tests.metrics.random_sets import RandomSet, arrays, random_set
from tradeoff.core.columns import BY_NAME
from tradeoff.metrics.accuracy import accuracy

Told = tuple[dict[str, float | None], dict[str, np.ndarray]]


def told(made: RandomSet, edges: tuple[float, ...] = (16.0, 32.0, 96.0, 256.0), threshold: float = 0.5) -> Told:
    return accuracy(*arrays(made), engine="hotcoco", size_edges_px=edges, score_threshold=threshold)


def by_hand() -> RandomSet:
    """Two cats of 10 and 40 px, a dog of 20 px and a class without objects; the small cat is missed."""
    squares = ((1, 2, 10.0), (1, 2, 40.0), (2, 5, 20.0))
    objects: list[dict[str, Any]] = [
        {"image_id": i, "category_id": c, "bbox": [100.0 * s, 0, s, s]} for i, c, s in squares
    ]
    found = [{**objects[1], "score": 0.9}, {**objects[2], "score": 0.4}]
    found += [{"image_id": 2, "category_id": 9, "bbox": [0.0, 0, 5, 5], "score": 0.8}]
    names = {2: "cat", 5: "dog", 9: "bird"}
    return RandomSet(
        {
            "images": [{"id": 1}, {"id": 2}, {"id": 3}],
            "categories": [{"id": identity, "name": name} for identity, name in names.items()],
            "annotations": objects,
        },
        found,
    )


def test_a_set_worked_out_by_hand() -> None:
    columns, told_arrays = told(by_hand())
    half = 51 / 101  # one of two cats: precision 1 at 51 of 101 recalls
    assert columns["ap"] == pytest.approx((half + 1) / 2)
    assert columns["voc_ap50"] == pytest.approx((0.5 + 1) / 2)
    assert columns["voc_ap50_11pt"] == pytest.approx((6 / 11 + 1) / 2)
    # from 0.5 on: a cat that is right and a bird that is wrong; three objects
    assert columns["precision_at_score"] == pytest.approx(1 / 2)
    assert columns["recall_at_score"] == pytest.approx(1 / 3)
    assert columns["f1_at_score"] == pytest.approx(2 / 5)
    assert columns["eval_images"] == 3
    assert told_arrays["category"].tolist() == ["cat", "dog", "bird"]
    assert told_arrays["objects_by_class"].tolist() == [2, 1, 0]
    # sizes up to 16, 32, 96, 256 and more: a cat missed, the dog, the other cat, nothing, nothing
    nan = np.nan
    np.testing.assert_allclose(told_arrays["ap_by_size"], [0, 1, 1, nan, nan])
    np.testing.assert_allclose(told_arrays["ap_by_size_class"][:3], [[0, nan, nan], [nan, 1, nan], [1, nan, nan]])
    np.testing.assert_allclose(told_arrays["ap_by_class"], [half, 1, nan])
    np.testing.assert_allclose(told_arrays["ar_by_class"], [0.5, 1, nan])
    np.testing.assert_allclose(told_arrays["precision_at_score_by_class"], [1, nan, 0])
    np.testing.assert_allclose(told_arrays["recall_at_score_by_class"], [0.5, 0, nan])
    np.testing.assert_allclose(told_arrays["f1_at_score_by_class"], [2 / 3, 0, 0])
    np.testing.assert_allclose(told_arrays["curve_precision"][0, :, 0], [1.0] * 51 + [0.0] * 50)
    np.testing.assert_allclose(told_arrays["curve_score"][0, :, 0], [0.9] * 51 + [0.0] * 50)
    np.testing.assert_allclose(
        told_arrays["size_area_px2"], [[0, 256], [256, 1024], [1024, 9216], [9216, 65536], [65536, 1e10]]
    )


def test_an_object_on_an_edge_is_of_both_sizes() -> None:
    made = by_hand()
    made.truth["annotations"][2]["area"] = 16.0**2
    assert told(made)[1]["objects_by_size_class"][:2].tolist() == [[1, 1, 0], [0, 1, 0]]


@pytest.mark.parametrize("seed", range(8))
def test_the_columns_are_means_of_the_arrays(seed: int) -> None:
    columns, parts = told(random_set(seed, images=6, classes=4, most=60), edges=(32.0, 96.0))
    for name in ("voc_ap50", "voc_ap50_11pt", "oi_ap50"):
        assert columns[name] == pytest.approx(np.nanmean(parts[f"{name}_by_class"]))
    ap = [columns[name] for name in ("ap", "ap50", "ap75")]
    assert [parts["ap_by_iou"].mean(), *parts["ap_by_iou"][[0, 5]]] == pytest.approx(ap)
    assert np.nanmean(parts["ap_by_class"]) == pytest.approx(columns["ap"])
    assert np.nanmean(parts["ar_by_class"]) == pytest.approx(columns["ar_100"])
    # with edges at 32 and 96 px the own sizes are COCO's
    for axis in ("ap", "ar"):
        sizes = [columns[f"{axis}_{name}"] for name in ("small", "medium", "large")]
        got = [None if np.isnan(value) else pytest.approx(value) for value in parts[f"{axis}_by_size"]]
        assert sizes == got
    curves = np.nanmean(parts["curve_precision"], axis=(1, 2))
    np.testing.assert_allclose(curves, parts["ap_by_iou"])


def test_nothing_is_told_as_minus_one_and_every_column_is_registered() -> None:
    for seed in range(30):
        columns, parts = told(random_set(seed))
        assert all(name in BY_NAME for name in columns)
        assert all(value is None or value >= 0 for value in columns.values())
        for name, values in parts.items():
            assert values.dtype.kind == "U" or not (values < 0).any(), name


def test_no_detections_score_zero_everywhere() -> None:
    columns, _ = told(RandomSet(by_hand().truth, []))
    zero = {"ap", "ap50", "voc_ap50", "voc_ap50_11pt", "oi_ap50", "recall_at_score", "f1_at_score", "ar_100"}
    assert {columns[name] for name in zero} == {0.0}
    assert columns["precision_at_score"] is None
