"""What moved between two tables, and was it noise."""

import numpy as np
import pandas as pd
import pytest

from tests.analysis.synthetic import failed, framed, made, small_study
from tradeoff.analysis import movement
from tradeoff.analysis.moved import moves
from tradeoff.analysis.verdict import verdict
from tradeoff.core.errors import TableError

ENDS = {"ap_low": 0.28, "ap_high": 0.32}


def verdicts(found, column):
    lines = found.rows[found.rows["column"] == column]
    return dict(zip(lines["label"], lines["verdict"], strict=True))


@pytest.mark.parametrize(
    ("other", "told"),
    [
        # 0.30 ± 0.02 against ± 0.03: chance brings them √(0.02² + 0.03²) = 0.0361 apart
        ({"ap": 0.33, "ap_low": 0.30, "ap_high": 0.40}, "within noise"),
        ({"ap": 0.34, "ap_low": 0.31, "ap_high": 0.40}, "better"),
        ({"ap": 0.27, "ap_low": 0.20, "ap_high": 0.30}, "within noise"),
        ({"ap": 0.26, "ap_low": 0.20, "ap_high": 0.29}, "worse"),
        ({"ap": 0.30, "ap_low": None, "ap_high": None}, "same"),
        ({"ap": 0.34, "ap_low": 0.31, "ap_high": 0.37, "eval_images": 100}, "cannot tell"),
        ({"ap": 0.34, "ap_low": None, "ap_high": None}, "cannot tell"),
    ],
)
def test_an_ap_moves_when_the_intervals_do_not_explain_it(other, told):
    one = made("a", ap=0.30, **ENDS)
    assert verdict(one, made("b", **other), "ap")[0] == told


def test_chance_alone_is_called_a_move_in_one_of_twenty():
    random = np.random.default_rng(0)
    sigma = np.array([0.01, 0.02])
    drawn = 0.3 + sigma * random.standard_normal((4000, 2))
    called = 0
    for pair in drawn:
        rows = [
            {"ap": value, "ap_low": value - 1.96 * s, "ap_high": value + 1.96 * s}
            for value, s in zip(pair, sigma, strict=True)
        ]
        called += verdict(*rows, "ap")[0] in ("better", "worse")
    assert 0.04 < called / len(drawn) < 0.06  # binomial: 0.05 ± 2.9 × 0.0034


def test_rows_are_matched_by_what_was_asked_for(tmp_path):
    one = framed(tmp_path / "a", small_study())
    study = [row | {"run_id": f"new{index}"} for index, row in enumerate(small_study())]
    fewer = [row for row in study if row["size"] != 600 or row["status"] != "ok"]
    for row in fewer:
        row["gmacs"] = row["gmacs"] and row["gmacs"] * 0.5
        row["params"] = row["params"] and row["params"] + 1
    found = moves(one, framed(tmp_path / "b", [*fewer, made("own", extractor="vgg16")]))
    assert found.matched == 12
    assert found.only_other == ["model own"]
    assert len(found.only_one) == 12
    assert set(verdicts(found, "gmacs").values()) == {"better"}  # counts have no noise
    assert set(verdicts(found, "params").values()) == {"worse"}
    assert set(verdicts(found, "ap").values()) == {"same"}
    assert found.differing == []


def test_time_is_better_when_lower_and_memory_without_an_interval_is_not_told(tmp_path):
    one = framed(tmp_path / "a", [made("a", latency_ms_p50=30.0, peak_memory_mb=100.0)])
    other = framed(tmp_path / "b", [made("b", latency_ms_p50=20.0, peak_memory_mb=90.0)])
    ends = {"latency_ms_low": 29.0, "latency_ms_high": 31.0}
    found = moves(one.assign(**ends), other.assign(latency_ms_low=19.0, latency_ms_high=21.0))
    assert verdicts(found, "time_ms") == {"model a": "better"}
    assert verdicts(found, "peak_memory_mb") == {"model a": "cannot tell"}
    found = moves(one.assign(**ends), other)
    (line,) = found.rows[found.rows["column"] == "time_ms"].to_dict("records")
    assert (line["verdict"], line["reason"]) == ("cannot tell", "no interval in OTHER")


def test_a_median_is_not_compared_with_a_mean(tmp_path):
    one = framed(tmp_path / "a", [made("a")])
    other = framed(tmp_path / "b", [made("b", latency_ms_p50=None, latency_ms_mean=40.0)])
    found = moves(one, other)
    assert found.rows.loc[found.rows["column"] == "time_ms", "reason"].tolist() == ["a median against a mean"]


