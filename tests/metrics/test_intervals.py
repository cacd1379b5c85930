"""Intervals from halves: against closed forms, and where nothing can be said."""

from dataclasses import replace

import numpy as np
import pytest

from tradeoff.core.errors import DataError
from tradeoff.metrics import intervals
from tradeoff.metrics.boxes import Found, Truth
from tradeoff.metrics.coco import LARGEST_PX2, STANDARD, with_standard
from tradeoff.metrics.engines import Ranges
from tradeoff.metrics.intervals import Difference, of_difference, of_run
from tradeoff.metrics.matches import Matches, match
from tradeoff.metrics.matching import IGNORED, RIGHT

SPREAD = np.tile([0.01, -0.01], 50)  # of halves


def found_by_chance(images: int, share: float, seed: int = 0, first: int = 0, ranges: Ranges = STANDARD) -> Matches:
    """Return one object of 50² px in each image from `first` on, found with a chance and never wrongly."""
    random = np.random.default_rng(seed)
    image = np.arange(first, images)
    box = np.tile([10.0, 10, 50, 50], (len(image), 1))
    truth = Truth(
        np.arange(images), np.array([1]), ("thing",), image, 0 * image, box, box[:, 2] * box[:, 3], image < 0
    )
    hits = random.random(len(image)) < share
    return match(truth, Found(image[hits], 0 * image[hits], box[hits], random.random(hits.sum())), ranges)


def test_the_interval_of_a_share_is_that_of_a_binomial() -> None:
    # without false alarms AP is the share p of the objects that is found, up to a point of 1/101, so its standard
    # error is √(p (1 - p) / n) = √(0.6 × 0.4 / 400) = 0.0245 and there is no bias
    ends = of_run(found_by_chance(400, 0.6))["ap"]
    assert ends is not None
    assert ends.low < 0.6 < ends.high
    # t has 1 / (1/50 + 1 / (2.5 × 20)) = 25 degrees of freedom, quantile 2.0595; 100 halves know a spread within 7 %
    assert ends.high - ends.low == pytest.approx(2 * 2.0595 * 0.0245, rel=0.2)


def test_the_interval_of_a_difference_is_that_of_pairs() -> None:
    # two runs that find their objects independently: the variance of the difference is the sum of the two
    told = of_difference(found_by_chance(400, 0.6, 1), found_by_chance(400, 0.5, 2))["ap"]
    assert told.interval is not None
    assert told.difference == pytest.approx(told.a - told.b)
    width = 2 * 2.0595 * np.sqrt(0.6 * 0.4 / 400 + 0.5 * 0.5 / 400)
    assert told.interval.high - told.interval.low == pytest.approx(width, rel=0.2)


def test_runs_that_miss_the_same_objects_are_told_apart_by_less() -> None:
    # b finds what a finds and 5 % more of the 400: the shared misses cancel, and 20 more finds of 400 are no accident
    a = found_by_chance(400, 0.6, 1)
    b = found_by_chance(400, 0.65, 1)
    told = of_difference(a, b)["ap"]
    assert (told.verdict, of_difference(b, a)["ap"].verdict) == ("worse", "better")
    apart = of_difference(a, found_by_chance(400, 0.65, 9))["ap"]
    assert apart.verdict == "not told apart"


def test_nothing_is_said_of_a_difference_that_is_the_same_in_all_halves() -> None:
    run, none, all_ = (found_by_chance(100, share) for share in (0.5, 0.0, 1.0))
    assert of_difference(run, run)["ap"] == Difference(ap(run), ap(run), 0.0, None)
    assert of_difference(all_, none)["ap"] == Difference(1.0, 0.0, 1.0, None)
    assert of_difference(none, none)["ap"].verdict is None


