"""Rows are checked, saved whole, merged without loss and read back strictly."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeoff.core import rows
from tradeoff.core.cells import parsed, written
from tradeoff.core.columns import BY_NAME, Column
from tradeoff.core.errors import StoreError, TableError
from tradeoff.core.tables import to_csv

ROW = {"run_id": "a1", "label": "SSD", "status": "ok", "size": 300, "ap": 0.25, "trusted": True}


def table(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


ORDER = """run_id label status reason meta_arch extractor size stride proposals data train seed device precision
batch_size overrides weights
ap ap50 ap75 ap_small ap_medium ap_large ar_1 ar_10 ar_100 ar_small ar_medium ar_large eval_images
latency_ms_p50 latency_ms_p90 latency_ms_p95 latency_ms_p99 latency_ms_mean latency_n preprocess_ms_p50 network_ms_p50
postprocess_ms_p50 gpu_ms_p50 images_per_s
gmacs gflops flops_partial params weights_mb peak_memory_mb energy_j
train_steps train_images train_s train_images_per_s train_peak_memory_mb train_stopped_by final_loss
trusted reasons
device_name torch_version torchvision_version driver_version code_version created_utc train_key predict_key
evaluate_key measure_key
"""


def test_columns_keep_their_published_order_and_are_only_appended_to():
    assert [column.name for column in rows.COLUMNS][: len(ORDER.split())] == ORDER.split()


def test_every_number_with_a_unit_in_its_name_says_it():
    for suffix, unit in {"_ms_p50": "ms", "_mb": "MB", "_j": "J", "_s": "s"}.items():
        named = [column for column in rows.COLUMNS if column.name.endswith(suffix) and "_per_" not in column.name]
        assert {column.unit for column in named} <= {unit}
    assert (BY_NAME["ap"].better, BY_NAME["latency_ms_p50"].better, BY_NAME["size"].better) == (
        "higher",
        "lower",
        None,
    )


def test_a_row_gets_every_column_in_order():
    row = rows.checked({"ap": 1, "run_id": "a"})
    assert list(row) == [column.name for column in rows.COLUMNS]
    assert row["ap"] == 1.0
    assert isinstance(row["ap"], float)
    assert row["label"] is None


def test_empty_text_is_nothing():
    assert rows.checked({"overrides": ""})["overrides"] is None


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"ap_tiny": 0.1}, "ap_tiny"),
        ({"size": "300"}, "size"),
        ({"size": 300.0}, "size"),
        ({"size": True}, "size"),
        ({"ap": True}, "ap"),
        ({"ap": "0.3"}, "ap"),
        ({"trusted": 1}, "trusted"),
        ({"label": 7}, "label"),
        ({"ap": float("nan")}, "ap"),
        ({"latency_ms_p50": float("inf")}, "latency_ms_p50"),
        ({"status": "done"}, "status"),
    ],
)
def test_a_wrong_value_is_refused_by_its_column(row, named):
    with pytest.raises(TableError, match=f"'{named}'"):
        rows.checked(row)


def test_every_fault_is_told_and_the_likely_name_too():
    with pytest.raises(TableError, match="mean 'latency_ms_p95'") as error:
        rows.checked({"latency_ms_95": 1.0, "size": "x"})
    assert "'size'" in str(error.value)


def test_a_saved_row_is_loaded_as_it_was(tmp_path):
    rows.save(tmp_path / "rows", ROW | {"ap": 0.123456789012})
    assert rows.load(tmp_path / "rows") == [rows.checked(ROW | {"ap": 0.123456789012})]


def test_no_folder_means_no_rows(tmp_path):
    assert rows.load(tmp_path / "rows") == []


@pytest.mark.parametrize("run_id", [None, "", "../a", "a/b", "a b"])
def test_a_run_id_that_is_no_file_name_is_refused(tmp_path, run_id):
    with pytest.raises(TableError, match="run_id"):
        rows.save(tmp_path, ROW | {"run_id": run_id})
    assert list(tmp_path.iterdir()) == []


def test_drafts_of_killed_writers_are_ignored(tmp_path):
    rows.save(tmp_path, ROW)
    (tmp_path / ".a1.json.77-ab.tmp").write_text('{"run_')
    assert [row["run_id"] for row in rows.load(tmp_path)] == ["a1"]


@pytest.mark.parametrize("content", ["", '{"run_id": ', "[]", '{"nonsense": 1}', '{"size": "300"}', '{"ap": NaN}'])
def test_a_broken_row_is_told_by_its_file(tmp_path, content):
    rows.save(tmp_path, ROW)
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(StoreError, match=r"bad\.json"):
        rows.load(tmp_path)


def test_the_table_is_sorted_whatever_the_order_of_saving(tmp_path):
    # by meta_arch, extractor, overrides, size, ...; what is empty comes last
    wanted = [
        {"run_id": "e", "meta_arch": "rfcn", "extractor": "tiny", "size": 600},
        {"run_id": "d", "meta_arch": "ssd", "extractor": "resnet", "size": 300},
        {"run_id": "c", "meta_arch": "ssd", "extractor": "tiny", "overrides": "extractor.width=8", "size": 96},
        {"run_id": "a", "meta_arch": "ssd", "extractor": "tiny", "size": 96},
        {"run_id": "b", "meta_arch": "ssd", "extractor": "tiny", "size": 300},
        {"run_id": "0", "extractor": "tiny", "size": 96},
    ]
    for order in (wanted, wanted[::-1]):
        for row in order:
            rows.save(tmp_path / "rows", row)
        rows.merge(tmp_path / "rows", tmp_path / "table.csv")
        assert [row["run_id"] for row in rows.read_csv(tmp_path / "table.csv")] == ["e", "d", "c", "a", "b", "0"]


def test_cells_are_written_plainly(tmp_path):
    row = ROW | {"params": 41_000_000, "gmacs": 181.123456, "trusted": False, "final_loss": 2e-7, "ap50": 1 / 3}
    rows.save(tmp_path / "rows", row)
    rows.merge(tmp_path / "rows", tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as file:
        (cells,) = csv.DictReader(file)
    got = {name: cells[name] for name in ("params", "gmacs", "trusted", "final_loss", "ap50", "ap75", "run_id")}
    assert got == {
        "params": "41000000",
        "gmacs": "181.123",
        "trusted": "false",
        "final_loss": "2e-07",
        "ap50": "0.333333",
        "ap75": "",
        "run_id": "a1",
    }


@pytest.mark.parametrize(
    "text", ["=1+1", "+a", "-a", "@SUM(A1)", "\tx", "\r", "a\rb", "'=1", "'a", "''", 'a"b', "a,b", "a\nb", " a "]
)
def test_any_text_comes_back_and_none_is_a_formula(tmp_path, text):
    rows.save(tmp_path / "rows", ROW | {"reason": text})
    rows.merge(tmp_path / "rows", tmp_path / "table.csv")
    assert rows.read_csv(tmp_path / "table.csv")[0]["reason"] == text
    assert not written(text).startswith(("=", "+", "-", "@", "\t"))


@settings(deadline=None)
@given(st.text(min_size=1))
def test_text_survives_a_cell(text):
    assert parsed(written(text), Column("label", str)) == text


@settings(deadline=None)
@given(st.lists(st.text(), min_size=1))
def test_a_table_survives_any_text(texts):
    table = to_csv([rows.checked({"label": text}) for text in texts])
    assert [cells["label"] for cells in csv.DictReader(io.StringIO(table, newline=""))] == [*map(written, texts)]


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_a_float_keeps_six_digits_in_a_cell(value):
    assert parsed(written(value), Column("ap", float)) == pytest.approx(value, rel=1e-5)


def test_negative_numbers_are_no_formulas():
    assert written(-1.5) == "-1.5"
    assert parsed("-1.5", Column("final_loss", float)) == -1.5


def test_foreign_marks_and_spreadsheet_spellings_are_understood(tmp_path):
    path = table(tmp_path, b"\xef\xbb\xbfap,size,trusted,run_id\r\n0.5,300.0,TRUE,x\r\n\r\n")
    (row,) = rows.read_csv(path)
    assert (row["run_id"], row["ap"], row["size"], row["trusted"]) == ("x", 0.5, 300, True)
    assert row["label"] is None
    assert list(row) == [column.name for column in rows.COLUMNS]


def test_columns_of_later_versions_are_kept_as_text(tmp_path):
    (row,) = rows.read_csv(table(tmp_path, "run_id,beauty,ap\nx,12,0.5\n"))
    assert row["beauty"] == "12"
    assert list(row)[-1] == "beauty"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("run_id,ap\nx,0.5\ny,0.", "line 3.*cut off"),
        ("run_id,ap\nx,0.5\ny\n", "line 3, column 'ap': got 1 cells, expected 2"),
        ("run_id,ap\nx,0.5,7\n", "line 2, column 'ap': got 3 cells, expected 2"),
        ("run_id,ap\nx,high\n", "line 2, column 'ap': got 'high', expected a finite number"),
        ("run_id,ap\nx,nan\n", "line 2, column 'ap'"),
        ("run_id,ap\nx,1_0\n", "line 2, column 'ap'"),
        ("run_id,size\nx,300.5\n", "line 2, column 'size': got '300.5', expected a whole number"),
        ("run_id,size\nx,1e300\n", "line 2, column 'size'"),
        ("run_id,trusted\nx,yes\n", "line 2, column 'trusted': got 'yes', expected true or false"),
        ('run_id,label\nx,"half\n', "line 2.*unexpected end of data"),
        ("run_id,ap,ap\nx,1,1\n", "line 1: column 'ap' is there twice"),
        ("run_id;ap\nx;0,5\n", "line 1.*separated by commas"),
        ("", "line 1: got 'nothing'"),
        ("run_id,ap\n", "no rows; run a study"),
        (b"run_id,label\nx,\xff\n", "not UTF-8"),
    ],
)
def test_a_damaged_table_is_told_with_file_line_and_column(tmp_path, text, told):
    with pytest.raises(TableError, match=told) as error:
        rows.read_csv(table(tmp_path, text))
    assert "table.csv" in str(error.value)


def test_a_line_is_counted_through_line_breaks_within_cells(tmp_path):
    with pytest.raises(TableError, match="line 4, column 'ap'"):
        rows.read_csv(table(tmp_path, 'label,ap\n"two\nlines",0.1\nx,high\n'))


def test_a_missing_table_is_told_with_those_that_are_there(tmp_path):
    with pytest.raises(TableError, match=r"results\.csv: no such table; run a study"):
        rows.read_csv(tmp_path / "results.csv")
    table(tmp_path, "run_id\nx\n")
    with pytest.raises(TableError, match=r"tables there: table\.csv"):
        rows.read_csv(tmp_path / "results.csv")


def test_every_cut_of_a_table_is_noticed(tmp_path):
    for name in ("a", "b"):
        rows.save(tmp_path / "rows", ROW | {"run_id": name, "reason": 'two\nlines, 3 "quotes"'})
    rows.merge(tmp_path / "rows", tmp_path / "table.csv")
    whole = (tmp_path / "table.csv").read_bytes()
    first_row_ends = whole.index(b"\n", whole.index(b"quotes")) + 1
    for length in range(0, len(whole), 7):
        if length == first_row_ends:
            continue  # a table of one whole row
        with pytest.raises(TableError):
            rows.read_csv(table(tmp_path, whole[:length]))


def test_a_row_is_readable_json(tmp_path):
    rows.save(tmp_path, ROW)
    assert json.loads((tmp_path / "a1.json").read_text())["label"] == "SSD"


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="file"):
        rows.save(tmp_path / "file" / "rows", ROW)
    with pytest.raises(StoreError, match="file"):
        rows.merge(tmp_path, tmp_path / "file" / "table.csv")
