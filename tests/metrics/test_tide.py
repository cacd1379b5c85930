"""What errors cost: against plain loops with pycocotools, hotcoco's analysis, the authors' numbers and by hand."""

import random
from typing import Any

import hotcoco
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.metrics.plain import Plain, ap50
from tests.metrics.random_sets import RandomSet, arrays, random_set
from tradeoff.metrics import tide
from tradeoff.metrics.coco import evaluate

Entry = dict[str, Any]
Costs = dict[str, float | None]

NAMES = ("cls", "loc", "both", "dupe", "bkg", "miss", "fp", "fn")
TOLERANCE = 1e-12


def dense(seed: int, images: int = 4, classes: int = 3, most: int = 120, crowds: float = 0.0) -> RandomSet:
    """Make a set where many detections are meant for one object: crowded images, boxes moved a little or much."""
    dice = random.Random(seed)

    def somewhere() -> Entry:
        box = [dice.uniform(0, 100), dice.uniform(0, 100), dice.uniform(15, 60), dice.uniform(15, 60)]
        return {"image_id": dice.randint(1, images), "category_id": dice.randint(1, classes), "bbox": box}

    objects = [{**somewhere(), "iscrowd": int(dice.random() < crowds)} for _ in range(dice.randint(5, 30))]
    scores = list(range(dice.randint(20, most)))
    dice.shuffle(scores)
    detections = []
    for score in scores:
        chosen, other, spread = dice.choice(objects), somewhere(), dice.choice((0, 1, 3, 8, 15))
        x, y, width, height = (value + dice.gauss(0, 1) * spread for value in chosen["bbox"])
        near = {**chosen, "bbox": [x, y, max(width, 1.0), max(height, 1.0)]}
        near["category_id"] = (chosen if dice.random() < 0.6 else other)["category_id"]
        kept = near if dice.random() < 0.8 else other
        keys = ("image_id", "category_id", "bbox")
        detections.append({**{key: kept[key] for key in keys}, "score": (score + 1) / (len(scores) + 1)})
    truth = {
        "images": [{"id": number} for number in range(1, images + 1)],
        "categories": [{"id": number} for number in range(1, classes + 1)],
        "annotations": objects,
    }
    return RandomSet(truth, detections)


seeds = st.integers(0, 2**32 - 1)
sets = st.one_of(
    st.builds(random_set, seeds, st.integers(1, 6), st.integers(1, 4), st.integers(0, 60)),
    st.builds(dense, seeds, st.integers(1, 4), st.integers(1, 4), st.integers(20, 120), st.sampled_from([0.0, 0.2])),
)


def costs(made: RandomSet) -> Costs:
    return tide.costs(*arrays(made))


def assert_is_mending(made: RandomSet) -> None:
    """Every cost is what pycocotools scores once plain loops have mended the errors, less what it scores before."""
    plain, got = Plain(made), costs(made)
    before = plain.fixed("none")
    assert before == pytest.approx(evaluate(made.truth, made.detections, "pycocotools")["ap50"], abs=TOLERANCE)
    assert list(got) == [f"tide_{name}" for name in NAMES]
    for name in NAMES:
        after = plain.fixed(name)
        wanted = None if before is None else (1.0 if after is None else after) - before
        assert got[f"tide_{name}"] == pytest.approx(wanted, abs=TOLERANCE), name
        assert wanted is None or wanted >= -TOLERANCE


@settings(max_examples=60, deadline=None)
@given(made=sets)
def test_a_cost_is_what_the_ap_gains_when_the_errors_are_mended(made: RandomSet) -> None:
    assert_is_mending(made)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(made=sets)
def test_a_cost_is_what_the_ap_gains_when_the_errors_are_mended_on_many_sets(made: RandomSet) -> None:
    assert_is_mending(made)


def theirs(made: RandomSet) -> tuple[Costs, dict[str, int]]:
    """Return hotcoco's costs and counts of errors."""
    truth, found = arrays(made)
    images, categories = (
        [{"id": number, "name": str(number)} for number in range(1, count + 1)]
        for count in (len(truth.image_ids), truth.classes)
    )
    objects = hotcoco.COCO.from_arrays(
        images, categories, truth.image + 1, truth.label + 1, truth.box, area=truth.area, iscrowd=truth.crowd
    )
    rows = np.column_stack([found.image + 1, found.box, found.score, found.label + 1])
    scoring = hotcoco.COCOeval(objects, objects.load_res(rows), "bbox")
    scoring.evaluate()
    told = scoring.tide_errors(pos_thr=0.5, bg_thr=0.1)
    return ({f"tide_{name.lower()}": value for name, value in told["delta_ap"].items()}, told["counts"])