def test_more_false_alarms_in_fewer_images_raise_ap_and_either_end_allows_for_it() -> None:
    halves = 0.43 + SPREAD
    # the halves lie 0.03 above the whole. If it falls with the number of images, a half has twice what the whole has,
    # so the whole is 0.03 too high; if with its root, √2 times, so the whole is 0.03 / (√2 - 1) = 0.0724 too high
    ends = intervals.interval(0.4, halves, 400, (0, 0))
    assert ends is not None
    # t has 1 / (1/50 + 1 / (2.5 × 20)) = 25 degrees of freedom
    assert ends.low == pytest.approx(0.4 - 0.072426 - 2.0595 * 0.01, abs=1e-5)
    # 0.4 - 0.03 + 0.0206 would lie below the figure
    assert ends.high == 0.4
    below = intervals.interval(0.4, halves - 0.06, 400, (0, 0))
    assert below is not None
    assert (below.low, below.high) == (0.4, pytest.approx(0.4 + 0.072426 + 2.0595 * 0.01, abs=1e-5))
    calm = intervals.interval(0.4, halves - 0.025, 400, (0, 0))  # 0.005 above
    assert calm is not None
    assert calm.high == pytest.approx(0.4 - 0.005 + 2.0595 * 0.01, abs=1e-5)


def test_the_steps_of_points_join_the_spread_by_squares() -> None:
    ends = intervals.interval(0.4, 0.4 + SPREAD, 400, (0.03, 0.04))
    assert ends is not None
    assert ends.low == pytest.approx(0.4 - np.hypot(2.0595 * 0.01, 0.03), abs=1e-5)
    assert ends.high == pytest.approx(0.4 + np.hypot(2.0595 * 0.01, 0.04), abs=1e-5)


def found_but(missed: int) -> Matches:
    """Return 200 objects in as many images, all found but so many, and never wrongly."""
    run = found_by_chance(200, 1)
    kept = run.image >= missed
    return replace(run, image=run.image[kept], label=run.label[kept], outcome=run.outcome[..., kept])


@pytest.mark.parametrize(
    ("missed", "below", "above"),
    [
        (1, 1 / 101 - (0.995 - 100 / 101), 0.995 - 100 / 101),  # 100 points, as of any recall from 0.99 to 1
        (3, 1 / 101 - (0.985 - 99 / 101), 0.985 - 99 / 101),
        (2, 1 / 101 + (100 / 101 - 0.99), 0),  # on a point the area is below AP
        (0, 1 / 101, 0),
        (200, 0, 0),
    ],
)
def test_the_truth_may_lie_a_step_of_recall_from_the_figure(missed: int, below: float, above: float) -> None:
    run = found_but(missed)
    told = intervals.steps(run)
    np.testing.assert_allclose(told[:, 0], [below, above], rtol=0, atol=1e-15)
    # of 50² px: neither small nor large
    assert np.isnan(told).any(axis=0).tolist() == [False, True, False, True]


def test_the_interval_of_a_run_allows_for_steps() -> None:
    run = found_but(3)
    whole, halves = (figures[..., 0] for figures in intervals.figures(run))
    want = intervals.interval(whole, halves, 200, intervals.steps(run)[:, 0])
    assert want is not None
    found = of_run(run)["ap"]
    assert found is not None
    assert (found.low, found.high) == pytest.approx((want.low, min(1, want.high)))


def test_each_end_of_a_difference_takes_what_moves_it_in_either_run() -> None:
    a, b = found_but(1), found_but(3)
    (one, some), (other, others) = ((whole[0], halves[:, 0]) for whole, halves in map(intervals.figures, (a, b)))
    # a falls by 1/101 - 0.0049 or b rises by 0.0048; a rises by 0.0049 or b falls by 1/101 - 0.0048
    above_a, above_b = 0.995 - 100 / 101, 0.985 - 99 / 101
    step = 1 / 101 - above_a + above_b, above_a + 1 / 101 - above_b
    told, turned = of_difference(a, b)["ap"].interval, of_difference(b, a)["ap"].interval
    want = intervals.interval(one - other, some - others, 200, step)
    assert None not in (told, turned, want)
    assert (told.low, told.high) == pytest.approx((want.low, want.high))
    assert (told.low, told.high) == pytest.approx((-turned.high, -turned.low))


