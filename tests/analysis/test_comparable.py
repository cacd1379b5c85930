"""Which rows share an axis."""

import pandas as pd
import pytest

from tests.analysis.synthetic import framed, made, published, zoo
from tradeoff.analysis.comparable import (
    COMPARABLE,
    OF_ACCURACY,
    complete,
    conditions,
    differences,
    groups,
    known,
    timed,
)
from tradeoff.core.errors import TableError


def test_what_differs_is_listed(tmp_path):
    one = framed(tmp_path / "a", [made("a")])
    other = framed(tmp_path / "b", [made("b", device_name="a CPU", eval_images=10)])
    assert differences(one, one) == []
    assert differences(one, other) == [
        "data: coco (5000 images) against coco (10 images)",
        "device_name: NVIDIA H200 against a CPU",
    ]


def test_rows_share_a_group_only_when_asked(tmp_path):
    frame = framed(tmp_path, [made("a"), made("b", device_name="a CPU"), made("c", precision="fp16")])
    assert [title for title, _ in groups(frame)] == ["NVIDIA H200, fp16", "NVIDIA H200, fp32", "a CPU, fp32"]
    assert [title for title, _ in groups(frame, ["device_name"])] == ["fp16", "fp32"]
    assert [(title, len(rows)) for title, rows in groups(frame, COMPARABLE)] == [("", 3)]
    assert [title for title, _ in groups(frame, by=["data"])] == [""]


def test_another_protocol_is_another_group(tmp_path):
    ours, theirs = framed(tmp_path / "a", [made("a")]), published(framed(tmp_path / "b", [made("b")]))
    frame = pd.concat([ours, theirs], ignore_index=True)
    assert [title for title, _ in groups(frame)] == ["measured here", "minival, 600 px"]
    assert conditions(theirs).endswith("batch 1; protocol minival, 600 px")
    assert conditions(ours).endswith("precision fp32; batch 1")


def test_a_mean_is_a_time_of_its_own_kind(tmp_path):
    frame = timed(framed(tmp_path, [made("a", latency_ms_mean=40.0), *zoo()]))
    assert sorted(frame["time_ms"]) == [30.0, 30.0, 42.0, 89.0]
    told = [title for title, _ in groups(frame, ["data", "device_name", "precision"])]
    assert told == ["measured here", "mean time"]


def test_bursts_are_another_protocol(tmp_path):
    frame = framed(tmp_path, [made("a"), made("b"), made("c")]).assign(latency_mode=["sustained", "burst", None])
    assert [(title, rows["run_id"].tolist()) for title, rows in groups(frame)] == [
        ("measured here", ["a", "c"]),
        ("burst timing", ["b"]),
    ]


def test_a_table_without_a_column_lacks_its_values(tmp_path):
    frame = framed(tmp_path, [made("a")]).drop(columns=["eval_images", "trusted", "overrides", "latency_ms_mean"])
    assert [len(rows) for _, rows in groups(frame)] == [1]
    assert complete(frame, "eval_images").empty
    with pytest.raises(TableError, match="no such column"):
        known("beauty")


def test_how_a_time_was_taken_does_not_part_accuracies(tmp_path):
    frame = framed(tmp_path, [made("a"), made("b"), made("c", latency_ms_p50=None, latency_ms_mean=9.0)])
    frame = frame.assign(latency_mode=["sustained", "burst", None])
    assert len(list(groups(frame))) == 3
    assert len(list(groups(frame, by=OF_ACCURACY))) == 1
    assert differences(frame[:1], frame[1:], OF_ACCURACY) == []
    assert differences(frame[:1], frame[1:]) != []
    assert len(list(groups(published(frame).assign(protocol=["x", "x", "y"]), by=OF_ACCURACY))) == 2


def test_a_title_says_of_what_the_value_is_unknown(tmp_path):
    frame = framed(tmp_path, [made("a"), made("b", precision=None), made("c", device_name=None)])
    assert [title for title, _ in groups(frame)] == [
        "NVIDIA H200, fp32",
        "NVIDIA H200, precision unknown",
        "device unknown, fp32",
    ]
    assert "precision fp32, unknown" in conditions(frame)
