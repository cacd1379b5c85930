"""COCO's scores against cases worked out by hand and against their definition."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeoff.core.errors import DataError
from tradeoff.metrics.coco import evaluate

Entry = dict[str, Any]


def truth(boxes: list[tuple[int, int, list[float]]], images: int = 2, categories: int = 2) -> Entry:
    """Return annotations of (image, category, xywh)."""
    return {
        "images": [{"id": i} for i in range(1, images + 1)],
        "categories": [{"id": i, "name": str(i)} for i in range(1, categories + 1)],
        "annotations": [
            {"id": n, "image_id": i, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": 0}
            for n, (i, c, b) in enumerate(boxes, start=1)
        ],
    }


def found(boxes: list[tuple[int, int, list[float], float]]) -> list[Entry]:
    """Return detections of (image, category, xywh, score)."""
    return [{"image_id": i, "category_id": c, "bbox": b, "score": s} for i, c, b, s in boxes]


SMALL, LARGE, ELSEWHERE = [10.0, 10, 20, 20], [50.0, 50, 100, 100], [300.0, 300, 20, 20]


def test_perfect_detections_score_one_where_there_are_objects_and_nothing_elsewhere() -> None:
    scores = evaluate(truth([(1, 1, SMALL), (2, 2, LARGE)]), found([(1, 1, SMALL, 0.9), (2, 2, LARGE, 0.8)]))
    assert scores["eval_images"] == 2
    for name in ("ap", "ap50", "ap75", "ap_small", "ap_large", "ar_1", "ar_10", "ar_100", "ar_small", "ar_large"):
        assert scores[name] == pytest.approx(1.0)
    assert scores["ap_medium"] is None
    assert scores["ar_medium"] is None


def test_one_of_two_found_scores_half() -> None:
    # precision is 1 up to recall 0.5, which is 51 of the 101 recall points
    scores = evaluate(truth([(1, 1, SMALL), (2, 1, LARGE)]), found([(1, 1, SMALL, 0.9)]))
    assert scores["ap"] == pytest.approx(51 / 101)
    assert scores["ar_100"] == pytest.approx(0.5)
    assert (scores["ap_small"], scores["ap_large"]) == (pytest.approx(1.0), 0.0)


def test_a_false_alarm_above_the_object_halves_precision() -> None:
    scores = evaluate(truth([(1, 1, SMALL)]), found([(1, 1, ELSEWHERE, 0.9), (1, 1, SMALL, 0.5)]))
    assert scores["ap50"] == pytest.approx(0.5)


def test_the_mean_is_over_the_thresholds_that_a_box_passes() -> None:
    # 20 × 15 within 20 × 20 overlaps by 0.75: found at 0.5, 0.55, ..., 0.75, which are 6 of 10 thresholds
    scores = evaluate(truth([(1, 1, SMALL)]), found([(1, 1, [10, 10, 20, 15], 0.9)]))
    assert scores["ap"] == pytest.approx(0.6)
    assert scores["ap75"] == pytest.approx(1.0)


def test_an_object_found_twice_counts_once() -> None:
    # at recall 0.5 precision 1; the second box is a false alarm and the other object comes third: precision 2/3
    boxes = found([(1, 1, SMALL, 0.9), (1, 1, SMALL, 0.8), (1, 1, LARGE, 0.7)])
    scores = evaluate(truth([(1, 1, SMALL), (1, 1, LARGE)]), boxes)
    assert scores["ap50"] == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)


def test_detections_in_a_crowd_are_neither_right_nor_wrong() -> None:
    annotations = truth([(1, 1, SMALL), (1, 1, LARGE)])
    annotations["annotations"][1]["iscrowd"] = 1
    boxes = found([(1, 1, [60, 60, 20, 20], 0.9), (1, 1, [90, 90, 20, 20], 0.8), (1, 1, SMALL, 0.5)])
    assert evaluate(annotations, boxes)["ap"] == pytest.approx(1.0)


def test_no_detections_score_zero_and_leave_empty_buckets_empty() -> None:
    scores = evaluate(truth([(1, 1, SMALL)]), [])
    assert scores["ap"] == 0.0
    assert scores["ap_small"] == 0.0
    assert scores["ar_100"] == 0.0
    assert scores["ap_large"] is None


@pytest.mark.parametrize("engine", ["hotcoco", "pycocotools"])
def test_a_hundred_detections_of_an_image_and_class_count_however_many_there_are(engine: str) -> None:
    wrong = [(1, 1, ELSEWHERE, 0.9 - n / 1000) for n in range(100)]
    for kept, ap in ((100, 0.0), (99, 1 / 100)):
        boxes = found([*wrong[:kept], (1, 1, SMALL, 0.1), *((1, 2, SMALL, 0.95) for _ in range(200))])
        assert evaluate(truth([(1, 1, SMALL)]), boxes, engine)["ap"] == pytest.approx(ap)


def test_no_objects_score_nothing_at_all() -> None:
    scores = evaluate(truth([]), found([(1, 1, SMALL, 0.9)]))
    assert {name for name, value in scores.items() if value is not None} == {"eval_images"}
    assert scores["eval_images"] == 2


def test_an_annotation_of_id_0_is_found_like_any_other() -> None:
    annotations = truth([(1, 1, SMALL)])
    annotations["annotations"][0]["id"] = 0
    assert evaluate(annotations, found([(1, 1, SMALL, 0.9)]))["ap"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((1, 1, [float("nan"), 0, 1, 1], 0.5), "finite"),
        ((1, 1, [0, 0, float("inf"), 1], 0.5), "finite"),
        ((1, 1, SMALL, float("nan")), "finite"),
        ((1, 1, [0, 0, 1], 0.5), "finite"),
        ((9, 1, SMALL, 0.5), "no such image"),
        ((1, 9, SMALL, 0.5), "no such category"),
    ],
)
def test_a_detection_that_means_nothing_is_refused(wrong: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        evaluate(truth([(1, 1, SMALL)]), found([(1, 1, SMALL, 0.9), wrong]))


def test_scoring_is_silent_and_changes_neither_input(capfd: pytest.CaptureFixture[str]) -> None:
    annotations, boxes = truth([(1, 1, SMALL)]), found([(1, 1, SMALL, 0.9)])
    first = evaluate(annotations, boxes)
    assert (annotations, boxes) == (truth([(1, 1, SMALL)]), found([(1, 1, SMALL, 0.9)]))
    assert evaluate(annotations, boxes) == first
    assert capfd.readouterr() == ("", "")


def overlap(one: list[float], other: list[float]) -> float:
    """Return the intersection over union of two boxes x, y, width, height."""
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def brute_force_ap50(objects: list[Entry], boxes: list[Entry]) -> float:
    """Compute AP at IoU 0.5 of one class from its definition: greedy by score, 101 points of recall.

    A recall of 3/10 is below the point 0.30000000000000004, here as in pycocotools.
    """
    free = list(objects)
    right = []
    for box in sorted(boxes, key=lambda entry: -entry["score"]):
        pairs = [(overlap(o["bbox"], box["bbox"]), n) for n, o in enumerate(free) if o["image_id"] == box["image_id"]]
        best = max(pairs, default=(0.0, -1))
        right.append(best[0] >= 0.5)
        if right[-1]:
            free.pop(best[1])
    hits = np.cumsum(right)
    recall, precision = hits / len(objects), hits / np.arange(1, len(hits) + 1)
    points = [precision[recall >= point].max(initial=0.0) for point in np.linspace(0, 1, 101)]
    return float(np.mean(points))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_ap50_of_one_class_is_that_of_its_definition(seed: int) -> None:
    random = np.random.default_rng(seed)

    def box() -> list[float]:
        return [*random.uniform(0, 60, 2).tolist(), *random.uniform(10, 40, 2).tolist()]

    annotations = truth([(int(random.integers(1, 5)), 1, box()) for _ in range(random.integers(1, 15))], 4, 1)
    near = [
        (a["image_id"], 1, np.maximum(np.array(a["bbox"]) + random.normal(0, 3, 4), [-99, -99, 0, 0]).tolist())
        for a in annotations["annotations"]
    ]
    far = [(int(random.integers(1, 5)), 1, box()) for _ in range(random.integers(0, 10))]
    scores = random.permutation(len(near + far)) / 100  # no ties
    boxes = found([(*entry, float(score)) for entry, score in zip(near + far, scores, strict=True)])
    assert evaluate(annotations, boxes)["ap50"] == pytest.approx(brute_force_ap50(annotations["annotations"], boxes))
