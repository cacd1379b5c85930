"""The critical points of a study."""

import numpy as np
import pandas as pd
import pytest

from tests.analysis.synthetic import framed, made, published, zoo
from tradeoff.analysis.critical import critical_points, elbow


def told(frame, **asked):
    points = critical_points(frame, **asked)
    return dict(zip(points["critical_point"], points["run_id"], strict=True))


def test_the_sweet_spot_is_the_elbow_of_the_frontier(tmp_path):
    # with log time and AP scaled to 0..1, b lies at (1/3, 0.8), c at (2/3, 0.9): above the line by 0.47 and 0.23
    rows = [
        made("a", ap=0.1, latency_ms_p50=10.0),
        made("b", ap=0.5, latency_ms_p50=20.0),
        made("c", ap=0.55, latency_ms_p50=40.0),
        made("d", ap=0.6, latency_ms_p50=80.0),
        made("e", ap=0.59, latency_ms_p50=90.0),
        made("f", ap=0.9, latency_ms_p50=5.0, trusted=False),
        made("g", ap=0.9, latency_ms_p50=0.0, status="failed"),
    ]
    points = critical_points(framed(tmp_path, rows))
    assert points["run_id"].tolist() == ["a", "b", "d"]
    assert points["critical_point"].tolist() == ["fastest", "sweet spot", "most accurate"]
    assert points["time_ms"].tolist() == [10.0, 20.0, 80.0]


def test_each_set_that_can_be_compared_has_its_own(tmp_path):
    rows = [made(f"{d}{i}", device_name=d, ap=0.1 * i, latency_ms_p50=10.0 * i) for d in "xy" for i in (1, 2)]
    points = critical_points(framed(tmp_path, rows))
    assert points["conditions"].tolist() == ["x", "x", "y", "y"]
    assert points["critical_point"].tolist() == ["fastest", "most accurate"] * 2


def test_one_row_is_both_and_none_is_none(tmp_path):
    assert told(framed(tmp_path / "a", [made("a")])) == {"fastest and most accurate": "a"}
    assert told(framed(tmp_path / "b", [made("a", ap=None)])) == {}


def test_a_table_that_names_its_critical_points_is_believed(tmp_path):
    frame = published(framed(tmp_path, zoo())).sort_values("run_id")
    frame = frame.assign(critical_point=pd.array(["fastest", None, "sweet spot"]))
    assert told(frame) == {"fastest": "zoo0", "sweet spot": "zoo2"}


@pytest.mark.parametrize(
    ("x", "y", "place"),
    [
        ([0, 1, 2], [0, 1, 2], None),
        ([0, 1], [0, 1], None),
        ([0, 1, 2, 3], [0, 0.5, 2.9, 3], 2),
        ([1, 1, 1], [0, 1, 2], None),
    ],
)
def test_a_straight_or_short_frontier_has_no_elbow(x, y, place):
    assert elbow(np.array(x, float), np.array(y, float)) == place
