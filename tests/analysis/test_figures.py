"""Figures are complete, legible, and the same every time."""

import re
import subprocess
import sys

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tests.analysis.legible import assert_apart, assert_legible, boxes_of, drawn
from tests.analysis.synthetic import (
    big_study,
    cell,
    framed,
    full_study,
    made,
    mini_study,
    published,
    small_study,
    unsure,
    written,
    zoo,
)
from tradeoff.analysis import figures, table
from tradeoff.analysis.comparable import COMPARABLE
from tradeoff.analysis.labels import overlaps
from tradeoff.analysis.plots.by_size import by_size
from tradeoff.analysis.plots.scatter import scatter
from tradeoff.core.errors import TableError


def two_devices():
    cells = [row | {"run_id": row["run_id"] + "-cpu", "device_name": "a CPU"} for row in small_study()]
    return [*small_study(), *(row | {"latency_ms_p50": 2000.0} for row in cells if row["status"] == "ok")]


def extremes():
    """Names and numbers as unlucky as they can be."""
    return [
        made(
            f"e{i}",
            label=f"$x_{i}$ & <tag> {'long ' * (i % 6)}{i} px",
            ap=0.2 + i * 1e-4,
            latency_ms_p50=50 + i / 5,
            ap_medium=0.3,
            overrides=f"extractor.depth={i} train.steps=3",
            meta_arch=f"arch{i}",
            size=96 + i,
        )
        for i in range(14)
    ]


def unknown():
    """A row of a table that says little."""
    names = ("data", "device_name", "batch_size", "size", "meta_arch", "extractor", "label", "trusted", "precision")
    return [made("a", **dict.fromkeys(names), ap_small=0.1)]


def perfect():
    return [made("a", ap=1.0, ap_small=1.0, ap_medium=1.0, ap_large=1.0), made("b", ap=0.9, ap_large=0.0)]


STUDIES = {
    "small": small_study,
    "big": big_study,
    "devices": two_devices,
    "extremes": extremes,
    "one": lambda: [cell("ssd", "mobilenet", 300)],
    "equals": lambda: [made("a"), made("b"), made("c", ap=0.0), made("d", ap=0.0)],
    "untrusted": lambda: [row | {"trusted": False} for row in small_study() if row["status"] == "ok"],
    "perfect": perfect,
    "unknown": unknown,
}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.slow if name == "big" else ()) for name in STUDIES])
def frame(request, tmp_path):
    return framed(tmp_path, STUDIES[request.param]())


def test_what_a_run_draws_is_legible(frame):
    told: list[str] = []
    for drawing in figures.drawings(frame, figures.AFTER_A_RUN, tell=told.append):
        assert_legible(drawing.figure)
        assert_labels_keep_clear(drawing.figure)
    assert not any("scatter" in text for text in told)


@pytest.fixture(scope="module", params=[mini_study, pytest.param(full_study, marks=pytest.mark.slow)])
def whole(tmp_path_factory, request):
    """The study's grid with intervals, and a zoo of others beside it."""
    folder = tmp_path_factory.mktemp("whole")
    ours = unsure(framed(folder / "ours", request.param()))
    return pd.concat([ours, published(framed(folder / "zoo", zoo()))], ignore_index=True)


@pytest.mark.parametrize(
    ("name", "together"),
    [*((name, ()) for name in figures.ORDER), ("by_size", COMPARABLE), ("time_per_model", COMPARABLE)],
)
def test_every_figure_of_a_whole_study_is_legible(whole, name, together):
    told: list[str] = []
    (drawing,) = figures.drawings(whole, [name], together, told.append)
    assert told == []
    assert drawing.name == name
    assert_legible(drawing.figure)
    assert_labels_keep_clear(drawing.figure)
    (caption,) = (text.get_text() for text in drawing.figure.texts)
    assert " ".join(caption.split()) == drawing.caption
    assert "failed: 1; skipped: 1;" in drawing.caption
    assert_counts_add_up(whole, drawing.caption)
    assert ("Drawn together as asked" in drawing.caption) == bool(together)


