"""Tables become typed frames, and text for a terminal."""

import pytest

from tests.analysis.synthetic import big_study, framed, made, small_study, written
from tradeoff.analysis import table
from tradeoff.core.errors import TableError


def test_a_frame_has_the_types_of_the_registry(tmp_path):
    frame = framed(tmp_path, small_study())
    types = {name: str(frame[name].dtype) for name in ("label", "size", "ap", "trusted", "gpu_ms_p50", "stride")}
    assert types == {
        "label": "string",
        "size": "Int64",
        "ap": "float64",
        "trusted": "boolean",
        "gpu_ms_p50": "float64",
        "stride": "Int64",
    }
    assert len(frame) == 26
    assert frame.loc[frame["meta_arch"] == "ssd", "stride"].isna().all()


def test_columns_of_later_versions_stay(tmp_path):
    (tmp_path / "table.csv").write_text("run_id,status,beauty\na,ok,12\n")
    assert table.read(tmp_path / "table.csv")["beauty"].tolist() == ["12"]


def test_a_damaged_table_is_refused(tmp_path):
    path = written(tmp_path, small_study())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(TableError, match="line 27"):
        table.read(path)


@pytest.mark.parametrize("study", [small_study, big_study])
def test_text_fits_a_terminal_and_tells_every_row(tmp_path, study):
    frame = framed(tmp_path, study())
    text = table.text(frame)
    assert max(map(len, text.splitlines())) <= 120
    told = " ".join(text.split())
    assert sum(line.count(" ok") + line.count(" untrusted") for line in text.splitlines()) == len(frame) - 2
    assert "failed R-FCN ResNet-152 900 px 300 prop.: train: the process was ended by SIGKILL" in told
    assert "stride=8 is not available for this extractor (it has: 16)" in told


def test_text_marks_the_frontier_and_puts_the_best_first(tmp_path):
    rows = [
        made("a", label="fast", ap=0.1, latency_ms_p50=10.0, params=4_200_000),
        made("b", label="beaten", ap=0.05, latency_ms_p50=20.0),
        made("c", label="good", ap=0.25, latency_ms_p50=1234.5),
        made("d", label="doubtful [bold]", ap=0.2, latency_ms_p50=1.0, trusted=False),
    ]
    lines = table.text(framed(tmp_path, rows)).splitlines()
    assert lines[0] == "data coco (5000 images); device NVIDIA H200; precision fp32; batch 1"
    assert [line.split()[:2] for line in lines[2:6]] == [
        ["*", "good"],
        ["doubtful", "[bold]"],
        ["*", "fast"],
        ["beaten", "0.050"],
    ]
    #                              AP      AP50 small medium large  ms   GMACs MB  params M
    assert lines[4].split() == ["*", "fast", "0.100", "-", "-", "-", "-", "10", "-", "-", "4.2", "ok"]
    assert lines[3].split()[-1] == "untrusted"


def test_text_keeps_apart_what_cannot_be_compared(tmp_path):
    text = table.text(framed(tmp_path, [made("a"), made("b", device_name="Raspberry Pi", latency_ms_p50=3000.0)]))
    assert text.count("\n* ") == 4  # a starred row and the footnote in each of the two parts
    assert "device Raspberry Pi" in text


def test_text_of_a_table_without_scores_or_finished_rows(tmp_path):
    frame = framed(tmp_path / "a", [row | {"ap": None} for row in small_study()])
    assert "SSD MobileNet 300 px" in table.text(frame)
    frame = framed(tmp_path / "b", [made("x", status="failed", reason=None, label="SSD")])
    assert table.text(frame) == "no row is finished\n\nfailed  SSD: no reason given"
    assert table.text(frame[:0]) == "no row is finished"


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("45,3", "line 2, column 'ap': got 45, expected a number of 0..1"),
        ("0.4,-3", "line 2, column 'latency_ms_p50': got -3 ms, expected a number of at least 0"),
    ],
)
def test_an_accuracy_in_percent_and_a_cost_below_0_are_refused(tmp_path, cells, told):
    path = tmp_path / "mine.csv"
    path.write_text(f"run_id,status,ap,latency_ms_p50\na,ok,{cells}\n")
    with pytest.raises(TableError, match=r"mine\.csv") as caught:
        table.read(path)
    assert told in str(caught.value)
    path.write_text("run_id,status,ap,latency_ms_p50\na,ok,1,0\nb,ok,,\n")
    assert len(table.read(path)) == 2
