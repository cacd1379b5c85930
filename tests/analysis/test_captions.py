"""Captions and legends tell what is drawn, no more and no less."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tests.analysis.legible import assert_legible, drawn
from tests.analysis.synthetic import cell, framed, made, mini_study, published, unsure, zoo
from tradeoff.analysis import layout
from tradeoff.analysis.drawing import cited
from tradeoff.analysis.look import PALE
from tradeoff.analysis.plots.extractor_accuracy import extractor_accuracy
from tradeoff.analysis.plots.frontier_probability import frontier_probability
from tradeoff.analysis.plots.image_size import image_size
from tradeoff.analysis.plots.proposals import proposals
from tradeoff.analysis.plots.scatter import scatter
from tradeoff.analysis.plots.time_per_model import time_per_model


def count(caption):
    return int(re.search(r"drawn: (\d+);", caption)[1])


def bars(figure):
    return sum(len(axes.patches) for axes in figure.axes)


def texts(figure, heading):
    (legend,) = (one for one in figure.legends if one.get_title().get_text() == heading)
    return [text.get_text() for text in legend.get_texts()]


def times(number, **changes):
    return [made(f"r{i}", extractor=f"net{i}", latency_ms_p50=10.0 + i, **changes) for i in range(number)]


@pytest.mark.parametrize("many", [5, 70])
def test_of_many_bars_those_that_are_drawn_are_counted(tmp_path, many):
    frame = framed(tmp_path, times(many))
    alike = unsure(frame.assign(ap=0.2 + 1e-4 * frame["latency_ms_p50"]), ap=0.1, latency=0.5)
    for drawing in (time_per_model(frame), frontier_probability(alike)):
        assert count(drawing.caption) == bars(drawing.figure) > 0
        assert ("Left out for want of room" in drawing.caption or "room, the dearest: 10" in drawing.caption) == (
            many > 60
        )


def test_with_many_image_sizes_each_row_has_its_bar_and_its_size(tmp_path):
    sizes = (200, 300, 400, 500, 600, 700)
    frame = framed(tmp_path, [cell("ssd", "mobilenet", size) for size in sizes])
    drawing = time_per_model(frame)
    assert_legible(drawing.figure)
    assert bars(drawing.figure) == count(drawing.caption) == 6
    labels = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert sorted(labels) == [f"SSD MobileNet {size} px" for size in sizes]
    assert drawing.figure.legends == []
    few = time_per_model(frame[:4])
    assert bars(few.figure) == 4
    assert len(few.figure.axes[0].get_yticklabels()) == 1
    assert texts(few.figure, "Image size") == ["200 px", "300 px", "400 px", "500 px"]


def test_each_published_row_has_a_bar_though_its_table_says_no_more_of_it(tmp_path):
    rows = [made(f"r{i}", label=f"variant {i}", size=512, latency_ms_p50=10.0 + i) for i in range(3)]
    drawing = time_per_model(published(framed(tmp_path, rows)))
    assert bars(drawing.figure) == count(drawing.caption) == 3
    assert [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()][-1] == "variant 0 512 px"
    assert texts(drawing.figure, "Rows") == ["published"]  # no colour of a size that is not there


def test_a_legend_has_no_colour_where_every_row_is_grey(tmp_path):
    ours = framed(tmp_path / "a", [made("a", extractor="vgg16")])
    frame = pd.concat([ours, published(framed(tmp_path / "b", zoo()))], ignore_index=True)
    figure = scatter(frame).figure
    (legend,) = (one for one in figure.legends if one.get_title().get_text() == "Extractor")
    faces = [to_hex(handle.get_markerfacecolor()) for handle in legend.findobj(is_square)]
    grey = dict(zip(texts(figure, "Extractor"), (face == to_hex(PALE["face"]) for face in faces), strict=True))
    assert grey == {"inception_v2": True, "mobilenet": True, "resnet50": True, "vgg16": False}


def is_square(artist):
    return getattr(artist, "get_marker", lambda: None)() == "s"


def test_a_caption_says_who_chose_the_critical_points(tmp_path):
    rows = [made(f"r{i}", ap=ap, latency_ms_p50=10.0 * 2**i) for i, ap in enumerate((0.1, 0.5, 0.55, 0.6))]
    frame = framed(tmp_path, rows)
    assert "Labelled: the models on it. The sweet spot is the elbow." in scatter(frame).caption
    named = frame.assign(critical_point=["fastest", None, "sweet spot", None])
    caption = scatter(named).caption
    assert "Labelled: the models on it, and the critical points that the table names." in caption
    assert "elbow" not in caption
    other = frame.assign(device_name="other", critical_point=None, run_id=frame["run_id"] + "-other")
    caption = scatter(pd.concat([named, other], ignore_index=True)).caption
    assert "Where the table names none, the sweet spot is the elbow." in caption


def test_rows_of_unknown_size_have_neither_line_nor_correlation(tmp_path):
    nets = ("mobilenet", "inception_v2", "resnet50", "resnet101")
    rows = [made(f"r{i}", extractor=net, ap=0.1 + 0.1 * i) for i, net in enumerate(nets)]
    known, unknown = (
        extractor_accuracy(framed(tmp_path / "a", rows)),
        extractor_accuracy(framed(tmp_path / "b", [row | {"size": None} for row in rows])),
    )
    assert len(drawn(known.figure, "line-")) == 1
    assert "Kendall's τ within a size: 1.000" in known.caption
    assert drawn(unknown.figure, "line-") == []
    assert (
        "Of unknown size, with neither line nor τ: 4. Too few rows for Kendall's τ within a size." in unknown.caption
    )


def test_rank_correlations_are_within_an_image_size_and_averaged(tmp_path):
    nets = ("mobilenet", "inception_v2", "resnet50", "resnet101")
    small = [made(f"s{i}", extractor=net, size=300, ap=0.1 + 0.01 * i) for i, net in enumerate(nets)]
    swapped = [0.41, 0.40, 0.42, 0.43]  # one pair of six the other way: τ = (5 - 1) / 6
    large = [made(f"l{i}", extractor=net, size=600, ap=swapped[i]) for i, net in enumerate(nets)]
    caption = extractor_accuracy(framed(tmp_path / "a", small + large)).caption
    assert "Kendall's τ within a size: 0.833 (ssd, ap, mean of 2)." in caption
    worse = published(framed(tmp_path / "b", [*small, made("w", extractor="resnet50", ap=0.05)]))
    (line,) = drawn(extractor_accuracy(worse.assign(size=300)).figure, "line-")
    assert line.get_ydata().tolist() == pytest.approx([row["ap"] for row in small])


def test_steps_that_are_not_told_are_counted_and_published_ones_doubted(tmp_path):
    frame = framed(tmp_path, [made(f"r{size}", size=size, ap=size / 1e4) for size in range(200, 900, 100)])
    assert image_size(frame).caption.count("From size") == 4
    assert "Further steps: 2." in image_size(frame).caption
    assert "Further" not in image_size(frame[:5]).caption
    assert "as far as the table tells" in image_size(published(frame)).caption
    assert "as far as" not in image_size(frame).caption


def test_many_sources_are_counted(tmp_path):
    frame = published(framed(tmp_path, times(7)))
    frame = frame.assign(source=[f"source {i}" for i in range(7)])
    assert cited(frame) == [
        "Grey: 7 published numbers, from source 0; source 1; source 2; source 3 and 3 more sources."
    ]
    assert cited(frame[:4])[0].endswith("source 2; source 3.")


def test_time_and_accuracy_of_proposals_are_seen_apart(tmp_path):
    figure = proposals(framed(tmp_path, mini_study())).figure
    sizes = {
        label: {
            line.get_markersize()
            for axes in figure.axes
            if axes.get_ylabel().startswith(label)
            for line in axes.lines
            if (line.get_gid() or "").startswith("row-")
        }
        for label in ("AP", "Latency")
    }
    assert max(sizes["Latency"]) < 0.6 * min(sizes["AP"])
    for axes in figure.axes:
        heights = [
            axes.transAxes.inverted().transform(axes.transData.transform(line.get_xydata()))[:, 1]
            for line in axes.lines
            if (line.get_gid() or "").startswith("row-")
        ]
        low, high = np.min(heights), np.max(heights)
        assert low > 0.25 if axes.get_ylabel().startswith("AP") else high < 0.75


def test_a_long_title_ends_with_its_panel(tmp_path):
    rows = [
        made("a"),
        made("b", data="as many words about a set of data as there is no room for in a title of a panel"),
    ]
    assert_legible(scatter(framed(tmp_path, rows)).figure)


@pytest.mark.parametrize("word", ["WWWW MMMM", "illi tilt", "W" * 300])
def test_a_caption_fills_its_lines_and_stays_within_the_figure(word):
    figure = layout.new_figure()
    figure.set_size_inches(6.0, 4.0)
    lines = layout.wrapped(" ".join([word] * 60), 6.0)
    layout.add_caption(figure, lines[:-1])
    box = figure.texts[0].get_window_extent()
    assert 0.88 * figure.bbox.width < box.width
    assert box.x1 < figure.bbox.x1