@pytest.mark.slow
@pytest.mark.parametrize("name", figures.ORDER)
def test_every_figure_of_every_study_is_legible(frame, name):
    for drawing in figures.drawings(unsure(frame), [name], tell=lambda text: None):
        assert_legible(drawing.figure)
        assert_labels_keep_clear(drawing.figure)


def assert_counts_add_up(frame, caption):
    rows, shown, failed, skipped, without = (
        int(re.search(rf"{word}[^.;]*: (\d+)", caption)[1])
        for word in ("Rows", "drawn", "failed", "skipped", "without")
    )
    like = re.search(r"spoken for by another row: (\d+);", caption)
    assert rows == len(frame) == shown + failed + skipped + without + int(like[1] if like else 0)


def assert_labels_keep_clear(figure):
    labels = drawn(figure, "label-")
    assert_apart(labels)
    assert not overlaps(boxes_of(labels), boxes_of(drawn(figure, "row-"))).any()
    for axes in figure.axes:
        for text in (text for text in axes.texts if (text.get_gid() or "").startswith("label-")):
            assert axes.get_window_extent().fully_containsx(text.get_window_extent().x0)
            assert axes.get_window_extent().fully_containsx(text.get_window_extent().x1)
            assert axes.get_window_extent().fully_containsy(text.get_window_extent().y1)


def test_scatter_draws_every_finished_row_and_labels_the_frontier(tmp_path):
    figure = scatter(framed(tmp_path, small_study())).figure
    assert len(drawn(figure, "row-")) == 24
    labels = {text.get_text() for text in drawn(figure, "label-")}
    assert len(labels) == 10
    assert {"SSD MobileNet width=0.5 300 px: fastest", "SSD ResNet-101 width=0.5 300 px: sweet spot"} < labels
    caption = figure.texts[0].get_text().replace("\n", " ")
    assert "data coco (5000 images); device NVIDIA H200; precision fp32; batch 1." in caption
    assert "Rows: 26; drawn: 24; of these not trusted (hollow): 2; failed: 1; skipped: 1;" in caption


def test_scatter_tells_rows_apart_by_marker_colour_size_and_filling(tmp_path):
    rows = [
        cell("ssd", "mobilenet", 300),
        cell("ssd", "mobilenet", 600, width=0.5),
        cell("rfcn", "mobilenet", 300, proposals=100) | {"trusted": False},
    ]
    figure = scatter(framed(tmp_path, rows)).figure
    looks = {float(line.get_ydata()[0]): line for line in drawn(figure, "row-")}
    plain, wide, doubtful = (looks[float(format(row["ap"], ".6g"))] for row in rows)
    assert plain.get_marker() == wide.get_marker() != doubtful.get_marker()
    assert plain.get_markersize() == doubtful.get_markersize() < wide.get_markersize()
    assert plain.get_markerfacecolor() == doubtful.get_markeredgecolor() != wide.get_markerfacecolor()
    assert to_hex(doubtful.get_markerfacecolor()) == "#ffffff"
    told = {legend.get_title().get_text(): [t.get_text() for t in legend.get_texts()] for legend in figure.legends}
    assert told == {
        "Meta-architecture": ["rfcn", "ssd"],
        "Extractor": ["mobilenet", "mobilenet ×0.5"],
        "Image size": ["300 px", "600 px"],
        "Lines and rows": ["frontier", "not trusted"],
    }


def test_scatter_goes_in_steps_along_trusted_models_only(tmp_path):
    rows = [
        made("a", ap=0.1, latency_ms_p50=10.0),
        made("b", ap=0.3, latency_ms_p50=40.0),
        made("c", ap=0.2, latency_ms_p50=50.0),
        made("d", ap=0.4, latency_ms_p50=5.0, trusted=False),
    ]
    figure = scatter(framed(tmp_path, rows)).figure
    (line,) = drawn(figure, "frontier")
    edge = figure.axes[0].get_xlim()[1]
    assert line.get_xydata().tolist() == [[10, 0.1], [40, 0.1], [40, 0.3], [edge, 0.3], [edge, 0.3]]


