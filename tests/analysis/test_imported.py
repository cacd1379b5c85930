"""Anyone's CSV becomes a table of ours by a mapping, and what makes no sense is refused where it stands."""

import json

import pytest
import yaml

from tradeoff.analysis import table
from tradeoff.core.errors import ConfigError, TableError
from tradeoff.table import bring_in, main

THEIRS = """name,section,AP(%),fps,dtype,params_m,res,segm,tpu
ssd_300,box,25.1,40,FP32,35.6,300x300,,no
ssd_512,box,N/A,32,FP16,35.641826,512x512,,no
mask_800,mask,38.2,,FP32,44.4,800x1333,34.6,yes
props,rpn,,100,FP32,10,800x1333,,no
"""
MAP = {
    "title": "a zoo",
    "empty": ["N/A"],
    "columns": {
        "model": "name",
        "label": {"text": "{name} at {res}"},
        "ap": {"from": "AP(%)", "factor": 0.01, "when": {"section": ["box", "mask"]}},
        "latency_ms_mean": {"from": "fps", "over": 1000},
        "precision": {"from": "dtype", "words": {"FP32": "fp32", "FP16": "fp16"}},
        "params": {"from": "params_m", "factor": 1000000},
        "size": {"from": "res", "pattern": "^([0-9]+)x"},
        "meta_arch": {"from": "name", "pattern": "^(ssd)", "others": "empty"},
    },
    "constants": {"data": "coco", "batch_size": 1, "source": "zoo.md", "protocol": "zoo"},
    "kept": {"mask_ap_pct": "segm"},
    "rows_left_out": [{"when": {"section": "rpn"}, "why": "proposes"}],
}


def changed(**changes):
    """Return the mapping with blocks changed; a block of None is gone."""
    return {name: block for name, block in {**MAP, **changes}.items() if block is not None}


def columns(**rules):
    return changed(columns={**MAP["columns"], **rules})


def brought(tmp_path, mapping, theirs=THEIRS):
    (tmp_path / "zoo.csv").write_text(theirs)
    (tmp_path / "zoo.yaml").write_text(mapping if isinstance(mapping, str) else yaml.safe_dump(mapping))
    return bring_in(tmp_path / "zoo.csv", tmp_path / "zoo.yaml", tmp_path / "out.csv")


def test_values_are_renamed_scaled_worded_and_cut(tmp_path, capsys):
    told = brought(tmp_path, MAP)
    frame = table.read(tmp_path / "out.csv")
    assert frame["label"].tolist() == ["ssd_300 at 300x300", "ssd_512 at 512x512", "mask_800 at 800x1333"]
    assert frame["run_id"].tolist()[0] == "zoo_ssd_300_at_300x300"
    assert frame["ap"].astype(object).where(frame["ap"].notna(), None).tolist() == [0.251, None, 0.382]
    assert frame["latency_ms_mean"].tolist()[:2] == [25.0, 31.25]  # 1000 / 40, 1000 / 32
    assert frame["params"].tolist() == [35_600_000, 35_641_826, 44_400_000]
    assert frame["precision"].tolist() == ["fp32", "fp16", "fp32"]
    assert frame["size"].tolist() == [300, 512, 800]
    assert frame["meta_arch"].isna().tolist() == [False, False, True]
    assert frame["mask_ap_pct"].dropna().tolist() == ["34.6"]
    assert set(frame["source"]) == {"zoo.md"}
    assert set(frame["status"]) == {"ok"}
    assert told["columns_not_mapped"] == ["tpu"]
    assert told["rows_left_out"] == 1
    out = capsys.readouterr().out
    assert "left out: 1 rows (proposes)" in out
    assert "not mapped: column 'tpu', such as 'no'" in out


