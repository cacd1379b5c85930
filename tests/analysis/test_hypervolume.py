"""Hypervolumes against counting, inclusion and exclusion, and drawing at random."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.analysis.synthetic import framed, made, published, small_study
from tradeoff.analysis.hypervolume import compare, hypervolume, told
from tradeoff.core.errors import TableError


def counted(points, corner):
    """Count the unit cells that whole-numbered points dominate within the corner."""
    cells = np.stack(np.meshgrid(*[np.arange(c) for c in corner], indexing="ij"), axis=-1).reshape(-1, len(corner))
    return int(np.any([(np.array(p) <= cells).all(axis=1) for p in points], axis=0).sum()) if points else 0


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 4).flatmap(
        lambda k: st.tuples(
            st.lists(st.tuples(*[st.integers(0, 6)] * k), max_size=8), st.tuples(*[st.integers(1, 5)] * k)
        )
    )
)
def test_it_agrees_with_counting_cells(case):
    points, corner = case
    matrix = np.array(points, float).reshape(len(points), len(corner))
    assert hypervolume(matrix, corner) == pytest.approx(counted(points, corner))


def test_it_agrees_with_inclusion_and_exclusion():
    points = np.random.default_rng(0).random((7, 4))
    total = 0.0
    for size in range(1, 8):
        for chosen in combinations(points, size):
            total += (-1) ** (size + 1) * np.prod(1 - np.max(chosen, axis=0))
    assert hypervolume(points, np.ones(4)) == pytest.approx(total)


def test_it_agrees_with_drawing_at_random():
    random = np.random.default_rng(1)
    points, tries = random.random((30, 3)), random.random((40_000, 3))
    share = np.mean([(points <= one).all(axis=1).any() for one in tries])
    assert hypervolume(points, np.ones(3)) == pytest.approx(share, abs=0.01)


def test_what_is_nan_or_beyond_the_reference_adds_nothing():
    assert hypervolume([[1.0, 1.0], [np.nan, 0.0], [5.0, 0.0]], [2.0, 2.0]) == 1.0
    assert hypervolume(np.zeros((0, 2)), [1.0, 1.0]) == 0.0


def test_two_studies_by_hand(tmp_path):
    one = framed(tmp_path / "a", [made("a", ap=0.2, latency_ms_p50=10.0), made("b", ap=0.4, latency_ms_p50=50.0)])
    other = framed(tmp_path / "b", [made("c", ap=0.3, latency_ms_p50=20.0)])
    volumes = compare(one, other, reference=(100.0, 0.0))
    # of a box of 100 ms × 0.4: (40 × 0.2 + 50 × 0.4) / 40; (80 × 0.3) / 40; (10 × 0.2 + 30 × 0.3 + 50 × 0.4) / 40
    assert (volumes.one, volumes.other, volumes.both) == pytest.approx((0.7, 0.6, 0.775))
    assert volumes.ideal == pytest.approx((0.0, 0.4))
    assert told(volumes) == (
        "hypervolume, as a share of the box up to the reference (time_ms 100 ms, ap 0): "
        "0.7000 against 0.6000; both together 0.7750"
    )


def test_a_study_without_trust_is_called_so_beside_one_with_it(tmp_path):
    frame = framed(tmp_path, [made("a")])
    assert "but" not in told(compare(frame, frame))
    doubtful = frame.assign(trusted=False)
    assert told(compare(frame, doubtful)).endswith("; but the rows of the other study are not trusted")
    zoo = published(doubtful)
    assert "the rows of the one study are not trusted and published, not measured here" in told(compare(zoo, zoo))
    assert "(time_ms 33 ms, ap 0)" in told(compare(frame, frame))


def test_the_reference_is_stated_and_lies_beyond_the_dearest_row(tmp_path):
    frame = framed(tmp_path, small_study())
    names = ("time_ms", "ap", "peak_memory_mb", "energy_j")
    volumes = compare(frame, frame, names)
    rows = frame[(frame["status"] == "ok") & frame["trusted"].fillna(False)]
    assert volumes.reference == pytest.approx(
        (1.1 * rows["latency_ms_p50"].max(), 0, 1.1 * rows["peak_memory_mb"].max(), 1.1 * rows["energy_j"].max())
    )
    assert 0 < volumes.one == volumes.other == volumes.both < 1


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"device_name": "a CPU"}, "differ in device_name: NVIDIA H200 against a CPU"),
        ({"precision": "fp16"}, "differ in precision: fp32 against fp16"),
        ({"ap": None}, "the other study: none of 2 rows is finished and has time_ms, ap"),
    ],
)
def test_studies_that_cannot_be_compared_are_refused(tmp_path, other, message):
    one = framed(tmp_path / "a", [made("a"), made("b")])
    with pytest.raises(TableError, match=message):
        compare(one, framed(tmp_path / "b", [made("a", **other), made("b", **other)]))


def test_a_study_that_is_several_is_refused(tmp_path):
    mixed = framed(tmp_path / "a", [made("a"), made("b", batch_size=8)])
    with pytest.raises(TableError, match=r"the one study: its rows cannot be compared .*: batch 1; batch 8"):
        compare(mixed, mixed)
    ours = framed(tmp_path / "b", [made("a")])
    with pytest.raises(TableError, match="protocol: measured here against minival"):
        compare(ours, published(ours))
