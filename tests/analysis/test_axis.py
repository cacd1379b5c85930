"""Axes have round numbers."""

import pandas as pd
import pytest

from tests.analysis.legible import UNIT
from tradeoff.analysis.axis import TITLES, limits, ticks, time_unit


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.8, 120, [1, 2, 5, 10, 20, 50, 100]),
        (9, 70, [10, 15, 20, 30, 50, 70]),
        (8, 18, [8, 10, 12, 14, 16, 18]),
        (0.002, 30, [0.01, 0.1, 1, 10]),
    ],
)
def test_ticks_are_round_numbers(low, high, expected):
    assert ticks(low, high) == expected


def test_an_ap_has_a_least_span_and_does_not_begin_far_below_nought():
    low, high = limits("ap", 0.3, 0.3, 0.2)
    assert high - low > 0.04
    assert limits("ap", 0.0, 0.5, 0.2)[0] == pytest.approx(-0.015)


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ([1, 1], "ms per image, batch 1"),
        ([8, 2], "ms per batch of 2 or 8 images"),
        ([None], "ms per call, batch unknown"),
        ([1, None], "ms per call, batch 1 or unknown"),
    ],
)
def test_a_batch_that_nobody_told_is_not_taken_for_one(batches, expected):
    assert time_unit(pd.Series(batches, dtype=float)) == expected


@pytest.mark.parametrize("title", TITLES.values())
def test_every_title_says_its_unit(title):
    assert UNIT.search(title)
