"""The frontier holds what no other point beats."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.synthetic import framed, made
from tradeoff.analysis.frontier import frontier, on_frontier

few_values = st.one_of(st.integers(0, 5).map(float), st.just(float("nan")), st.just(float("inf")))


def brute_force(cost, gain):
    """Compare every point with every other, as the definition says."""
    points = list(zip(cost, gain, strict=True))

    def beaten(c, g):
        return any(other <= c and better >= g and (other < c or better > g) for other, better in points)

    return [not (np.isnan(c) or np.isnan(g) or beaten(c, g)) for c, g in points]


@settings(deadline=None)
@given(st.lists(st.tuples(few_values, few_values), max_size=30))
def test_it_agrees_with_comparing_every_pair(points):
    cost, gain = [c for c, _ in points], [g for _, g in points]
    # a NaN compares false with everything, so it beats nothing in the reference either
    assert frontier(cost, gain).tolist() == brute_force(cost, gain)


def test_a_hand_made_case():
    #          on    worse at equal cost   equal gain at higher cost   on     on     beaten
    cost = [1.0, 1.0, 2.0, 3.0, 3.0, 9.0]
    gain = [0.2, 0.1, 0.2, 0.5, 0.5, 0.4]
    assert frontier(cost, gain).tolist() == [True, False, False, True, True, False]


def test_nothing_and_one_point():
    assert frontier([], []).tolist() == []
    assert frontier([3.0], [0.0]).tolist() == [True]
    assert frontier([np.nan], [1.0]).tolist() == [False]


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        frontier([1.0, 2.0], [1.0])


def test_a_row_that_is_not_trusted_beats_none_while_a_trusted_one_is_there(tmp_path):
    rows = [
        made("a", ap=0.3, latency_ms_p50=10.0),
        made("b", ap=0.9, latency_ms_p50=1.0, trusted=False),
        made("c", ap=0.2, latency_ms_p50=20.0),
        made("d", ap=0.9, latency_ms_p50=1.0, status="failed", reason="no"),
        made("e", ap=None, latency_ms_p50=0.5),
    ]
    frame = framed(tmp_path / "mixed", rows)
    assert frame["run_id"][on_frontier(frame)].tolist() == ["a"]
    frame = framed(tmp_path / "untrusted", [row | {"trusted": False} for row in rows])
    assert frame["run_id"][on_frontier(frame)].tolist() == ["b"]


@pytest.mark.parametrize(
    "other", [{"data": "shapes"}, {"device_name": "a CPU"}, {"precision": "fp16"}, {"batch_size": 8}, {"data": None}]
)
def test_rows_that_cannot_be_compared_do_not_beat_each_other(tmp_path, other):
    frame = framed(tmp_path, [made("a", ap=0.1), made("b", ap=0.3, **other), made("c", ap=0.2, **other)])
    assert set(frame["run_id"][on_frontier(frame)]) == {"a", "b"}
