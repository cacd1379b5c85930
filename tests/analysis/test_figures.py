"""Figures are complete, legible, and the same every time."""

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from tradeoff.analysis.panel import ticks

from tests.analysis.synthetic import big_study, cell, framed, made, small_study, written
from tradeoff.analysis import figures, table
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


def boxes_of(artists):
    return np.array([artist.get_window_extent().extents for artist in artists]).reshape(-1, 4)


def drawn(figure, prefix):
    """Return the artists of the axes whose id begins so."""
    return [a for axes in figure.axes for a in [*axes.texts, *axes.lines] if (a.get_gid() or "").startswith(prefix)]


def assert_nothing_is_clipped(figure):
    full = figure.bbox
    for artist in [*figure.axes, *figure.legends, *figure.texts]:
        box = artist.get_tightbbox()
        assert full.x0 <= box.x0, artist
        assert full.y0 <= box.y0, artist
        assert box.x1 <= full.x1, artist
        assert box.y1 <= full.y1, artist


def assert_apart(artists):
    """No two of the artists overlap."""
    for a, b in combinations(artists, 2):
        assert not a.get_tightbbox().shrunk(0.999, 0.999).overlaps(b.get_tightbbox().shrunk(0.999, 0.999)), (a, b)


def test_scatter_clips_and_overlaps_nothing(frame):
    figure = scatter(frame)
    assert_nothing_is_clipped(figure)
    assert_apart([*figure.axes, *figure.legends, *figure.texts])
    labels = drawn(figure, "label-")
    assert_apart(labels)
    assert not overlaps(boxes_of(labels), boxes_of(drawn(figure, "row-"))).any()
    for axes in figure.axes:
        assert_apart([label for label in axes.get_xticklabels() if label.get_text()])
        for text in axes.texts:
            assert axes.get_window_extent().fully_containsx(text.get_window_extent().x0)
            assert axes.get_window_extent().fully_containsx(text.get_window_extent().x1)
            assert axes.get_window_extent().fully_containsy(text.get_window_extent().y1)


def test_by_size_clips_and_overlaps_nothing(frame):
    rows = frame.dropna(subset=["ap_small", "ap_medium", "ap_large"], how="all")
    if rows.empty:
        with pytest.raises(TableError):
            by_size(frame)
        return
    figure = by_size(frame)
    assert_nothing_is_clipped(figure)
    assert_apart([*figure.axes, *figure.legends, *figure.texts])
    for axes in figure.axes:
        assert_apart(axes.get_yticklabels())
        assert_apart([label for label in axes.get_xticklabels() if label.get_text()])


def test_scatter_draws_every_finished_row_and_labels_the_frontier(tmp_path):
    figure = scatter(framed(tmp_path, small_study()))
    assert len(drawn(figure, "row-")) == 24
    labels = {text.get_text() for text in drawn(figure, "label-")}
    assert len(labels) == 10
    assert "SSD ResNet-101 300 px" in labels
    caption = figure.texts[0].get_text().replace("\n", " ")
    assert "data coco (5000 images); device NVIDIA H200; precision fp32; batch 1." in caption
    assert "Rows: 26; drawn: 24; of these not trusted (hollow): 2; failed: 1; skipped: 1;" in caption


def test_scatter_tells_rows_apart_by_marker_colour_size_and_filling(tmp_path):
    rows = [
        cell("ssd", "mobilenet", 300),
        cell("ssd", "mobilenet", 600, width=0.5),
        cell("rfcn", "mobilenet", 300, proposals=100) | {"trusted": False},
    ]
    figure = scatter(framed(tmp_path, rows))
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
    figure = scatter(framed(tmp_path, rows))
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
    figure = scatter(framed(tmp_path, [made("a"), made("b", **other)]))
    assert [axes.get_title(loc="left") for axes in figure.axes] == titles
    assert len(drawn(figure, "row-")) == len(drawn(figure, "frontier")) == 2


def test_axes_carry_units(tmp_path):
    figure = scatter(framed(tmp_path, [made("a"), made("b", batch_size=8)]))
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
    figure = by_size(framed(tmp_path, rows))
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["other size", "300 prop.", "other width"]
    assert len(axes.patches) == 8  # three for each, but one is missing
    assert [text.get_text().strip() for text in axes.texts] == ["n/a"]
    assert sum(to_hex(bar.get_facecolor()) == "#ffffff" for bar in axes.patches) == 3
    assert "not trusted (hatched): 1" in figure.texts[0].get_text()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "small: area < 32² px",
        "medium: 32² to 96² px",
        "large: area > 96² px",
        "not trusted",
    ]


def test_by_size_grows_with_its_configurations(tmp_path):
    short = by_size(framed(tmp_path / "a", small_study()[:4])).get_size_inches()[1]
    long = by_size(framed(tmp_path / "b", small_study())).get_size_inches()[1]
    assert long - short == pytest.approx(20 * 0.46, abs=0.4)  # 0.46 in for each, and lines of the caption


def test_files_are_written_and_equal_in_every_process(tmp_path):
    path = written(tmp_path, small_study())
    paths = figures.draw(table.read(path), tmp_path / "here")
    assert [p.name for p in paths] == ["by_size.png", "by_size.svg", "scatter.png", "scatter.svg"]
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
    assert figures.draw(frame, tmp_path / "figures", told.append) == []
    by_size, other = told
    assert by_size.startswith("no figure by_size")
    assert other.startswith(
        "no figure scatter: scatter: none of 2 rows is finished and has both ap and latency_ms_p50"
    )
    with pytest.raises(TableError, match="none of 2 rows"):
        scatter(frame)


def test_every_plot_is_found_by_itself():
    assert set(figures.found()) == {"by_size", "scatter"}
