"""The command that picks a model: what it prints, its exit codes, how it fails."""

import json
import subprocess
import sys

import pytest

from tests.analysis.synthetic import failed, made, small_study, written
from tests.analysis.test_decision import ROWS
from tradeoff.pick import main


def ran(capsys, code, *words):
    """Run the command; return its lines, its JSON and what it says is wrong."""
    assert main(list(map(str, words))) == code
    out, wrong = capsys.readouterr()
    lines = out.splitlines()
    return lines[:-1], json.loads(lines[-1]) if lines else None, wrong


def test_the_answer_ranks_what_fits_and_says_what_binds(tmp_path, capsys):
    path = written(tmp_path, ROWS)
    lines, told, _ = ran(capsys, 0, path, "--max-latency-ms", 32, "--max-memory-mb", 1000)
    assert lines[0] == "data coco (5000 images); device NVIDIA H200; precision fp32; batch 1"
    assert lines[1] == "limits: time of a call at most 32 ms; peak memory at most 1000 MB"
    assert "2 of 6 models fit, the best first:" in lines
    assert [line.split()[:3] for line in lines if line.startswith((" 1", "1", "2"))][-2:] == [
        ["1", "model", "fast"],
        ["2", "model", "worse"],
    ]
    text = "\n".join(lines)
    assert "Binds: time of a call. 1 ms more (33 ms) buys model good: AP 0.300 (+0.100)." in text
    assert "Binds: peak memory. 200 MB more (1200 MB) buys model large: AP 0.330 (+0.130)." in text
    (group,) = told["groups"]
    assert (told["fits"], group["picked"]["run_id"], group["ranked"]) == (2, "fast", ["fast", "worse"])
    assert [step["needed"] for step in group["binds"]] == [33.0, 1200.0]


def test_nothing_fits_is_code_1_with_the_closest_miss(tmp_path, capsys):
    lines, told, _ = ran(capsys, 1, written(tmp_path, ROWS), "--max-latency-ms", 5)
    assert "The closest miss: model fast, AP 0.200: time of a call 10 ms, 5 ms too much." in lines
    assert told["groups"][0]["nearest"]["run_id"] == "fast"


def test_a_limit_on_what_was_never_measured_says_so(tmp_path, capsys):
    lines, told, _ = ran(capsys, 1, written(tmp_path, ROWS), "--max-energy-j", 1)
    text = " ".join(lines)
    assert "energy per image: not known of 6 of 6 models" in text
    assert "No model has a number for it, so none can keep --max-energy-j" in text
    assert told["groups"][0]["nearest"] is None


def test_where_chooses_and_several_sets_are_answered_apart(tmp_path, capsys):
    path = written(tmp_path, [*ROWS, made("edge", device_name="Raspberry Pi", latency_ms_p50=900.0)])
    lines, told, _ = ran(capsys, 0, path, "--max-latency-ms", 30)
    assert lines[0].startswith("2 sets of rows cannot be compared")
    assert [group["fits"] for group in told["groups"]] == [2, 0]
    _, told, _ = ran(capsys, 1, path, "--max-latency-ms", 30, "--where", "device_name=Raspberry Pi")
    assert len(told["groups"]) == 1


def test_an_untrusted_pick_is_called_so(tmp_path, capsys):
    path = written(tmp_path, [*ROWS, made("quick", latency_ms_p50=1.0, trusted=False, reasons="throttled")])
    lines, _, _ = ran(capsys, 0, path, "--max-latency-ms", 2)
    assert "No trusted model fits: the pick failed a rule of trust (throttled)." in lines


def test_sizes_weigh_the_ap_and_say_how(tmp_path, capsys):
    path = written(tmp_path, small_study())
    (tmp_path / "boxes.csv").write_text("width,height\n" + "20,20\n" * 3 + "50,50\n")
    lines, told, _ = ran(capsys, 0, path, "--sizes", tmp_path / "boxes.csv")
    assert "75% small, 25% medium, 0% large." in lines[0]
    assert told["sizes"] == {"small": 0.75, "medium": 0.25, "large": 0.0}
    picked = told["groups"][0]["picked"]
    assert picked["ap"] == pytest.approx(0.75 * picked["ap_small"] + 0.25 * picked["ap_medium"])
    assert any("AP of all" in line for line in lines)


def test_what_is_bought_can_be_given_as_the_limit(tmp_path, capsys):
    rows = [made("a", ap=0.2, latency_ms_p50=10.0), made("b", ap=0.3, latency_ms_p50=12.3441, size=600)]
    path = written(tmp_path, rows)
    lines, _, _ = ran(capsys, 0, path, "--max-latency-ms", 12)
    assert "Binds: time of a call. 0.35 ms more (12.35 ms) buys model b: AP 0.300 (+0.100)." in lines
    _, told, _ = ran(capsys, 0, path, "--max-latency-ms", 12.35)
    assert told["groups"][0]["picked"]["run_id"] == "b"
    lines, _, _ = ran(capsys, 1, path, "--min-ap", 0.30006)
    assert any("AP 0.3, 6e-05 too little" in line for line in lines)


