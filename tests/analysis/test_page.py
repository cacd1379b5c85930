"""The page of a table: whole, without a network, and safe whatever the table says."""

import base64
import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.analysis.synthetic import cell, failed, framed, made, published, small_study, zoo
from tradeoff.analysis import palette, table
from tradeoff.analysis.comparable import groups
from tradeoff.analysis.page import build as builder
from tradeoff.analysis.page import content, curves, pictures, reproduce, shapes, words
from tradeoff.analysis.page.summary import summary
from tradeoff.analysis.page.tables import tables, unbeaten_table
from tradeoff.analysis.pick import pick
from tradeoff.core.tables import to_csv
from tradeoff.run import enumerate_cells

ROOT = Path(__file__).parents[2]
HOSTILE = '</script><img src=x onerror="alert(1)">'
NOTHING = {"curves": {}, "examples": {"sets": [], "found": {}}, "no_curves": "none", "no_examples": "none"}


class Seen(HTMLParser):
    """What a browser would see of a page: its elements, their attributes, the texts of scripts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.texts, self.inside = [], {}, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = dict(attrs).get("id") if tag == "script" else None

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.texts[self.inside] = self.texts.get(self.inside, "") + data

    @property
    def scripts(self):
        return [attrs for tag, attrs in self.tags if tag == "script"]

    @property
    def data(self):
        return json.loads(self.texts["data"])


@pytest.fixture
def quick(monkeypatch):
    """Leave out what takes seconds: the drawing library and the figures."""
    monkeypatch.setattr(builder, "vega", lambda: "/* vega */")
    monkeypatch.setattr(builder, "pictures", lambda frame, tell: [])


def page_of(frame, name="results.csv", behind=NOTHING, **start):
    opened = {"x": None, "y": None, "budget": {}, "group": 0} | start
    return builder.build(frame, name=name, command="python -m tradeoff.report", start=opened, behind=behind)


def test_published_numbers_are_called_so_whoever_stands_beside(tmp_path):
    theirs = published(framed(tmp_path / "b", zoo()))
    told = " ".join(words.caveats(theirs))
    assert "3 finished rows of published numbers, not measured here" in told
    assert "Source: TF1 detection zoo." in told
    assert "Time is end to end" not in told
    assert "Not measured in any row: memory, energy, multiply-adds. No model can keep a budget on it." in told
    assert {look["colour"] for look in content.looks(theirs)} == {content.PUBLISHED}
    ours = framed(tmp_path / "a", small_study())
    assert "published" not in " ".join(words.caveats(ours))
    assert content.PUBLISHED not in {look["colour"] for look in content.looks(ours)}


def test_what_nothing_beats_in_all_costs_together_is_listed(tmp_path):
    costs = {"a": (10.0, 900.0, 1.0, 0.2), "b": (20.0, 500.0, 2.0, 0.2), "c": (20.0, 900.0, 0.5, 0.2)}
    costs |= {"d": (20.0, 900.0, 2.0, 0.2), "e": (90.0, 990.0, 9.0, 0.3), "f": (1.0, 1.0, None, 0.9)}
    rows = [
        made(name, latency_ms_p50=ms, peak_memory_mb=mb, energy_j=j, ap=ap, size=300 + place)
        for place, (name, (ms, mb, j, ap)) in enumerate(costs.items())
    ]
    # d is beaten by a, b and c in each cost or equal
    unbeaten = unbeaten_table(framed(tmp_path / "known", rows[:-1]))
    assert [row[0] for row in unbeaten.rows] == ["model a", "model b", "model c", "model e"]
    assert {row[1] for row in unbeaten.rows} == {"AP, time, memory, energy"}
    # f, whose energy is not known, beats them all in what is known of it
    unbeaten = unbeaten_table(framed(tmp_path / "all", rows))
    told = "AP, time, memory (left out, for some lack it: energy)"
    assert [row[:2] for row in unbeaten.rows] == [["model f", told]]
    # a row that does not contend takes nothing away
    doubtful = [made("x", ap=0.9, trusted=False), made("y", latency_ms_p50=None, ap=0.9)]
    assert len(unbeaten_table(framed(tmp_path / "some", [*rows[:-1], *doubtful])).rows) == 4
    bare = framed(tmp_path / "bare", [made("a"), made("b", size=600)])
    assert unbeaten_table(bare).rows == []


def test_nothing_of_a_page_comes_from_elsewhere(tmp_path, quick):
    seen = Seen(page_of(framed(tmp_path, small_study())))
    places = [value for _, attrs in seen.tags for key, value in attrs.items() if key in ("src", "href", "action")]
    assert [place for place in places if not place.startswith(("#", "data:"))] == []
    (policy,) = (attrs["content"] for _, attrs in seen.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "http" not in policy


def test_the_drawing_library_is_whole_and_cannot_end_its_element():
    script = builder.vega()
    assert len(script) > 500_000
    assert "window.vegaEmbed" in script
    assert not re.search(r"</script|<!--", script, re.IGNORECASE)


def test_words_of_a_table_are_never_read_as_html(tmp_path, quick):
    rows = [
        made("a", label=HOSTILE, overrides=f"data.root={HOSTILE}", extractor=HOSTILE, train_stopped_by=HOSTILE),
        made("b", label="<!--", ap=0.1, trusted=False, reasons=HOSTILE, device_name=HOSTILE),
        {**failed(), "reason": HOSTILE},
    ]
    frame = framed(tmp_path, rows).assign(note=HOSTILE, source=pd.NA)
    ours = Seen(page_of(framed(tmp_path / "other", small_study())))
    seen = Seen(page_of(frame, name=f"{HOSTILE}.csv"))
    assert {tag for tag, _ in seen.tags} == {tag for tag, _ in ours.tags}
    assert seen.scripts == ours.scripts
    assert not any(key.startswith("on") for _, attrs in seen.tags for key in attrs)
    label = [column["name"] for column in seen.data["columns"]].index("label")
    assert {HOSTILE, "<!--"} <= {row[label] for row in seen.data["rows"]}


def test_the_lines_for_download_are_those_of_the_projects_tables(tmp_path):
    rows = [made("a", label="=cmd|' /C calc'!A0"), made("b", label='-x, "y"', reasons="@sum"), failed()]
    frame = framed(tmp_path, rows)
    text = "".join(f"{line}\n" for line in content.content(frame)["csv"])
    assert text == (tmp_path / "results.csv").read_text()
    assert text == to_csv(content.plain(frame))
    assert {line["label"][0] for line in csv.DictReader(io.StringIO(text))} == {"'", "R"}


def test_rows_hold_every_value_and_stand_in_the_order_of_pick(tmp_path):
    frame = framed(tmp_path, [*small_study(), made("other", device_name="a CPU")])
    data = content.content(frame)
    names = [column["name"] for column in data["columns"]]
    told = pd.DataFrame(data["rows"], columns=names)
    assert set(frame.columns) - set(names) == {name for name in frame if frame[name].isna().all()}
    for name in set(names) - {"time_ms"}:
        assert [None if pd.isna(value) else value for value in frame[name]] == [
            None if pd.isna(value) else value for value in told[name]
        ]
    finished = frame[frame["status"] == "ok"]
    by_size = sorted((group for _, group in groups(finished)), key=len, reverse=True)
    assert [[told["run_id"][number] for number in group["ranked"]] for group in data["groups"]] == [
        pick(group)["run_id"].tolist() for group in by_size
    ]
    assert [len(group) for group in by_size] == [24, 1]


def test_a_table_with_a_mean_alone_is_timed_by_it(tmp_path):
    frame = framed(tmp_path, [made("a", latency_ms_p50=None, latency_ms_mean=12.0, train="none")])
    data = content.content(frame)
    place = [column["name"] for column in data["columns"]].index("time_ms")
    assert [row[place] for row in data["rows"]] == [12.0]
    assert any("mean is taken instead" in caveat for caveat in words.caveats(frame))


def test_a_command_makes_its_row_again():
    shipped = table.read(ROOT / "results" / "measured" / "quickstart_cpu.csv")
    for row in content.plain(shipped)[::5]:
        ((asked, _),) = enumerate_cells(reproduce.words(row))
        told = asked.words()
        assert sorted(told.pop("overrides").split()) == sorted(row["overrides"].split())
        assert told == {name: row[name] for name in told}


def test_an_override_may_hold_blanks():
    row = {"meta_arch": "ssd", "extractor": "tiny", "overrides": "data.root=/my own/set train.steps=3", "size": 96}
    assert reproduce.overrides(row) == ["data.root=/my own/set", "train.steps=3"]
    assert reproduce.command(row) == (
        "python -m tradeoff.run meta_arch=ssd extractor=tiny size=96 'data.root=/my own/set' train.steps=3"
    )
    assert reproduce.command(row | {"source": "a paper"}) is None


def test_curves_are_means_over_the_classes_that_have_objects(tmp_path):
    recall, iou = np.linspace(0, 1, 101), np.linspace(0.5, 0.95, 10)
    precision = np.zeros((10, 101, 3))
    precision[0, :, 0], precision[0, :51, 1], precision[..., 2] = 0.8, 0.4, np.nan
    arrays = {
        "iou": iou, "recall": recall, "curve_precision": precision, "category": np.array(["cat", "dog", "none"]),
        "ap_by_class": np.array([0.08, 0.02, np.nan]), "objects_by_class": np.array([4, 2, 0]),
        "ap_by_iou": np.array([0.5, *[0.0] * 9]), "ap_by_size": np.array([np.nan, 0.25]),
        "size_area_px2": np.array([[0, 1024], [1024, 1e10]]),
    }  # fmt: skip
    np.savez_compressed(tmp_path / "curves.npz", **arrays)
    found = curves.read(tmp_path / "curves.npz")
    at_half = found["precision"]["0.50"]
    assert len(found["recall"]) == len(at_half) == 51
    assert at_half[0] == at_half[25] == 600  # (0.8 + 0.4) / 2 up to a recall of 0.5
    assert at_half[26] == 400  # 0.8 / 2 beyond
    assert found["precision"]["mean of 0.50 to 0.95"][0] == 60  # only one of the ten thresholds is reached
    assert found["classes"] == [("cat", 80, 4), ("dog", 20, 2), ("none", None, 0)]
    assert found["sizes"] == [[0, 32, None], [32, None, 250]]


def test_each_marker_has_an_outline_of_its_own(tmp_path):
    outlines = [shapes.outline(marker) for marker in palette.MARKERS]
    assert len(set(outlines)) == len(palette.MARKERS) == 21
    assert all(max(abs(float(number)) for number in re.findall(r"-?[\d.]+", text)) < 1.5 for text in outlines)
    assert shapes.outline("^") == "M0,-1L-1,1L1,1L0,-1Z"  # its point is above: y grows downwards
    rows = [made(f"r{i}", meta_arch=f"arch{i:02}", size=100 + i) for i in range(21)]
    assert [look["shape"] for look in content.looks(framed(tmp_path, rows))] == outlines


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not whole", None])
def test_curves_that_cannot_be_read_are_none(tmp_path, damage):
    if damage is not None:
        (tmp_path / "curves.npz").write_bytes(damage)
    assert curves.read(tmp_path / "curves.npz") is None


def test_the_summary_has_frontier_critical_points_and_caveats(tmp_path):
    rows = [cell("ssd", name, size) for name in ("mobilenet", "resnet50", "resnet101") for size in (300, 600)]
    frame = framed(tmp_path, [*rows, {**failed(), "reason": "out of memory | *here*"}])
    text = summary(frame, name="results.csv", command="python -m tradeoff.report results.csv --markdown")
    assert "### Frontier of AP against time" in text
    assert "| fastest | SSD MobileNet 300 px |" in text
    assert "out of memory \\| \\*here\\*" in text
    assert "7 rows: 6 finished, 1 failed, 0 skipped." in text
    widths = {line.count("|") - line.count("\\|") for line in text.splitlines() if line.startswith("| ")}
    assert len(widths) == 2  # of the two tables
    rows_of = {made_.title: len(made_.rows) for made_ in tables(frame)}
    assert rows_of["Critical points"] in (2, 3)


def test_near_ties_are_listed(tmp_path):
    frame = framed(tmp_path, [made("a", ap=0.30), made("b", ap=0.295), made("c", ap=0.1, latency_ms_p50=5.0)])
    frame = frame.assign(ap_low=[0.28, 0.275, 0.09], ap_high=[0.32, 0.315, 0.11])
    (ties,) = (made_ for made_ in tables(frame) if made_.title == "Near ties")
    assert {row[0] for row in ties.rows} == {"model a", "model b"}
    assert all(row[-1].endswith(" %") for row in ties.rows)


def test_caveats_count_what_is_not_to_be_trusted(tmp_path):
    told = words.caveats(framed(tmp_path, small_study()))
    assert told[0] == "26 rows: 24 finished, 1 failed, 1 skipped."
    assert any(line.startswith("2 finished rows failed a rule of trust") and "throttled (2)" in line for line in told)
    assert any("5000 validation images" in line for line in told)
    assert any("one seed" in line for line in told)


@pytest.mark.parametrize("copies", [1, 5])  # few rows, and so many that processes draw them
def test_every_figure_that_a_table_can_give_is_shown_or_explained(tmp_path, monkeypatch, copies):
    names = ("flops_time", "stride")
    monkeypatch.setattr(pictures, "found", lambda: names)
    rows = [
        {**row, "run_id": f"{row['run_id']}-{seed}", "seed": seed} for seed in range(copies) for row in small_study()
    ]
    told = []
    shown = pictures.pictures(framed(tmp_path, rows), told.append)
    assert [picture["name"] for picture in shown] == ["flops_time"]
    assert len(told) == 1
    assert "stride" in told[0]
    kind, _, data = shown[0]["uri"].partition(";base64,")
    image = base64.b64decode(data)
    if kind == "data:image/svg+xml":
        width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', image.decode()).groups())
    else:
        width, height = Image.open(io.BytesIO(image)).size
    assert width / height == pytest.approx(shown[0]["width"] / shown[0]["height"], rel=0.01)
    assert (kind == "data:image/svg+xml") == (copies == 1)
    assert shown[0]["caption"].startswith("On data coco")
