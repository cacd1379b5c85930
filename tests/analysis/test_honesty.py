"""What shares an axis can be compared, and what is not sure or not ours is seen to be so."""

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tests.analysis.legible import drawn
from tests.analysis.synthetic import framed, made, published, small_study, unsure, zoo
from tradeoff.analysis import figures
from tradeoff.analysis.comparable import COMPARABLE
from tradeoff.analysis.plots.scatter import scatter
from tradeoff.core.errors import TableError


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
