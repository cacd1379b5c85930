"""Axes have round numbers."""

import pytest

from tradeoff.analysis.axis import limits, ticks


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