def test_near_ties_are_no_less_trusted_than_the_pick(tmp_path, capsys):
    ends = {"ap_low": 0.28, "ap_high": 0.32}
    rows = [
        made("a", ap=0.30, latency_ms_p50=10.0, **ends),
        made("b", ap=0.299, latency_ms_p50=9.0, size=600, **ends),
    ]
    rows += [made("c", ap=0.30, latency_ms_p50=1.0, size=500, trusted=False, reasons="throttled", **ends)]
    lines, told, _ = ran(capsys, 0, written(tmp_path, rows))
    assert told["groups"][0]["alike"] == ["b"]
    assert any("1 more that fit" in line and "the fastest of them: model b" in line for line in lines)


@pytest.mark.parametrize(("column", "value"), [("ap", "45"), ("latency_ms_p50", "-3"), ("ap_small", "-0.1")])
def test_numbers_that_cannot_be_are_refused_with_their_line(tmp_path, capsys, column, value):
    path = tmp_path / "plain.csv"
    path.write_text(f"label,status,{column}\na,ok,0.5\nb,ok,{value}\n")
    _, _, wrong = ran(capsys, 2, path)
    assert f"plain.csv, line 3, column '{column}': got {value}" in wrong
    assert ("for 45 % write 0.45" in wrong) == (value == "45")


@pytest.mark.parametrize(
    ("rows", "words", "told"),
    [
        (None, [], ["no-such.csv: no such table", "tables there: results.csv"]),
        ([failed()], [], ["none of 1 rows is finished"]),
        (ROWS, ["--where", "devise_name=x"], ["no column 'devise_name'", "did you mean 'device_name'?"]),
        (ROWS, ["--where", "device_name=x"], ["no row has it; there are NVIDIA H200"]),
        (ROWS, ["--where", "size=big"], ["--where size=big: got 'big', expected a whole number"]),
        (ROWS, ["--where", "size"], ["expected COLUMN=VALUE"]),
        (ROWS, ["--max-latency-ms", -3], ["--max-latency-ms -3: expected a number above 0"]),
        (ROWS, ["--min-ap", 35], ["for 35 % give 0.35"]),
        (ROWS, ["--sizes", "gone.csv"], ["gone.csv: no such table"]),
        (ROWS, ["--sizes", "{folder}/boxes.csv"], ["finished and has ap_small and ap_medium;", "--sizes"]),
    ],
)
def test_what_is_wrong_is_said_with_code_2(tmp_path, rows, words, told, capsys):
    path = written(tmp_path, rows or ROWS)
    (tmp_path / "boxes").mkdir()
    (tmp_path / "boxes" / "boxes.csv").write_text("width,height\n20,20\n50,50\n")
    words = [str(word).format(folder=tmp_path / "boxes") for word in words]
    lines, _, wrong = ran(capsys, 2, path if rows else tmp_path / "no-such.csv", *words)
    assert lines == []
    assert all(part in wrong for part in told), wrong


def test_an_empty_table_is_refused(tmp_path, capsys):
    (tmp_path / "results.csv").write_text("")
    _, _, wrong = ran(capsys, 2, tmp_path / "results.csv")
    assert "results.csv, line 1" in wrong


def test_a_table_that_does_not_say_what_is_finished_is_refused_with_what_mends_it(tmp_path, capsys):
    (tmp_path / "plain.csv").write_text("label,ap\na,0.5\n")
    _, _, wrong = ran(capsys, 2, tmp_path / "plain.csv")
    assert "plain.csv: column 'status' is missing" in wrong
    assert "python -m tradeoff.table import" in wrong


def test_an_answer_waits_for_no_more_than_it_needs(tmp_path):
    path = written(tmp_path, small_study())
    code = (
        "import sys\nfrom tradeoff import pick\n"
        f"assert pick.main([{str(path)!r}, '--max-latency-ms', '30']) == 0\n"
        "assert not {'moocore', 'matplotlib', 'scipy', 'torch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_help_needs_neither_pandas_nor_torch():
    code = (
        "import sys\ntry:\n import tradeoff.pick; tradeoff.pick.main(['--help'])\n"
        "except SystemExit as end:\n assert end.code == 0\n"
        "assert not {'pandas', 'torch', 'numpy', 'rich'} & set(sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "--max-latency-ms" in told
    assert "Exit code" in told
