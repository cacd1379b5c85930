"""The frontier holds what no other point beats."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.synthetic import framed, made, published
from tradeoff.analysis.comparable import COMPARABLE
from tradeoff.analysis.frontier import frontier, nondominated, on_frontier, signs
from tradeoff.core.errors import TableError

few_values = st.one_of(st.integers(0, 4).map(float), st.just(float("nan")), st.just(float("inf")))


def tables(k):
    """Tables of k objectives with ties, NaN and duplicates: few values, and rows that are drawn again."""
    rows = st.lists(st.tuples(*[few_values] * k), max_size=25)
    return rows.flatmap(lambda found: st.permutations(found + found[: len(found) // 3]))


def brute_force(points):
    """Compare every point with every other, as the definition says; a NaN compares false with everything."""

    def beats(one, other):
        pairs = list(zip(one, other, strict=True))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    return [not np.isnan(p).any() and not any(beats(other, p) for other in points) for p in points]


@settings(deadline=None)
@given(st.integers(1, 5).flatmap(tables))
def test_it_agrees_with_comparing_every_pair_in_any_number_of_objectives(points):
    matrix = np.array(points, dtype=float).reshape(len(points), -1 if points else 2)
    assert nondominated(matrix).tolist() == brute_force(points)


@settings(deadline=None)
@given(tables(2))
def test_cost_and_gain_are_the_same_with_the_sign_turned(points):
    cost, gain = [c for c, _ in points], [g for _, g in points]
    assert frontier(cost, gain).tolist() == brute_force([(c, -g) for c, g in points])


@pytest.mark.parametrize("k", [2, 3, 4])
def test_it_agrees_on_many_random_points(k):
    points = np.random.default_rng(k).integers(0, 60, (1500, k)).astype(float)
    smaller = (points[:, None] <= points[None]).all(axis=2) & (points[:, None] < points[None]).any(axis=2)
    assert nondominated(points).tolist() == (~smaller.any(axis=0)).tolist()


def test_a_hand_made_case():
    #          on    worse at equal cost   equal gain at higher cost   on     on     beaten
    cost = [1.0, 1.0, 2.0, 3.0, 3.0, 9.0]
    gain = [0.2, 0.1, 0.2, 0.5, 0.5, 0.4]
    assert frontier(cost, gain).tolist() == [True, False, False, True, True, False]


def test_nothing_and_one_point():
    assert frontier([], []).tolist() == []
    assert frontier([3.0], [0.0]).tolist() == [True]
    assert frontier([np.nan], [1.0]).tolist() == [False]


def test_unequal_lengths_and_other_shapes_are_refused():
    with pytest.raises(ValueError, match="shapes"):
        frontier([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="expected \\(N, K\\)"):
        nondominated([1.0, 2.0])


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


def test_a_published_row_beats_none_while_a_measured_one_is_there(tmp_path):
    ours = framed(tmp_path / "a", [made("a", ap=0.1, trusted=False), made("b", ap=0.2)])
    theirs = published(framed(tmp_path / "b", [made("c", ap=0.9), made("d", ap=0.8)]))
    frame = pd.concat([ours, theirs], ignore_index=True)
    assert frame["run_id"][on_frontier(frame)].tolist() == ["b", "c"]  # each in a group of its own
    assert frame["run_id"][on_frontier(frame, together=COMPARABLE)].tolist() == ["b"]


@pytest.mark.parametrize(
    "other",
    [
        {"data": "shapes"},
        {"device_name": "a CPU"},
        {"precision": "fp16"},
        {"batch_size": 8},
        {"data": None},
        {"latency_ms_p50": None, "latency_ms_mean": 30.0},
    ],
)
def test_rows_that_cannot_be_compared_do_not_beat_each_other(tmp_path, other):
    frame = framed(tmp_path, [made("a", ap=0.1), made("b", ap=0.3, **other), made("c", ap=0.2, **other)])
    assert set(frame["run_id"][on_frontier(frame)]) == {"a", "b"}


def test_directions_are_those_of_the_registry(tmp_path):
    rows = [
        #    AP     ms                     MB                    J
        made("a", ap=0.3, latency_ms_p50=10.0, peak_memory_mb=500.0, energy_j=1.0),
        made("b", ap=0.2, latency_ms_p50=20.0, peak_memory_mb=400.0, energy_j=2.0),  # less memory than a
        made("c", ap=0.2, latency_ms_p50=20.0, peak_memory_mb=400.0, energy_j=3.0),  # b, but dearer
        made("d", ap=0.2, latency_ms_p50=20.0, peak_memory_mb=400.0, energy_j=None),
    ]
    frame = framed(tmp_path, rows)
    ids = {
        names: "".join(frame["run_id"][on_frontier(frame, names)])
        for names in [
            ("time_ms", "ap"),
            ("time_ms", "ap", "peak_memory_mb"),
            ("time_ms", "ap", "peak_memory_mb", "energy_j"),
            ("energy_j",),
        ]
    }
    assert list(ids.values()) == ["a", "abcd", "ab", "a"]
    assert signs(["ap", "latency_ms_p50", "images_per_s"]).tolist() == [-1, 1, -1]


@pytest.mark.parametrize(
    ("names", "told"), [(["size"], "got size"), (["beauty"], "no such column"), ([], "got none")]
)
def test_what_has_no_better_direction_is_no_objective(tmp_path, names, told):
    with pytest.raises(TableError, match=told):
        on_frontier(framed(tmp_path, [made("a")]), names)