@pytest.mark.parametrize("seed", range(60))
def test_costs_and_counts_are_those_of_hotcoco(seed: int) -> None:
    """Without crowds, whose neighbourhood hotcoco takes for objects, and where no class is missed altogether."""
    made = dense(seed, most=200)
    truth, found = arrays(made)
    errors = tide.find(truth, found)
    expected, counts = theirs(made)
    if (truth.objects(errors.found) == 0).any():  # left out of our mean, 0 in theirs
        expected = {name: value for name, value in expected.items() if name not in ("tide_miss", "tide_fn")}
    got = costs(made)
    assert {name: got[name] for name in expected} == pytest.approx(expected, abs=TOLERANCE)
    ours = dict(zip(tide.KINDS, np.bincount(errors.kind, minlength=len(tide.KINDS)).tolist(), strict=True))
    ours |= {"miss": int(errors.missed.sum())}
    assert {name: ours[name.lower()] for name in counts} == counts


def test_the_dense_sets_have_all_that_makes_mending_hard() -> None:
    shared = suppressed = 0
    kinds = np.zeros(len(tide.KINDS), int)
    for seed in range(60):
        errors = tide.find(*arrays(dense(seed, most=200)))
        kinds += np.bincount(errors.kind, minlength=len(kinds))
        aims = [set(errors.target[errors.kind == kind].tolist()) for kind in (tide.LOC, tide.CLS)]
        shared += len(set.intersection(*aims))
        suppressed += int(((errors.target >= 0) & ~errors.mends).sum())
    assert shared > 100
    assert suppressed > 500
    assert (kinds > 50).all()


#: of `dense(seed, most=200)`: what tidecv 1.0.1, the authors' program, tells without a limit of detections, in points
TIDECV = {
    0: (6.644631, 16.73634, 4.552422, 2.169713, 7.238857, 1.94248, 52.979264, 4.724187),
    1: (0.400754, 4.997945, 0.767458, 1.702551, 2.935239, 0.0, 19.817696, 0.0),
    4: (20.909536, 3.49342, 1.581787, 1.105633, 1.834469, 0.0, 46.008029, 3.932324),
    6: (14.244822, 27.41817, 0.984598, 0.103362, 0.841584, 5.128084, 16.357064, 19.517523),
}


@pytest.mark.parametrize("seed", TIDECV)
def test_costs_are_those_of_the_authors_program(seed: int) -> None:
    got = costs(dense(seed, most=200))
    assert [got[f"tide_{name}"] for name in NAMES] == pytest.approx([value / 100 for value in TIDECV[seed]], abs=1e-6)


CAT, DOG = 1, 2
HERE, AWAY = [0.0, 0, 10, 10], [50.0, 50, 10, 10]
#: IoU with HERE: 40 / 160; 5 / 195
NEAR, EDGE = [6.0, 0, 10, 10], [9.5, 0, 10, 10]


def scene(objects: list[tuple[int, list[float]]], found: list[tuple[int, list[float], float]]) -> RandomSet:
    """One image with objects (class, box) and detections (class, box, score)."""
    return RandomSet(
        {
            "images": [{"id": 1}],
            "categories": [{"id": CAT}, {"id": DOG}],
            "annotations": [{"image_id": 1, "category_id": kind, "bbox": box} for kind, box in objects],
        },
        [{"image_id": 1, "category_id": kind, "bbox": box, "score": score} for kind, box, score in found],
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("loc", (CAT, NEAR)),
        ("cls", (DOG, HERE)),
        ("both", (DOG, NEAR)),
        ("bkg", (CAT, EDGE)),
        ("bkg", (DOG, [80.0, 80, 5, 5])),
    ],
)
def test_one_wrong_detection_of_one_object(name: str, found: tuple[int, list[float]]) -> None:
    # a cat and a detection that does not find it: AP 0; loc and cls would find it, and so it is not missed
    got = costs(scene([(CAT, HERE)], [(*found, 0.9)]))
    finds = name in ("loc", "cls")
    assert got[f"tide_{name}"] == (1.0 if finds else 0.0)
    assert got["tide_miss"] == (0.0 if finds else 1.0)
    assert (got["tide_fp"], got["tide_fn"]) == (0.0, 1.0)


