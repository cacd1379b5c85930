"""Figures of bars: which rows are drawn, how they are told apart, how much room each panel has."""

from itertools import pairwise

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from tests.analysis.synthetic import framed, made, published, small_study
from tradeoff.analysis.bars import shared
from tradeoff.analysis.plots.by_size import by_size


def test_by_size_draws_the_best_trusted_row_of_each_configuration(tmp_path):
    sizes = {"ap_small": 0.1, "ap_medium": 0.2, "ap_large": 0.3}
    rows = [
        made("a", label="10 prop.", ap=0.2, proposals=10, **sizes),
        made("b", label="300 prop.", ap=0.3, proposals=300, **sizes),
        made("c", label="doubtful", ap=0.4, proposals=100, trusted=False, **sizes),
        made("d", label="other size", ap=0.1, size=600, **(sizes | {"ap_small": None})),
        made("e", label="other width", ap=0.6, overrides="extractor.width=0.5", trusted=False, **sizes),
    ]
    drawing = by_size(framed(tmp_path, rows))
    assert "skipped: 0; spoken for by another row: 2; without AP by size: 0." in drawing.caption
    figure = drawing.figure
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


def test_sizes_of_published_rows_are_told_apart_by_three_greys(tmp_path):
    sizes = {"ap_small": 0.1, "ap_medium": 0.2, "ap_large": 0.3}
    rows = [made("a", **sizes), made("b", ap=0.25, **sizes)]  # nobody tells in what they differ
    figure = by_size(published(framed(tmp_path, rows))).figure
    patches = figure.legends[0].get_patches()
    assert [text.get_text().split(":")[0] for text in figure.legends[0].get_texts()] == ["small", "medium", "large"]
    assert all(text.get_text().endswith(", published") for text in figure.legends[0].get_texts())
    greys = [patch.get_facecolor()[0] for patch in patches]
    assert min(a - b for a, b in pairwise(greys)) > 0.15
    assert [bar.get_facecolor()[0] for bar in figure.axes[0].patches] == greys * 2
    both = pd.concat([framed(tmp_path / "ours", rows[:1]), published(framed(tmp_path, rows))], ignore_index=True)
    assert len(by_size(both).figure.legends[0].get_texts()) == 6


@pytest.mark.parametrize(
    ("needs", "rooms"), [([5, 70], [5, 55]), ([70, 70], [30, 30]), ([3, 4], [3, 4]), ([70, 2, 40], [29, 2, 29])]
)
def test_a_panel_that_needs_less_than_its_part_leaves_the_rest_to_the_others(needs, rooms):
    assert shared(needs, 60) == rooms


def test_by_size_grows_with_its_configurations(tmp_path):
    short = by_size(framed(tmp_path / "a", small_study()[:4])).figure.get_size_inches()[1]
    long = by_size(framed(tmp_path / "b", small_study())).figure.get_size_inches()[1]
    assert long - short == pytest.approx(20 * 0.46, abs=0.4)  # 0.46 in for each, and lines of the caption
