"""Colours, markers and names tell rows apart."""

import pandas as pd
import pytest
from matplotlib.colors import to_rgb

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