def test_runs_that_end_between_the_same_points_are_not_told_apart_more_often_than_they_should() -> None:
    # recalls of 0.985 and 0.989 have the same 99 points, so the truth is 0; without steps 54 of 60 studies have it
    a, b = (
        [of_ap_alone(found_by_chance(200, p, 2 * n + k)) for n in range(60)] for k, p in enumerate((0.985, 0.989))
    )
    told = [of_difference(*pair)["ap"].interval for pair in zip(a, b, strict=True)]
    assert sum(ends is None or ends.low <= 0 <= ends.high for ends in told) >= 57


@pytest.mark.parametrize(("freedom", "published"), [(8, 2.306), (10, 2.228), (20, 2.086), (25, 2.060), (50, 2.009)])
def test_the_quantile_is_that_of_the_tables(freedom: float, published: float) -> None:
    assert intervals.quantile(freedom) == pytest.approx(published, abs=0.001)


def test_halves_are_halves_and_what_they_leave_and_always_the_same() -> None:
    for images in (20, 21):
        halves = intervals.halved(images)
        np.testing.assert_array_equal(halves[::2] + halves[1::2], np.ones((50, images)))
        assert set(halves[::2].sum(axis=1)) == {images // 2}
        np.testing.assert_array_equal(halves, intervals.halved(images))
    # so that a row made today has the ends of one made tomorrow
    assert np.flatnonzero(intervals.halved(20)[0]).tolist() == [1, 3, 5, 9, 10, 11, 12, 14, 18, 19]


def of_classes(images: list[int], hits: list[float], seed: int = 0, again: int = 1) -> Matches:
    """Return classes that have `again` objects in each of so many of 400 images, found with chances, and alarms."""
    random = np.random.default_rng(seed)
    image = np.repeat(np.concatenate([random.choice(400, count, replace=False) for count in images]), again)
    label = np.repeat(np.arange(len(images)), np.array(images) * again)
    box = np.tile([10.0, 10, 50, 50], (len(image), 1)) + np.arange(len(image))[:, None] % again * [60, 0, 0, 0]
    ids, names = np.arange(len(images)), tuple(map(str, images))
    truth = Truth(np.arange(400), ids, names, image, label, box, box[:, 2] * box[:, 3], image < 0)
    right = random.random(len(image)) < np.array(hits)[label]
    alarms, kinds = random.integers(0, 400, 400), random.integers(0, len(images), 400)
    away = np.tile([300.0, 300, 50, 50], (400, 1))
    boxes = np.append(box[right], away, axis=0)
    scores = np.append(random.normal(1, 1, right.sum()), random.normal(0, 1, 400))
    return match(truth, Found(np.append(image[right], alarms), np.append(label[right], kinds), boxes, scores))


def of_ap_alone(matches: Matches) -> Matches:
    """Return matches for AP alone."""
    return matches.of_areas(STANDARD[:1])


def ap(matches: Matches) -> float:
    """Return the AP of all images."""
    return float(intervals.figures(matches)[0][0])


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ([40] * 9 + [5], True),
        ([40] * 9 + [4], True),  # one of ten is a tenth
        ([40] * 8 + [4], False),  # one of nine is more
        ([40] * 8 + [5], True),
        ([40] * 8 + [0], True),  # a class that is not there is no part of the figure
        ([40] * 8 + [4, 4], False),
    ],
)
def test_nothing_is_said_where_more_than_a_tenth_of_the_classes_are_in_fewer_than_5_images(images, said) -> None:
    one, other = (of_classes(images, [chance] * len(images)) for chance in (0.8, 0.6))
    assert (of_run(one)["ap"] is not None) == said
    assert (of_difference(one, other)["ap"].interval is not None) == said


def test_objects_of_one_image_are_one() -> None:
    assert of_run(of_classes([19], [0.7]))["ap"] is None
    assert of_run(of_classes([19], [0.7], again=4))["ap"] is None
    assert of_run(of_classes([20], [0.7]))["ap"] is not None
    assert of_run(of_classes([40] * 8 + [4], [0.7] * 9, again=4))["ap"] is None


