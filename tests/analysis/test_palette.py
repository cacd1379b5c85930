"""Colours, markers and names tell rows apart."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path

from tradeoff.analysis import palette


@pytest.mark.parametrize(
    ("overrides", "name"),
    [
        (pd.NA, "mobilenet"),
        ("train.steps=10", "mobilenet"),
        ("extractor.width=0.5", "mobilenet ×0.5"),
        ("extractor.width=32", "mobilenet width=32"),
        ("extractor.pretrained=true extractor.weights=a.pt", "mobilenet"),
        ("extractor.width=wide", "mobilenet width=wide"),
    ],
)
def test_an_extractor_is_named_with_its_own_options(overrides, name):
    assert palette.extractor_name(pd.Series({"extractor": "mobilenet", "overrides": overrides})) == name


@pytest.mark.parametrize("count", [1, 7, 8, 15])
def test_every_name_has_a_colour_of_its_own_that_is_not_lost_on_white(count):
    colours = palette.colours(f"net{i}" for i in range(count)).values()
    assert len(set(colours)) == count
    assert all(0.2126 * r + 0.7152 * g + 0.0722 * b < 0.85 for r, g, b in map(to_rgb, colours))


def test_names_are_ordered_by_their_numbers():
    assert list(palette.markers(["depth=10", "depth=2", "a"])) == ["a", "depth=2", "depth=10"]


def test_sizes_of_objects_are_told_apart_in_grey():
    greys = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in map(to_rgb, palette.SMALL_MEDIUM_LARGE)]
    assert greys[0] - greys[1] > 0.25
    assert greys[1] - greys[2] > 0.25


def test_areas_grow_with_the_image():
    assert palette.areas([600, 300, 450, 300]) == {300: 60, 450: 105, 600: 150}
    assert palette.areas([300]) == {300: 60}


def test_a_size_that_is_unknown_does_not_stretch_the_scale():
    assert palette.areas([600, 300, 0]) == {0: 60, 300: 60, 600: 150}
    assert palette.areas([0]) == {0: 60}


def test_markers_of_many_rows_are_smaller():
    assert palette.areas([300] * 61)[300] < palette.areas([300] * 60)[300]


def test_so_many_meta_architectures_have_a_marker_of_their_own():
    """Outlines, not names: no two are nearly as large in every direction."""
    chosen = list(palette.markers(f"arch{i}" for i in range(len(palette.MARKERS))).values())
    assert len(chosen) >= 20  # as many as MMDetection's table has
    radii = np.array([silhouette(MarkerStyle(marker)) for marker in chosen])
    apart = np.abs(radii[:, None] - radii[None]).max(axis=2) + 9 * np.eye(len(chosen))
    assert apart.min() > 0.09  # of a marker that is one wide; octagon and circle are 0.04 apart


def silhouette(marker):
    """Return how far the outline is from its centre, in each of 72 directions."""
    (outline, *_) = marker.get_path().transformed(marker.get_transform()).to_polygons()
    filled = Path(outline)
    steps = np.linspace(0, 0.8, 161)
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    return [
        steps[filled.contains_points(np.outer(steps, [np.cos(a), np.sin(a)]), radius=1e-9)].max(initial=0)
        for a in angles
    ]