#: IoU with HERE of exactly 0.5 and 0.1
HALF, TENTH = [0.0, 0, 10, 5], [0.0, 0, 10, 1]


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        (tide.LOC, (CAT, HALF)),  # the cat is taken: at more than 0.5 a double
        (tide.LOC, (CAT, TENTH)),
        (tide.CLS, (DOG, HALF)),
        (tide.BKG, (DOG, TENTH)),
    ],
)
def test_at_exactly_the_thresholds_the_kinds_are_those_of_the_authors(
    kind: int, found: tuple[int, list[float]]
) -> None:
    # tidecv 1.0.1: loc has 0.1 <= IoU <= 0.5, cls IoU >= 0.5, bkg IoU <= 0.1, in this order and before the doubles
    errors = tide.find(*arrays(scene([(CAT, HERE)], [(CAT, HERE, 0.9), (*found, 0.8)])))
    assert errors.kind.tolist() == [tide.NONE, kind]


def test_of_two_objects_at_the_same_overlap_the_first_is_meant() -> None:
    # as NumPy's argmax, by which tidecv chooses. The wide box has an IoU of 100 / 300 with each of two cats; one is
    # found already: where that is the first, the wide box can mend nothing and the other is missed
    first, second, wide = HERE, [20.0, 0, 10, 10], [0.0, 0, 30, 10]
    errors = tide.find(*arrays(scene([(CAT, first), (CAT, second)], [(CAT, first, 0.9), (CAT, wide, 0.8)])))
    assert (errors.target.tolist(), errors.missed.tolist()) == ([-1, 0], [False, True])
    turned = tide.find(*arrays(scene([(CAT, second), (CAT, first)], [(CAT, first, 0.9), (CAT, wide, 0.8)])))
    assert (turned.target.tolist(), turned.missed.tolist()) == ([-1, 0], [False, False])


def test_a_second_box_costs_what_it_pushes_back() -> None:
    # right, double, right of two cats: precision 1 at 51 recalls and 2/3 at 50, so 50/101 × 1/3 is lost
    found = [(CAT, HERE, 0.9), (CAT, HERE, 0.8), (CAT, AWAY, 0.7)]
    got = costs(scene([(CAT, HERE), (CAT, AWAY)], found))
    assert got["tide_dupe"] == got["tide_fp"] == pytest.approx(50 / 101 / 3)
    assert {got[f"tide_{name}"] for name in ("cls", "loc", "both", "bkg", "miss", "fn")} == {0.0}


def test_of_two_that_are_meant_for_one_object_the_better_scored_is_mended() -> None:
    # a cat; the dog on it has 0.9, the cat beside it 0.8. Cls mends the dog: right, wrong: AP 1. Loc takes the other
    # one away, as the dog is the better: the cat stays unfound: AP 0
    got = costs(scene([(CAT, HERE)], [(DOG, HERE, 0.9), (CAT, NEAR, 0.8)]))
    assert (got["tide_cls"], got["tide_loc"], got["tide_miss"]) == (1.0, 0.0, 0.0)


def test_a_wrong_class_is_given_the_right_one_and_leaves_its_own() -> None:
    # the dog on the cat ranks before the dog: AP (0 + 1/2) / 2; as a cat: (1 + 1) / 2; without it (0 + 1) / 2
    got = costs(scene([(CAT, HERE), (DOG, AWAY)], [(DOG, HERE, 0.9), (DOG, AWAY, 0.8)]))
    assert (got["tide_cls"], got["tide_fp"]) == (pytest.approx(0.75), pytest.approx(0.25))
    # the cats are all left to be found by no one: they are no part of the mean of what is left
    assert got["tide_fn"] == pytest.approx(0.25)


def test_what_lies_in_a_crowd_is_no_error() -> None:
    made = scene([(CAT, HERE), (CAT, [40.0, 40, 60, 60])], [(CAT, AWAY, 0.9), (CAT, HERE, 0.8)])
    made.truth["annotations"][1]["iscrowd"] = 1
    assert set(costs(made).values()) == {0.0}


def test_without_detections_all_is_missed_and_without_objects_nothing_is_told() -> None:
    got = costs(scene([(CAT, HERE)], []))
    assert got == {f"tide_{name}": float(name in ("miss", "fn")) for name in NAMES}
    assert set(costs(scene([], [(CAT, HERE, 0.5)])).values()) == {None}
    assert ap50(scene([], []), [], []) is None


def test_what_is_beyond_a_hundred_detections_of_an_image_and_class_costs_nothing() -> None:
    wrong = [(CAT, AWAY, 0.9 - n / 1000) for n in range(100)]
    got = costs(scene([(CAT, HERE)], [*wrong, (CAT, HERE, 0.1)]))
    assert (got["tide_bkg"], got["tide_miss"]) == (0.0, 1.0)
    got = costs(scene([(CAT, HERE)], [*wrong[:99], (CAT, HERE, 0.1)]))
    assert (got["tide_bkg"], got["tide_miss"]) == (pytest.approx(0.99), 0.0)
