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
    published,
    small_study,
    unsure,
    written,
    zoo,
)
from tradeoff.analysis import figures, table
from tradeoff.analysis.axis import ticks
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


@pytest.fixture(params=STUDIES)
def frame(request, tmp_path):
    return framed(tmp_path, STUDIES[request.param]())


def test_what_a_run_draws_is_legible(frame):
    told: list[str] = []
    for drawing in figures.drawings(frame, figures.AFTER_A_RUN, tell=told.append):
        assert_legible(drawing.figure)
        assert_labels_keep_clear(drawing.figure)
    assert not any("scatter" in text for text in told)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The study's grid with intervals, and a zoo of others beside it."""
    folder = tmp_path_factory.mktemp("whole")
    ours = unsure(framed(folder / "ours", full_study()))
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
    assert rows == len(frame) == shown + failed + skipped + without


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


@pytest.mark.parametrize(
    ("other", "titles"),
    [
        ({"data": "shapes"}, ["coco (5000 images)", "shapes (5000 images)"]),
        ({"eval_images": 100}, ["coco (100 images)", "coco (5000 images)"]),
        ({"overrides": "data.root=x"}, ["coco (5000 images)", "coco data.root=x (5000 images)"]),
        ({"device_name": "a CPU"}, ["NVIDIA H200", "a CPU"]),
        ({"precision": "fp16"}, ["fp16", "fp32"]),
        ({"batch_size": 8}, ["batch 1", "batch 8"]),
        ({"batch_size": 8, "precision": "fp16"}, ["fp16, batch 8", "fp32, batch 1"]),
    ],
)
def test_rows_that_cannot_be_compared_never_share_an_axis(tmp_path, other, titles):
    figure = scatter(framed(tmp_path, [made("a"), made("b", **other)])).figure
    assert [axes.get_title(loc="left") for axes in figure.axes] == titles
    assert len(drawn(figure, "row-")) == len(drawn(figure, "frontier")) == 2


def test_axes_carry_units(tmp_path):
    figure = scatter(framed(tmp_path, [made("a"), made("b", batch_size=8)])).figure
    one, eight = figure.axes
    assert one.get_xlabel() == "Latency, median, ms per image, batch 1 (NVIDIA H200)"
    assert eight.get_xlabel() == "Latency, median, ms per batch of 8 images (NVIDIA H200)"
    assert one.get_ylabel() == "AP (COCO, IoU 0.50:0.95)"
    assert one.get_xscale() == "log"


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.8, 120, [1, 2, 5, 10, 20, 50, 100]),
        (9, 70, [10, 15, 20, 30, 50, 70]),
        (8, 18, [8, 10, 12, 14, 16, 18]),
        (0.002, 30, [0.01, 0.1, 1, 10]),
    ],
)
def test_ticks_are_round_numbers(low, high, expected):
    assert ticks(low, high) == expected


def test_by_size_draws_the_best_trusted_row_of_each_configuration(tmp_path):
    sizes = {"ap_small": 0.1, "ap_medium": 0.2, "ap_large": 0.3}
    rows = [
        made("a", label="10 prop.", ap=0.2, proposals=10, **sizes),
        made("b", label="300 prop.", ap=0.3, proposals=300, **sizes),
        made("c", label="doubtful", ap=0.4, proposals=100, trusted=False, **sizes),
        made("d", label="other size", ap=0.1, size=600, **(sizes | {"ap_small": None})),
        made("e", label="other width", ap=0.6, overrides="extractor.width=0.5", trusted=False, **sizes),
    ]
    figure = by_size(framed(tmp_path, rows)).figure
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["other size", "300 prop.", "other width"]
    assert len(axes.patches) == 8  # three for each, but one is missing
    assert [text.get_text().strip() for text in axes.texts] == ["n/a"]
    assert sum(to_hex(bar.get_facecolor()) == "#ffffff" for bar in axes.patches) == 3
    assert "not trusted (hatched): 1" in figure.texts[0].get_text().replace("\n", " ")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "small: area < 32² px",
        "medium: 32² to 96² px",
        "large: area > 96² px",
        "not trusted",
    ]


def test_by_size_grows_with_its_configurations(tmp_path):
    short = by_size(framed(tmp_path / "a", small_study()[:4])).figure.get_size_inches()[1]
    long = by_size(framed(tmp_path / "b", small_study())).figure.get_size_inches()[1]
    assert long - short == pytest.approx(20 * 0.46, abs=0.4)  # 0.46 in for each, and lines of the caption


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


def test_too_many_facets_are_refused_with_what_differs(tmp_path):
    frame = framed(tmp_path, [made(f"r{i}", device_name=f"GPU {i}") for i in range(9)])
    for name, plot in figures.found().items():
        if name in ("scatter", "time_per_model"):
            with pytest.raises(TableError, match=r"9 sets of rows cannot be compared, at most 8 .*: GPU 0; GPU 1;"):
                plot(frame, ())
            assert len(plot(frame, ("device_name",)).figure.axes) == 1


def test_published_numbers_are_grey_and_never_beat_measured_ones(tmp_path):
    ours = framed(tmp_path / "a", [made("a", ap=0.1, latency_ms_p50=90.0), made("b", ap=0.2, latency_ms_p50=99.0)])
    frame = pd.concat([ours, published(framed(tmp_path / "b", zoo()))], ignore_index=True)
    apart, together = scatter(frame), scatter(frame, COMPARABLE)
    assert [axes.get_title(loc="left").split(", ")[-1] for axes in apart.figure.axes] == [
        "measured here",
        "600 px; mean time",
    ]
    (line,) = drawn(together.figure, "frontier")
    assert line.get_xydata()[:3].tolist() == [[90, 0.1], [99, 0.1], [99, 0.2]]
    faces = {to_hex(row.get_markerfacecolor()) for row in drawn(together.figure, "row-")}
    assert faces == {"#d55e00", to_hex("0.84")}
    assert "Grey: 3 published numbers, from TF1 detection zoo." in together.caption
    assert "Latency, median or mean, ms per image" in together.figure.axes[0].get_xlabel()
    assert {"ssd_mobilenet_coco", "ssd_inception_v2_coco"} < {t.get_text() for t in drawn(together.figure, "label-")}


def test_intervals_bring_the_band_and_whiskers(tmp_path):
    frame = framed(tmp_path, small_study())
    plain, sure = scatter(frame), scatter(unsure(frame))
    assert not drawn(plain.figure, "band")
    assert not drawn(plain.figure, "whiskers")
    assert len(drawn(sure.figure, "band")) == 1
    assert len(drawn(sure.figure, "whiskers")) == 2
    assert "95 %" in sure.caption
    assert "95 %" not in plain.caption


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_a_caption_can_be_left_to_the_page(tmp_path, kind):
    drawing = scatter(framed(tmp_path, small_study()))
    whole, bare = figures.encoded(drawing, kind), figures.encoded(drawing, kind, caption=False)
    assert height(whole, kind) > height(bare, kind) + 0.25  # two lines of 0.16 in


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
