"""`python -m tradeoff.report`: what it writes, and how it fails."""

import json
import subprocess
import sys

import pytest

from tests.analysis.synthetic import failed, made, skipped, small_study, written
from tradeoff import report
from tradeoff.analysis import figures
from tradeoff.analysis.page import build


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Leave out what takes seconds: the drawing library and the figures."""
    monkeypatch.setattr(build, "vega", lambda: "/* vega */")
    monkeypatch.setattr(build, "pictures", lambda frame, tell: [])


def run(capsys, *arguments):
    code = report.main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return code, json.loads(out.splitlines()[-1]) if out else None, err


def test_the_page_and_the_summary_are_written_beside_the_table(tmp_path, capsys):
    code, told, err = run(capsys, written(tmp_path, small_study()), "--markdown")
    assert (code, err) == (0, "")
    assert told["page"] == str(tmp_path / "results.html")
    assert told["markdown"] == str(tmp_path / "results.md")
    assert told["bytes"] == (tmp_path / "results.html").stat().st_size
    assert told["rows"] == 26
    assert told["fits"] == 24
    assert "Which object detector" in (tmp_path / "results.html").read_text()
    assert "made without the cache of the study" in (tmp_path / "results.html").read_text()
    assert "### Frontier" in (tmp_path / "results.md").read_text()


def test_a_budget_that_nothing_keeps_is_told_and_shown(tmp_path, capsys):
    table = written(tmp_path, small_study())
    code, told, err = run(capsys, table, "--max-latency-ms", "0.5", "--out", tmp_path / "page.html")
    assert code == 1
    assert (told["fits"], told["picked"]) == (0, None)
    assert "no model keeps the budget" in err
    assert '"budget":{"max_latency_ms":0.5}' in (tmp_path / "page.html").read_text()


def test_the_page_opens_with_the_group_in_which_something_fits(tmp_path, capsys):
    rows = [*small_study(), made("quick", device_name="a phone", latency_ms_p50=0.4)]
    rows += [made(f"bare{i}", device_name="no AP", ap=None, latency_ms_p50=0.1) for i in range(30)]
    code, told, err = run(capsys, written(tmp_path, rows), "--max-latency-ms", "0.5")
    assert (code, told["fits"], told["picked"], err) == (0, 1, "quick", "")
    assert "group" not in told
    page = (tmp_path / "results.html").read_text()
    assert '"start":{"group":1,' in page
    assert page.index('"title":"NVIDIA H200"') < page.index('"title":"a phone"') < page.index('"title":"no AP"')


def test_a_limit_on_what_was_never_measured_is_kept_and_fails(tmp_path, capsys):
    code, told, _ = run(capsys, written(tmp_path, [made("a"), made("b", size=600)]), "--max-energy-j", "1")
    assert (code, told["fits"]) == (1, 0)
    assert '"budget":{"max_energy_j":1.0}' in (tmp_path / "results.html").read_text()


def test_where_takes_rows_alone(tmp_path, capsys):
    table = written(tmp_path, [*small_study(), made("other", device_name="a CPU")])
    code, told, _ = run(capsys, table, "--where", "device_name=a CPU")
    assert (code, told["rows"], told["picked"]) == (0, 1, "other")
    code, _, err = run(capsys, table, "--where", "device_name=b")
    assert code == 2
    assert "no row has it; there are NVIDIA H200, a CPU" in err


def test_no_path_of_this_machine_is_in_what_is_shared(tmp_path, capsys):
    table = written(tmp_path, small_study())
    run(capsys, table, "--markdown", f"--results-dir={tmp_path}", "--out", tmp_path / "page.html")
    for name in ("page.html", "page.md"):
        text = (tmp_path / name).read_text()
        assert str(tmp_path) not in text
        assert f"tradeoff.report results.csv --markdown --results-dir={tmp_path.name} --out page.html" in text


def test_a_summary_of_an_earlier_report_is_written_anew_but_no_other_text(tmp_path, capsys):
    table = written(tmp_path, small_study())
    for _ in range(2):
        assert run(capsys, table, "--markdown")[0] == 0
    (tmp_path / "results.md").write_text("# my notes\n")
    code, _, err = run(capsys, table, "--markdown")
    assert code == 2
    assert "would write over" in err
    assert (tmp_path / "results.md").read_text() == "# my notes\n"


def test_figures_are_written_in_every_format(tmp_path, capsys, monkeypatch):
    scatter = figures.found()["scatter"]
    monkeypatch.setattr(figures, "found", lambda: {"scatter": scatter})
    code, told, err = run(capsys, written(tmp_path, small_study()), "--figures", tmp_path / "of" / "it")
    assert (code, err) == (0, "")
    assert told["figures"] == [str(tmp_path / "of" / "it" / f"scatter.{kind}") for kind in ("pdf", "png", "svg")]
    beginnings = [(tmp_path / "of" / "it" / f"scatter.{kind}").read_bytes()[:4] for kind in ("pdf", "png", "svg")]
    assert beginnings == [b"%PDF", b"\x89PNG", b"<?xm"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--figures", "results.csv"], "--figures results.csv: is no folder"),
        (["--x", "latency"], "column 'latency': no such column; did you mean 'latency_"),
        (["--y", "label"], "column 'label': holds no numbers"),
        (["--y", "gpu_ms_p50"], "column 'gpu_ms_p50': is empty in this table"),
        (["--x", "foo"], "the table has numbers in time_ms, size, "),
        (["--out", "x.md", "--markdown"], "--out x.md: is where --markdown writes too"),
        (["--max-latency-ms", "-3"], "--max-latency-ms -3: expected a number above 0"),
        (["--min-ap", "nan"], "--min-ap nan: expected a number of 0..1"),
        (["--out", "results.csv"], "is the table itself"),
        (["--out", "nowhere/page.html"], "there is no folder nowhere"),
    ],
)
def test_wrong_words_are_refused(tmp_path, monkeypatch, capsys, words, told):
    written(tmp_path, small_study())
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "results.csv", *words)
    assert (code, out) == (2, None)
    assert told in err
    assert not (tmp_path / "results.html").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no such table"),
        ("", "expected names of columns"),
        ("run_id,status\n", "has no rows"),
        ("run_id,status\na,ok", "has no end"),
    ],
)
def test_tables_that_cannot_be_read_are_refused(tmp_path, capsys, text, told):
    path = tmp_path / "results.csv"
    if text is not None:
        path.write_text(text)
    code, out, err = run(capsys, path)
    assert (code, out) == (2, None)
    assert told in err
    assert str(path) in err


def test_a_table_without_a_finished_row_is_refused_with_a_reason(tmp_path, capsys):
    code, _, err = run(capsys, written(tmp_path, [failed(), skipped(), made("old", status=None)]))
    assert code == 2
    assert "none of 3 rows is finished" in err
    assert "the process was ended by SIGKILL" in err


def test_help_and_report_need_no_torch(tmp_path):
    table = written(tmp_path, [made("a")])
    code = (
        f"import sys\nfrom tradeoff import report\nreport.main([{str(table)!r}])\nassert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    asked = [sys.executable, "-X", "importtime", "-m", "tradeoff.report", "--help"]
    told = subprocess.run(asked, check=True, capture_output=True, text=True)
    assert "--max-latency-ms" in told.stdout
    assert not any(name in told.stderr for name in ("torch", "pandas", "numpy", "matplotlib"))
