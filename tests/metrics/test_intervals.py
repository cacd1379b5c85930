"""Intervals from halves: against closed forms, and where nothing can be said."""

from dataclasses import replace

import numpy as np
import pytest

from tradeoff.core.errors import DataError
from tradeoff.metrics import intervals
from tradeoff.metrics.boxes import Found, Truth
from tradeoff.metrics.intervals import FEWEST, Interval, of_difference, of_run
from tradeoff.metrics.matches import Matches, match


def found_by_chance(images: int, share: float, seed: int = 0, first: int = 0) -> Matches:
    """Return one object of 50² px in each image from `first` on, found with a chance and never wrongly."""
    random = np.random.default_rng(seed)
    image = np.arange(first, images)
    box = np.tile([10.0, 10, 50, 50], (len(image), 1))
    truth = Truth(
        np.arange(images), np.array([1]), ("thing",), image, 0 * image, box, box[:, 2] * box[:, 3], image < 0
    )
    hits = random.random(len(image)) < share
    return match(truth, Found(image[hits], 0 * image[hits], box[hits], random.random(hits.sum())))


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


def test_a_run_is_not_told_apart_from_itself() -> None:
    run = found_by_chance(100, 0.5)
    assert {told.verdict for told in of_difference(run, run).values()} == {"not told apart", None}
    assert of_difference(run, run)["ap"].interval == Interval(0.0, 0.0)


def test_more_false_alarms_in_fewer_images_raise_ap_and_the_correction_takes_it_off() -> None:
    whole, halves = 0.4, np.full(100, 0.4 + intervals.SHARE * 0.01)
    halves[::2] += 0.001
    halves[1::2] -= 0.001
    # the halves lie above the whole by SHARE × 0.01, so the whole is 0.01 too high
    ends = intervals.interval(whole, halves, 400)
    assert ends is not None
    assert (ends.low + ends.high) / 2 == pytest.approx(0.39)
    assert (ends.high - ends.low) / 2 == pytest.approx(2.0595 * 0.001, rel=1e-4)


@pytest.mark.parametrize(("freedom", "published"), [(8, 2.306), (10, 2.228), (20, 2.086), (25, 2.060), (50, 2.009)])
def test_the_quantile_is_that_of_the_tables(freedom: float, published: float) -> None:
    assert intervals.quantile(freedom) == pytest.approx(published, abs=0.001)


def test_halves_are_halves_and_what_they_leave_and_always_the_same() -> None:
    for images in (20, 21):
        halves = intervals.halved(images)
        np.testing.assert_array_equal(halves[::2] + halves[1::2], np.ones((50, images)))
        assert set(halves[::2].sum(axis=1)) == {images // 2}
        np.testing.assert_array_equal(halves, intervals.halved(images))


def test_columns_are_empty_where_nothing_can_be_said() -> None:
    few, enough = (found_by_chance(images, 0.5, first=5) for images in (FEWEST + 4, FEWEST + 5))
    assert set(intervals.columns(few).values()) == {None}
    told = intervals.columns(enough)
    assert {name for name, value in told.items() if value is not None} == {
        "ap_low", "ap_high", "ap_medium_low", "ap_medium_high",  # 50² px is between 32² and 96²
    }  # fmt: skip
    for share in (0.0, 1.0):  # nothing or all is found in every half
        assert set(intervals.columns(found_by_chance(100, share)).values()) == {None}


def test_an_interval_ends_within_0_and_1() -> None:
    ends = of_run(found_by_chance(30, 0.97, seed=3))["ap"]
    assert ends is not None
    assert 0 < ends.low < ends.high == 1.0


def test_runs_on_other_images_or_objects_are_refused() -> None:
    run = found_by_chance(100, 0.5)
    with pytest.raises(DataError, match="image_ids: differs"):
        of_difference(run, found_by_chance(101, 0.5))
    with pytest.raises(DataError, match="inside: differs"):
        of_difference(run, replace(run, inside=~run.inside))
