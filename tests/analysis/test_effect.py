"""Effects are told of rows that differ in nothing else."""

import pytest

from tests.analysis.synthetic import framed, full_study, made, published
from tradeoff.analysis import look
from tradeoff.analysis.comparable import timed
from tradeoff.analysis.effect import best_rows, chains, change, changes, fewer


def ids(parts):
    return [chain["run_id"].tolist() for chain in parts]


def test_a_chain_differs_in_one_axis_alone(tmp_path):
    frame = timed(
        framed(
            tmp_path,
            [
                made("a", size=300),
                made("b", size=600, ap=0.3, overrides="measure.max_s=8"),  # how it was measured makes no other model
                made("c", size=600, overrides="train.steps=5"),
                made("d", size=600, extractor="resnet50"),
                made("e", size=300, stride=8),
                made("f", size=600, stride=8, ap=0.1, latency_ms_p50=60.0),
                made("g", size=600, stride=8, trusted=False),
                made("h", size=None),
                made("i", size=900, seed=1),
            ],
        )
    )
    parts = chains(frame, "size")
    assert sorted(ids(parts)) == [["a", "b"], ["e", "f"]]
    assert ids(chains(frame, "stride")) == []  # a stride against none is no step
    assert change(parts, "size", 300, 600, "ap") == (pytest.approx((0.5 - 0.5) / 2), 2)  # 0.2 to 0.3, 0.2 to 0.1
    assert change(parts, "size", 300, 600, "time_ms") == (pytest.approx((0 + 1) / 2), 2)
    told = changes(parts, "size", (300, 600), {"ap": "AP", "time_ms": "time", "energy_j": "energy"})
    assert told == "AP +0.0 % (mean of 2), time +50.0 % (mean of 2)"


def test_a_full_figure_keeps_the_most_proposals(tmp_path):
    frame = timed(framed(tmp_path, full_study()))
    parts = chains(frame[frame["status"] == "ok"], "size")
    assert len(parts) == 86  # 6 of SSD, 2 × 8 × 5 of the others
    assert fewer(parts, 100) == parts
    some = fewer(parts, 40)
    assert len(some) == 6 + 2 * 8
    assert {int(chain["proposals"].iloc[0]) for chain in some if chain["meta_arch"].iloc[0] != "ssd"} == {300}


def test_rows_that_are_not_trusted_count_only_where_there_are_no_others(tmp_path):
    pair = [made("a", size=300), made("b", size=600, ap=0.3)]
    doubtful = [
        made("c", size=300, extractor="vgg16"),
        made("d", size=600, extractor="vgg16", ap=0.9, trusted=False),
    ]
    parts = chains(timed(framed(tmp_path, pair + doubtful)), "size")
    assert len(parts) == 2
    assert change(parts, "size", 300, 600, "ap") == (pytest.approx(0.5), 1)
    assert change(parts[1:], "size", 300, 600, "ap") == (pytest.approx(3.5), 1)


def test_of_equal_published_rows_none_stands_for_the_others(tmp_path):
    rows = [made("a", size=300), made("b", size=300, ap=0.1), made("c", size=600), made("d", size=900)]
    frame = timed(framed(tmp_path, rows))
    assert ids(chains(frame, "size")) == [["a", "c", "d"]]
    assert ids(chains(published(frame), "size")) == [["c", "d"]]


def test_the_best_row_speaks_for_its_own_configuration_alone(tmp_path):
    rows = [
        made("a", ap=0.3, proposals=300),
        made("b", ap=0.2, proposals=10),  # a has more
        made("c", ap=0.1, stride=8),
        made("d", ap=0.15, overrides="meta_arch.loss=focal measure.max_s=8"),
    ]
    frame = framed(tmp_path, rows)
    assert best_rows(look.prepared(frame))["run_id"].tolist() == ["c", "d", "a"]
    assert best_rows(look.prepared(published(frame)))["run_id"].tolist() == ["c", "d", "b", "a"]