def test_equal_names_are_numbered(tmp_path):
    brought(tmp_path, MAP, THEIRS + "ssd_300,box,26,40,FP32,35.6,300x300,,no\n")
    assert table.read(tmp_path / "out.csv")["run_id"].is_unique


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        ("columns: [", "zoo.yaml: is no YAML"),
        ("- a", "expected keys title"),
        (changed(columns=None), "columns: is missing"),
        (changed(rows={}), "rows: no such key"),
        (columns(app="name"), "columns.app: no such column; did you mean 'ap'?"),
        (columns(ap="AP"), "has no column 'AP'; there are name, section, AP(%)"),
        (columns(ap={"form": "AP(%)"}), "columns.ap: got {'form': 'AP(%)'}; expected a column of theirs"),
        (columns(ap={"from": "AP(%)", "factor": "x"}), "columns.ap: factor: got 'x'"),
        (columns(ap={"from": "AP(%)", "facter": 1}), "columns.ap: facter: no such key"),
        (columns(ap={"from": "AP(%)", "factor": 1, "over": 1}), "expected one of the two"),
        (columns(model={"from": "name", "factor": 2}), "for a column of numbers"),
        (columns(size={"from": "res", "pattern": "("}), "pattern: is no regular expression"),
        (columns(size={"from": "res", "pattern": "x"}), "pattern: expected a group"),
        (columns(size={"from": "res", "others": "no"}), "others: got 'no'; expected keep or empty"),
        (columns(precision={"from": "dtype", "words": ["fp32"]}), "words: expected names with values"),
        (changed(constants={"data": "coco"}), "source: is missing"),
        (changed(constants={"source": "x", "size": "big"}), "constants.size: got 'big', expected a whole number"),
        (changed(constants={"source": "x", "model": "y"}), "constants.model: is in columns as well"),
        (changed(kept={"ap50": "segm"}), "kept.ap50: is a column of ours"),
        (changed(left_out={"gone": "why"}), "has no column 'gone'"),
        (changed(rows_left_out=[{"when": "x"}]), "rows_left_out: got {'when': 'x'}"),
        (columns(ap={"from": 3}), "columns.ap: from: got 3; expected text"),
        (columns(ap={"text": ["AP"]}), "columns.ap: text: got ['AP']; expected text"),
        (changed(empty="N/A"), "empty: expected a list"),
        (changed(columns=["ap"]), "columns: expected names with values"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused_with_its_key(tmp_path, mapping, told):
    with pytest.raises(ConfigError) as caught:
        brought(tmp_path, mapping)
    assert told in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("mapping", "theirs", "told"),
    [
        (columns(ap="AP(%)"), THEIRS, "zoo.csv, line 2, columns.ap (AP(%)): got '25.1', expected 0..1; give factor"),
        (MAP, THEIRS.replace("25.1", "best"), "line 2, columns.ap (AP(%), section): got 'best', expected a number"),
        (MAP, THEIRS.replace(",40,", ",0,"), "columns.latency_ms_mean (fps): got '0'"),
        (MAP, THEIRS.replace(",40,", ",-40,"), "got '-40', expected a number above 0"),
        (MAP, THEIRS.replace("FP16", "INT8"), "line 3, columns.precision (dtype): got 'INT8', expected one of words"),
        (MAP, THEIRS.replace("300x300", "small"), "got 'small', in which the pattern '^([0-9]+)x' is not"),
        (MAP, THEIRS.replace("44.4", "44.40000001"), "line 4, columns.params (params_m): got '44400000.01"),
        (MAP, THEIRS.replace("fps,dtype", "dtype,dtype"), "column 'dtype' is there twice"),
        (MAP, THEIRS.replace("ssd_300,box", "ssd_300"), "line 2: got 8 cells, expected 9"),
        (MAP, THEIRS.splitlines()[0] + "\n", "has no rows"),
        (changed(rows_left_out=[{"when": {"tpu": ["no", "yes"]}, "why": "all"}]), THEIRS, "no row is left"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_with_file_line_and_key(tmp_path, mapping, theirs, told):
    with pytest.raises(TableError) as caught:
        brought(tmp_path, mapping, theirs)
    assert told in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


def test_every_fault_of_a_file_is_told_up_to_twenty(tmp_path):
    many = THEIRS.splitlines()[0] + "\n" + "a,box,x,40,FP32,1,300x300,,no\n" * 23
    with pytest.raises(TableError) as caught:
        brought(tmp_path, MAP, many)
    assert len(str(caught.value).splitlines()) == 21
    assert str(caught.value).endswith("... and 3 more")


def test_the_command_ends_in_json_and_its_exit_code_tells(tmp_path, capsys):
    (tmp_path / "zoo.csv").write_text(THEIRS)
    (tmp_path / "zoo.yaml").write_text(yaml.safe_dump(MAP))
    words = ["import", str(tmp_path / "zoo.csv"), "--map", str(tmp_path / "zoo.yaml")]
    assert main([*words, str(tmp_path / "out.csv")]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["rows"] == 3
    for out, told in (("zoo.csv", "would replace what is read"), ("no/out.csv", "there is no folder")):
        assert main([*words, str(tmp_path / out)]) == 2
        assert told in capsys.readouterr().err
    assert main(["import", str(tmp_path / "gone.csv"), "--map", words[-1], str(tmp_path / "out.csv")]) == 2
    assert "gone.csv: no such table" in capsys.readouterr().err
    assert main(["import", words[1], "--map", str(tmp_path / "gone.yaml"), str(tmp_path / "out.csv")]) == 2
    assert "gone.yaml: no mapping can be read" in capsys.readouterr().err


def test_a_status_that_there_is_not_and_equal_run_ids_are_refused(tmp_path):
    with pytest.raises(TableError) as caught:
        brought(tmp_path, columns(status="dtype", run_id="segm"), THEIRS.replace("300x300,,", "300x300,34.6,"))
    assert "line 2, status: got 'FP32', expected ok, failed, skipped" in str(caught.value)
    assert "line 4, run_id: '34.6' is there twice" in str(caught.value)
    assert "line 3, run_id" not in str(caught.value)  # none is none
    assert not (tmp_path / "out.csv").exists()
    with pytest.raises(TableError, match="status: got 'gpu'"):
        brought(tmp_path, changed(constants={**MAP["constants"], "status": "gpu"}))


@pytest.mark.parametrize("sign", [";", "\t"])
def test_other_separators_are_found_and_decimal_commas_are_read_where_the_mapping_says_so(tmp_path, sign):
    theirs = THEIRS.replace(",", sign).replace(".", ",")
    brought(tmp_path, changed(decimal=","), theirs)
    frame = table.read(tmp_path / "out.csv")
    assert frame["ap"].dropna().tolist() == [0.251, 0.382]
    assert frame["params"].tolist()[1] == 35_641_826
    with pytest.raises(TableError, match=r"got '25,1', expected a number; .*give decimal: \",\""):
        brought(tmp_path, MAP, theirs)


def test_a_separator_can_be_given(tmp_path):
    theirs = "name;AP, COCO\nssd;25.1\n"  # a comma in the first line
    mapping = {
        "columns": {"model": "name", "ap": {"from": "AP, COCO", "factor": 0.01}},
        "constants": {"source": "me"},
    }
    with pytest.raises(TableError, match="got 1 cells, expected 2"):
        brought(tmp_path, mapping, theirs)
    assert brought(tmp_path, {**mapping, "separator": ";"}, theirs)["rows"] == 1


def test_signs_that_separate_nothing_are_refused(tmp_path):
    with pytest.raises(ConfigError) as caught:
        brought(tmp_path, changed(separator="|", decimal=";"))
    assert "separator: got '|', expected ',' or ';' or '\\t'" in str(caught.value)
    assert "decimal: got ';', expected '.' or ','" in str(caught.value)