def test_axes_carry_units(tmp_path):
    figure = scatter(framed(tmp_path, [made("a"), made("b", batch_size=8)])).figure
    one, eight = figure.axes
    assert one.get_xlabel() == "Latency, median, ms per image, batch 1 (NVIDIA H200)"
    assert eight.get_xlabel() == "Latency, median, ms per batch of 8 images (NVIDIA H200)"
    assert one.get_ylabel() == "AP (COCO, IoU 0.50:0.95)"
    assert one.get_xscale() == "log"


def test_files_are_written_and_equal_in_every_process(tmp_path):
    path = written(tmp_path, small_study())
    paths = figures.draw(table.read(path), tmp_path / "here")
    names = sorted(figures.AFTER_A_RUN)
    assert [p.name for p in paths] == [f"{name}.{kind}" for name in names for kind in ("png", "svg")]
    code = """
import sys
from pathlib import Path
from tradeoff.analysis import figures, table
figures.draw(table.read(Path(sys.argv[1])), Path(sys.argv[2]))
print(sorted({"torch", "matplotlib.pyplot"} & set(sys.modules)))
"""
    there = subprocess.run(
        [sys.executable, "-c", code, path, tmp_path / "there"], capture_output=True, check=True, text=True
    )
    assert there.stdout.strip() == "[]"
    for path in paths:
        assert path.read_bytes() == (tmp_path / "there" / path.name).read_bytes(), path.name
    assert b"<dc:date>" not in (tmp_path / "here" / "scatter.svg").read_bytes()


@pytest.mark.parametrize("change", [{"ap": None}, {"status": "failed"}, {"latency_ms_p50": None, "ap_small": None}])
def test_a_table_that_says_too_little_is_told_and_is_no_error(tmp_path, change):
    frame = framed(tmp_path, [made("a", **change), made("b", **change)])
    told: list[str] = []
    paths = figures.draw(frame, tmp_path / "figures", told.append, names=None)
    assert {text.split(":")[0].removeprefix("no figure ") for text in told} | {p.stem for p in paths} == set(
        figures.ORDER
    )
    assert any(text.startswith("no figure by_size: none of 2 rows is finished") for text in told)
    assert any(
        text.startswith("no figure scatter: none of 2 rows is finished and has time_ms and ap") for text in told
    )
    with pytest.raises(TableError, match="none of 2 rows"):
        scatter(frame)


def test_every_plot_is_found_by_itself_in_the_order_of_the_study():
    assert tuple(figures.found()) == figures.ORDER


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_caption_can_be_left_to_the_page(tmp_path, kind):
    drawing = by_size(framed(tmp_path, small_study()[:3]))
    whole, bare = figures.encoded(drawing, kind), figures.encoded(drawing, kind, caption=False)
    assert height(whole, kind) > height(bare, kind) + 0.25  # two lines of 0.16 in and a margin


def height(data, kind):
    """Return the height of a file, inches."""
    if kind == "png":
        return int.from_bytes(data[20:24]) / 150
    if kind == "svg":
        return float(re.search(rb'height="([\d.]+)pt"', data)[1]) / 72
    return float(re.search(rb"/MediaBox \[ ?0 0 [\d.]+ ([\d.]+)", data)[1]) / 72


def test_letters_tell_extractors_apart_without_colour(tmp_path):
    frame = framed(tmp_path, [made("a"), made("b", extractor="resnet50", ap=0.3), made("c", ap=0.25)])
    lines = [line for line in scatter(frame).figure.axes[0].lines if line.get_linestyle() == "None"]
    outlines = {}
    for base, letter in zip(lines[::2], lines[1::2], strict=True):
        outlines[float(base.get_ydata()[0])] = letter.get_marker().vertices.tobytes()
    assert outlines[0.2] == outlines[0.25] != outlines[0.3]