def test_a_class_that_is_missing_from_a_half_has_its_ap_of_all_images_there() -> None:
    # twenty classes of AP 1 and one of AP 0 in a single image: whichever half lacks it, none differs from the whole
    run = of_classes([40] * 20 + [1], [1.0] * 20 + [0.0])
    run = replace(run, outcome=np.where(run.outcome == RIGHT, RIGHT, IGNORED).astype(np.int8))
    whole, halves = intervals.figures(run)
    assert whole[0] == pytest.approx(20 / 21)
    np.testing.assert_allclose(halves[:, 0], 20 / 21)


@pytest.mark.parametrize("seed", range(2))
def test_every_interval_holds_its_figure(seed: int) -> None:
    # classes in 200, 100, 67, 50, ... images, as often as words of a language, each with alarms at the same rate
    images = [200 // place for place in range(1, 31)]
    one, other = (of_ap_alone(of_classes(images, [chance] * 30, seed)) for chance in (0.9, 0.7))
    (found, told) = of_run(one)["ap"], of_difference(one, other)["ap"]
    assert found is not None
    assert found.low <= ap(one) <= found.high
    assert told.interval is not None
    assert told.interval.low <= ap(one) - ap(other) <= told.interval.high


def test_columns_are_empty_where_nothing_can_be_said() -> None:
    few, enough = (found_by_chance(images, 0.5, first=5) for images in (24, 25))  # 19 and 20 with objects
    assert set(intervals.columns(of_run(few)).values()) == {None}
    told = intervals.columns(of_run(enough))
    assert {name for name, value in told.items() if value is not None} == {
        "ap_low", "ap_high", "ap_medium_low", "ap_medium_high",  # 50² px is between 32² and 96²
    }  # fmt: skip
    for share in (0.0, 1.0):  # nothing or all is found in every half
        assert set(intervals.columns(of_run(found_by_chance(100, share))).values()) == {None}


def test_own_sizes_have_intervals_as_those_of_coco_have() -> None:
    # objects of 50² px: all within the third own size, none in the others; 32 to 96 px is COCO's medium
    own = [(0.0, 40.0**2), (40.0**2, 60.5**2), (32.0**2, 96.0**2), (60.5**2, LARGEST_PX2)]
    run = found_by_chance(100, 0.6, ranges=with_standard(own))
    told = of_run(run)
    assert list(told)[4:] == ["ap_0_to_40_px", "ap_40_to_60.5_px", "ap_from_60.5_px"]
    assert told["ap_40_to_60.5_px"] == told["ap_medium"] == told["ap"]
    assert told["ap"] is not None
    ends = intervals.arrays(told, own)
    low, high = told["ap"].low, told["ap"].high
    np.testing.assert_array_equal(ends["ap_by_size_low"], [np.nan, low, low, np.nan])
    np.testing.assert_array_equal(ends["ap_by_size_high"], [np.nan, high, high, np.nan])
    assert intervals.columns(told) == intervals.columns(of_run(found_by_chance(100, 0.6)))


def test_runs_are_compared_in_the_areas_that_both_have() -> None:
    one, other = (0.0, 60.0**2), (40.0**2, 60.0**2)
    a = found_by_chance(100, 0.8, 1, ranges=with_standard([one, other]))
    b = found_by_chance(100, 0.5, 1, ranges=with_standard([other]))
    told = of_difference(a, b)
    assert list(told) == [*intervals.FIGURES, "ap_40_to_60_px"]
    assert told["ap_40_to_60_px"] == told["ap"]
    assert told["ap"].verdict == "better"


def test_an_interval_ends_within_0_and_1() -> None:
    ends = of_run(found_by_chance(30, 0.97, seed=3))["ap"]
    assert ends is not None
    assert 0 < ends.low < ends.high == 1.0
    ends = of_run(found_by_chance(30, 0.03, seed=3))["ap"]
    assert ends is not None
    assert 0.0 == ends.low < ends.high < 1


def test_runs_on_other_images_or_objects_are_refused() -> None:
    run = found_by_chance(100, 0.5)
    with pytest.raises(DataError, match="image_ids: differs"):
        of_difference(run, found_by_chance(101, 0.5))
    with pytest.raises(DataError, match="inside: differs"):
        of_difference(run, replace(run, inside=~run.inside))