def test_other_machines_are_matched_and_told_and_several_in_a_table_are_kept_apart(tmp_path):
    one = framed(tmp_path / "a", [made("a", torch_version="2.14")])
    other = framed(tmp_path / "b", [made("b", device_name="Raspberry Pi", torch_version="2.15")])
    found = moves(one, other)
    assert found.differing == ["device_name: NVIDIA H200 against Raspberry Pi", "torch_version: 2.14 against 2.15"]
    both = framed(tmp_path / "c", [made("a"), made("b", device_name="Raspberry Pi")])
    assert moves(one, both).only_other == ["model b"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"device_name": "Raspberry Pi"}, "other devices: NVIDIA H200 and Raspberry Pi"),
        ({"device_name": None}, "other devices: NVIDIA H200 and unknown"),
        ({"latency_mode": "burst"}, "other timings: sustained and burst"),
        ({"trusted": False}, "not trusted in OTHER"),
    ],
)
def test_a_time_of_another_device_or_without_trust_tells_nothing(change, told):
    ends = {"latency_ms_low": 29.0, "latency_ms_high": 31.0}
    one = made("a", latency_ms_p50=30.0) | ends | {"time_ms": 30.0}
    other = made("b", latency_ms_p50=50.0) | {"latency_ms_low": 49.0, "latency_ms_high": 51.0, "time_ms": 50.0}
    assert verdict(one, other, "time_ms") == ("worse", "")
    assert verdict(one, other | change, "time_ms") == ("cannot tell", told)
    assert verdict(other | {"trusted": None}, one, "time_ms") == ("better", "")


def test_a_time_that_moved_is_said_to_be_of_one_run_each(tmp_path):
    ends = {"latency_ms_low": 29.0, "latency_ms_high": 31.0}
    one = framed(tmp_path / "a", [made("a", latency_ms_p50=30.0)]).assign(**ends)
    assert "--remeasure" not in movement.text(moves(one, one))
    found = moves(one, one.assign(latency_ms_p50=50.0, latency_ms_low=49.0, latency_ms_high=51.0))
    assert "within one run" in movement.text(found)
    assert "--remeasure" in movement.text(found)


def test_how_a_row_was_measured_is_told_and_matched_but_its_own_options_and_data_are_not(tmp_path):
    words = "extractor.width=0.5 data.split=val"
    one = framed(tmp_path / "a", [made("a", overrides=f"{words} measure.max_s=8")])
    found = moves(one, framed(tmp_path / "b", [made("b", overrides=f"{words} measure.max_s=30")]))
    assert (found.matched, found.differing) == (1, ["overrides: measure.max_s=8 against measure.max_s=30"])
    found = moves(one, framed(tmp_path / "c", [made("c", overrides=words)]))
    assert found.differing == ["overrides: measure.max_s=8 against none"]
    for other in ("extractor.width=0.25 data.split=val", "extractor.width=0.5 data.split=test"):
        with pytest.raises(TableError, match=r"words .*0\.5.* against"):
            moves(one, framed(tmp_path / other, [made("d", overrides=f"{other} measure.max_s=8")]))


def test_rows_that_ask_for_the_same_are_not_guessed_at(tmp_path):
    one = framed(tmp_path / "a", [made("a"), made("b"), made("c", size=600)])
    other = framed(tmp_path / "b", [made("d"), made("e", size=600, ap=0.25)])
    found = moves(one, other)
    assert (found.matched, found.ambiguous, found.only_other) == (1, ["model a", "model b"], ["model d"])


def test_a_row_that_failed_in_the_other_table_is_told_so(tmp_path):
    one = framed(tmp_path / "a", [made("a"), made("b", size=600)])
    broken = failed() | {"size": 600}
    found = moves(one, framed(tmp_path / "b", [made("c"), broken]))
    assert found.only_one == ["model b (failed there)"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([made("b", extractor="vgg16")], "extractor mobilenet against vgg16"),
        ([failed()], "no row of OTHER is finished"),
    ],
)
def test_where_nothing_can_be_matched_it_is_refused_with_what_differs(tmp_path, rows, told):
    one = framed(tmp_path / "a", [made("a")])
    with pytest.raises(TableError, match=told):
        moves(one, framed(tmp_path / "b", rows))


def test_the_text_counts_lists_and_says_why_it_cannot_tell(tmp_path):
    rows = [made(f"r{size}", size=size, ap=0.3, label=f"SSD {size} px", **ENDS) for size in (300, 400, 500)]
    changed = [
        {**row, "run_id": f"n{i}", "ap": ap} for i, (row, ap) in enumerate(zip(rows, (0.31, 0.4, 0.3), strict=True))
    ]
    changed[1] |= {"ap_low": 0.39, "ap_high": 0.41, "latency_ms_p50": 60.0}
    found = moves(framed(tmp_path / "a", rows), framed(tmp_path / "b", changed))
    text = movement.text(found)
    assert "3 rows ask for the same in both tables" in text
    (line,) = (line for line in text.splitlines() if line.startswith("ap "))
    assert line.split()[:7] == ["ap", "3", "1", "0", "1", "1", "0"]  # rows, better, worse, noise, same, cannot tell
    assert "SSD 400 px: ap 0.3 -> 0.4 (+0.1), better" in text
    assert "cannot tell for time_ms of 1 rows: no interval in ONE and OTHER" in text
    plain = movement.plain(found)
    assert [row["label"] for row in plain["moved"]] == ["SSD 400 px"]
    assert pd.isna(found.rows["change_pct"]).sum() == 0
