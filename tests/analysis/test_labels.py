"""Labels cover neither each other, nor markers, nor the axes' edge."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tradeoff.analysis.labels import beads, crossings, overlaps, place
from tradeoff.analysis.layout import new_figure


def overlap(a, b):
    return min(a.x1, b.x1) > max(a.x0, b.x0) and min(a.y1, b.y1) > max(a.y0, b.y0)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(5, 95), st.integers(5, 95)), min_size=1, max_size=25))
def test_labels_of_any_points_keep_clear(points):
    figure = new_figure()
    figure.set_size_inches(6, 4)
    axes = figure.add_subplot(xlim=(0, 100), ylim=(0, 100))
    anchors = axes.transData.transform(np.array(points, float))
    markers = np.hstack([anchors - 8, anchors + 8])
    missing = place(axes, anchors, [f"model {i} 300 px" for i in range(len(points))], markers, np.zeros((0, 4)))
    placed = [text.get_window_extent() for text in axes.texts]
    assert len(placed) + missing == len(points)
    assert not any(overlap(a, b) for i, a in enumerate(placed) for b in placed[:i])
    assert not overlaps(np.array([box.extents for box in placed]).reshape(-1, 4), markers).any()
    edge = axes.get_window_extent()
    assert all(edge.x0 < box.x0 and box.x1 < edge.x1 and edge.y0 < box.y0 and box.y1 < edge.y1 for box in placed)


def test_a_label_without_room_is_left_out_and_counted():
    figure = new_figure()
    figure.set_size_inches(2, 2)
    axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 1))
    anchor = axes.transData.transform([[0.5, 0.5]])
    none = np.zeros((0, 4))
    assert place(axes, anchor, ["a name that is far too long for so small a figure " * 2], none, none) == 1
    assert place(axes, anchor, ["short"], np.array([[0.0, 0.0, 1e4, 1e4]]), none) == 1
    assert len(axes.texts) == 0
    assert place(axes, anchor, ["short"], none, none) == 0


def test_a_single_label_stands_beside_its_point():
    figure = new_figure()
    figure.set_size_inches(4, 4)
    axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 1))
    anchor = axes.transData.transform([[0.5, 0.5]])
    place(axes, anchor, ["SSD"], np.hstack([anchor - 8, anchor + 8]), np.zeros((0, 4)))
    box = axes.texts[0].get_window_extent()
    gap = np.maximum(0, np.maximum(box.p0 - anchor[0], anchor[0] - box.p1))
    assert np.linalg.norm(gap) < 25  # px at 150 dpi: 8 of the marker, 5 of the gap, at most a step of the grid


def test_segments_cross_boxes_as_drawn_by_hand():
    boxes = np.array([[4.0, 4.0, 6.0, 6.0]])
    ends = np.array([[10.0, 10.0], [10.0, 0.0], [3.0, 3.0], [0.0, 10.0], [5.0, 5.0], [10.0, 7.5]])
    # from the origin: through; below; ends before; upright beside; ends within; at x = 6 it is at 4.5, so through
    assert crossings(np.zeros(2), ends, boxes)[:, 0].tolist() == [True, False, False, False, True, True]


def test_a_string_of_beads_covers_its_segment():
    string = beads(np.array([10.0, 0.0]), np.array([0.0, 6.0]), count=5)
    assert string.shape == (5, 4)
    assert string[0].tolist() == [8.0, 0.0, 10.0, 1.2]  # a fifth of the way: x from 10 to 8, y from 0 to 1.2
    assert (string[:, :2] <= string[:, 2:]).all()
