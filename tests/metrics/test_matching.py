"""The rules of Pascal VOC and Open Images, against hand-made cases and a plain reading of their definitions."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metrics.plain import overlap
from tests.metrics.random_sets import RandomSet, arrays, random_set
from tradeoff.metrics import matching, ranked
from tradeoff.metrics.accuracy import accuracy

Entry = dict[str, Any]

sets = st.builds(random_set, st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 4), st.integers(0, 60))


def nearest(box: list[float], objects: list[Entry], of_first: bool = False) -> tuple[float, int]:
    """Return the largest overlap with an object and which it is, the first of equal ones."""
    values = [overlap(box, entry["bbox"], of_first) for entry in objects]
    best = max(values, default=0.0)
    return best, values.index(best) if values else -1


def walk(made: RandomSet, category: int) -> list[Entry]:
    """Return the detections of a class, best first: by score, then image id, then place in the list."""
    mine = [entry for entry in made.detections if entry["category_id"] == category]
    return sorted(mine, key=lambda entry: (-entry["score"], entry["image_id"]))  # sorted keeps the order of the list


def objects_of(made: RandomSet, image: int, category: int) -> list[Entry]:
    return [e for e in made.truth["annotations"] if (e["image_id"], e["category_id"]) == (image, category)]


def plain_voc(made: RandomSet, category: int) -> tuple[list[bool], int]:
    """Go down the ranking one detection at a time; return whether each that counts is right, and the objects."""
    taken: list[Entry] = []
    hits = []
    for box in walk(made, category):
        objects = objects_of(made, box["image_id"], category)
        best, place = nearest(box["bbox"], objects)
        if best < 0.5:
            hits.append(False)
        elif not objects[place]["iscrowd"]:
            hits.append(not any(objects[place] is entry for entry in taken))
            taken.append(objects[place])
    mine = [e for e in made.truth["annotations"] if e["category_id"] == category]
    return hits, sum(not entry["iscrowd"] for entry in mine)


def plain_open_images(made: RandomSet, category: int) -> tuple[list[bool], int]:
    """As the challenge says: single objects first; what is wrong by them may belong to a group, which counts once."""
    taken: list[Entry] = []
    hits = []
    for box in walk(made, category):
        objects = objects_of(made, box["image_id"], category)
        single = [entry for entry in objects if not entry["iscrowd"]]
        groups = [entry for entry in objects if entry["iscrowd"]]
        best, place = nearest(box["bbox"], single)
        if best >= 0.5 and not any(single[place] is entry for entry in taken):
            taken.append(single[place])
            hits.append(True)
            continue
        best, place = nearest(box["bbox"], groups, of_first=True)
        if best < 0.5:
            hits.append(False)
        elif not any(groups[place] is entry for entry in taken):
            taken.append(groups[place])
            hits.append(True)
    return hits, sum(entry["category_id"] == category for entry in made.truth["annotations"])


def plain_area(hits: list[bool], objects: int) -> float:
    """Add up rectangles: each step of recall with the best precision from there on."""
    points = [(sum(hits[: n + 1]) / objects, sum(hits[: n + 1]) / (n + 1)) for n in range(len(hits))]
    total, before = 0.0, 0.0
    for n, (recall, _) in enumerate(points):
        total += (recall - before) * max(precision for _, precision in points[n:])
        before = recall
    return total


def plain_eleven(hits: list[bool], objects: int) -> float:
    points = [(sum(hits[: n + 1]), sum(hits[: n + 1]) / (n + 1)) for n in range(len(hits))]
    best = [max((p for found, p in points if 10 * found >= tenth * objects), default=0.0) for tenth in range(11)]
    return sum(best) / 11


Plain = Callable[[RandomSet, int], tuple[list[bool], int]]


def plain_mean(made: RandomSet, rule: Plain, average: Callable[[list[bool], int], float]) -> float | None:
    told = [rule(made, entry["id"]) for entry in made.truth["categories"]]
    values = [average(hits, objects) for hits, objects in told if objects]
    return sum(values) / len(values) if values else None


def scores(made: RandomSet, threshold: float = 0.5) -> dict[str, float | None]:
    return accuracy(*arrays(made), engine="hotcoco", size_edges_px=(32.0,), score_threshold=threshold)[0]


@settings(max_examples=150, deadline=None)
@given(made=sets)
def test_average_precision_of_voc_and_open_images_is_that_of_their_definitions(made: RandomSet) -> None:
    got = scores(made)
    assert got["voc_ap50"] == pytest.approx(plain_mean(made, plain_voc, plain_area), abs=1e-12)
    assert got["voc_ap50_11pt"] == pytest.approx(plain_mean(made, plain_voc, plain_eleven), abs=1e-12)
    assert got["oi_ap50"] == pytest.approx(plain_mean(made, plain_open_images, plain_area), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(made=sets, threshold=st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]))
def test_precision_and_recall_at_a_score_count_what_is_left_above_it(made: RandomSet, threshold: float) -> None:
    above = RandomSet(made.truth, [entry for entry in made.detections if entry["score"] >= threshold])
    told = [plain_voc(above, entry["id"]) for entry in made.truth["categories"]]
    right, shown = sum(sum(hits) for hits, _ in told), sum(len(hits) for hits, _ in told)
    objects = sum(count for _, count in told)
    got = scores(made, threshold)
    assert got["precision_at_score"] == (pytest.approx(right / shown) if shown else None)
    assert got["recall_at_score"] == (pytest.approx(right / objects) if objects else None)
    assert got["f1_at_score"] == (pytest.approx(2 * right / (shown + objects)) if shown + objects else None)


HERE, NEAR, AWAY, ALL = [0.0, 0, 10, 10], [1.0, 0, 10, 10], [50.0, 50, 10, 10], [0.0, 0, 100, 100]


def one_class(objects: list[tuple[list[float], int]], found: list[tuple[list[float], float]]) -> RandomSet:
    place = {"image_id": 1, "category_id": 1}
    return RandomSet(
        {
            "images": [{"id": 1}],
            "categories": [{"id": 1}],
            "annotations": [{**place, "bbox": box, "iscrowd": crowd} for box, crowd in objects],
        },
        [{**place, "bbox": box, "score": score} for box, score in found],
    )


def outcomes(made: RandomSet) -> tuple[list[int], list[int]]:
    truth, found = arrays(made)
    return matching.voc(truth, found).tolist(), matching.open_images(truth, found).tolist()


def test_a_double_is_wrong_even_if_another_object_is_free() -> None:
    # both detections overlap HERE most; COCO's rule would give the second to NEAR, with an IoU of 9/11
    made = one_class([(HERE, 0), (NEAR, 0)], [(HERE, 0.9), (HERE, 0.8)])
    assert outcomes(made) == ([1, 0], [1, 0])


def test_a_crowd_is_ignored_by_voc_and_found_once_by_open_images() -> None:
    # both lie wholly in the crowd; their IoU with it is 0.01, so that to VOC they are wrong, as is what is elsewhere
    made = one_class([(ALL, 1)], [(HERE, 0.7), (AWAY, 0.9), ([200.0, 0, 10, 10], 0.8)])
    assert outcomes(made) == ([0, 0, 0], [-1, 1, 0])
    assert outcomes(one_class([(ALL, 1)], [(ALL, 0.9)])) == ([-1], [1])


def test_a_double_within_a_crowd_belongs_to_the_crowd() -> None:
    made = one_class([(HERE, 0), (ALL, 1)], [(HERE, 0.9), (NEAR, 0.8), (AWAY, 0.7)])
    assert outcomes(made) == ([1, 0, 0], [1, 1, -1])


def test_an_overlap_of_exactly_one_half_is_enough() -> None:
    # 10 × 5 of 10 × 10; and a box with half of its area in a crowd
    assert outcomes(one_class([(HERE, 0)], [([0.0, 0, 10, 5], 0.5)])) == ([1], [1])
    assert outcomes(one_class([(HERE, 1)], [([0.0, 5, 10, 10], 0.5)])) == ([0], [1])


def test_a_box_without_area_is_wrong_wherever_it_lies() -> None:
    made = one_class([(HERE, 0), (ALL, 1)], [([5.0, 5, 0, 4], 0.5)])
    assert outcomes(made) == ([0], [0])


def test_many_pairs_are_compared_in_parts_with_the_same_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    made = random_set(5, images=2, classes=1, most=300)
    whole = outcomes(made)
    monkeypatch.setattr(matching, "PAIRS", 7)
    assert outcomes(made) == whole
    assert set(whole[0]) > {matching.RIGHT, matching.WRONG}


def test_the_area_fills_dips_and_eleven_points_count_whole_tenths() -> None:
    # right, wrong, right of 2 objects: precision 1 up to recall 1/2, then 2/3: area (1 + 2/3) / 2; of the eleven
    # recalls 0 to 0.5 see 1 and 0.6 to 1 see 2/3
    hits = np.array([True, False, True])
    assert ranked.area(hits, 2) == pytest.approx(5 / 6)
    assert ranked.eleven_points(hits, 2) == pytest.approx((6 + 5 * 2 / 3) / 11)
    # 3 of 10 found: recalls 0, 0.1, 0.2 and 0.3 are reached, though 3 * 0.1 > 0.3 in floating point
    assert ranked.eleven_points(np.ones(3, np.bool_), 10) == pytest.approx(4 / 11)
    assert ranked.area(np.zeros(0, np.bool_), 3) == ranked.eleven_points(np.zeros(0, np.bool_), 3) == 0.0
