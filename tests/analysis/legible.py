"""What holds of every figure: nothing is cut off, no two words overlap, every axis says its unit."""

import re
from itertools import combinations

import numpy as np

#: what a number on an axis is: an AP and a probability are shares and say of what, all else has a unit
UNIT = re.compile(r"\bms per (image|batch|call), |\bMB\b|\(GMACs\)|, %$|, number$|\bIoU 0|\bpx\)|^Probability of ")


def boxes_of(artists):
    return np.array([artist.get_window_extent().extents for artist in artists]).reshape(-1, 4)


def drawn(figure, prefix):
    """Return the artists of the axes whose id begins so."""
    return [
        artist
        for axes in figure.axes
        for artist in [*axes.texts, *axes.lines, *axes.collections]
        if (artist.get_gid() or "").startswith(prefix)
    ]


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


def panels_of(figure):
    """Return the panels, twin axes with their panel as one."""
    places = {}
    for axes in figure.axes:
        places.setdefault(tuple(axes.get_position().bounds), []).append(axes)
    return list(places.values())


def is_number(label):
    return label.get_text().replace("−", "-").replace(".", "").lstrip("-").isdigit()


def union(group):
    boxes = np.array([axes.get_tightbbox().extents for axes in group])
    return np.array([*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)])


def assert_legible(figure):
    """Panels, legends, caption and the numbers on each axis keep apart; nothing is cut; no axis lacks a title."""
    assert_nothing_is_clipped(figure)
    assert_apart([*figure.legends, *figure.texts])
    panels = panels_of(figure)
    for one, other in combinations([*map(union, panels), *boxes_of([*figure.legends, *figure.texts])], 2):
        overlap = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
        assert overlap.min() < 0.5, (one, other)
    for axes in figure.axes:
        assert_apart([label for label in axes.get_xticklabels() if label.get_text()])
        assert_apart([label for label in axes.get_yticklabels() if label.get_text()])
        assert axes.get_ylabel() or not any(map(is_number, axes.get_yticklabels()))  # bars name their models
        for title in filter(None, (axes.get_xlabel(), axes.get_ylabel())):
            assert UNIT.search(title.replace("\n", " ")), title
    for group in panels:
        assert any(axes.get_xlabel() for axes in group)
