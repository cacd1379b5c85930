"""Labels beside points: each at the nearest free place, so that none covers a label, a marker or the axes' edge.

A label is tried at every place of a fine grid. Where it would cover something it may not be; among the other places
the cheapest wins: near its point, its leader crossing no marker and no label, off the lines.
Legend: K places, B boxes; boxes are xyxy px of the figure, y upwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tradeoff.analysis.palette import literal

Array = NDArray[np.float64]

FONT_PT = 7.0
GRID_PT = 3.0
GAP_PT = 2.5  # between a label and whatever it must not touch
CROSSING_PT = 90.0  # a leader across a marker or label is worth so long a detour
COVERING_PT = 45.0  # a label on a line likewise
TOUCHING_PT = 2.0  # a leader across a line likewise
MOST_PLACES = 1500  # the nearest ones are weighed


@dataclass
class Scene:
    """What is drawn already: `solid` (B, 4) may not be covered, `faint` (B, 4) better not."""

    solid: Array
    faint: Array


def place(axes: Axes, anchors: Array, texts: Sequence[str], markers: Array, lines: Array) -> int:
    """Write labels with leaders to their points; return how many found no place and were left out.

    Args:
        axes: at their final place and limits.
        anchors: (L, 2) points to label, px.
        texts: L labels.
        markers: (M, 4) boxes of all markers, px.
        lines: (S, 4) upright and level segments as boxes without width, px.
    """
    scale = axes.figure.dpi / 72
    scene, missing = Scene(solid=markers, faint=lines), 0
    for number, (anchor, text) in enumerate(sorted(zip(anchors.tolist(), texts, strict=True))):
        point = np.array(anchor)
        written = axes.text(
            0, 0, literal(text), fontsize=FONT_PT, ha="left", va="bottom", zorder=6, gid=f"label-{number}"
        )
        extent = written.get_window_extent()
        places = free(candidates(axes, extent.width, extent.height, scale), point, scene, scale)
        if not len(places):
            written.remove()
            missing += 1
            continue
        box = places[np.argmin(cost(places, point, scene, scale))]
        written.set_transform(axes.transAxes)
        written.set_position(tuple(axes.transAxes.inverted().transform(box[:2])))
        leader = draw_leader(axes, point, nearest(box[None], point)[0])
        scene = Scene(np.vstack([scene.solid, box]), np.vstack([scene.faint, beads(*leader)]))
    return missing


def candidates(axes: Axes, width: float, height: float, scale: float) -> Array:
    """Return the boxes (K, 4) of a label at every place of the grid inside the axes."""
    inside = axes.get_window_extent().padded(-2 * GAP_PT * scale)
    x, y = np.meshgrid(
        np.arange(inside.x0, inside.x1 - width, GRID_PT * scale),
        np.arange(inside.y0, inside.y1 - height, GRID_PT * scale),
    )
    corner = np.stack([x.ravel(), y.ravel()], axis=1)
    return np.hstack([corner, corner + np.array([width, height])])


def free(places: Array, point: Array, scene: Scene, scale: float) -> Array:
    """Return the nearest of the places (K, 4) where a label covers nothing solid."""
    gap = GAP_PT * scale * np.array([-1, -1, 1, 1])
    ordered = places[np.argsort(np.linalg.norm(nearest(places, point) - point, axis=1), kind="stable")]
    found: list[Array] = []
    for start in range(0, len(ordered), MOST_PLACES):  # mostly the first few are enough
        chunk = ordered[start : start + MOST_PLACES]
        found.append(chunk[~overlaps(chunk + gap, scene.solid).any(axis=1)])
        if sum(map(len, found)) >= MOST_PLACES:
            break
    return np.vstack([np.zeros((0, 4)), *found])[:MOST_PLACES]


def cost(places: Array, point: Array, scene: Scene, scale: float) -> Array:
    """Return what each place (K, 4) of a point's label costs (K,), px."""
    gap = GAP_PT * scale * np.array([-1, -1, 1, 1])
    ends = nearest(places, point)
    others = scene.solid[~contains(scene.solid, point)]
    crossed = crossings(point, ends, others).sum(axis=1)
    touched = crossings(point, ends, scene.faint).sum(axis=1)
    covered = overlaps(places + gap, scene.faint).sum(axis=1)
    detours_pt = CROSSING_PT * crossed + TOUCHING_PT * touched + COVERING_PT * covered
    return np.asarray(np.linalg.norm(ends - point, axis=1) + scale * detours_pt)


def nearest(boxes: Array, point: Array) -> Array:
    """Return the point (K, 2) of each box that is nearest to a point."""
    return np.clip(point, boxes[:, :2], boxes[:, 2:])


def contains(boxes: Array, point: Array) -> NDArray[np.bool_]:
    """Tell which boxes (B, 4) hold a point, (B,)."""
    return np.all((boxes[:, :2] <= point) & (point <= boxes[:, 2:]), axis=1)


def overlaps(places: Array, boxes: Array) -> NDArray[np.bool_]:
    """Tell which boxes (B, 4) each place (K, 4) overlaps, (K, B)."""
    (x0, y0, x1, y1), (left, bottom, right, top) = places.T[:, :, None], boxes.T[:, None, :]
    return np.asarray((x0 <= right) & (left <= x1) & (y0 <= top) & (bottom <= y1))


def crossings(start: Array, ends: Array, boxes: Array) -> NDArray[np.bool_]:
    """Tell which boxes (B, 4) the segment from a point to each end (K, 2) crosses, (K, B).

    Source: Kay and Kajiya 1986, the slab method.
    """
    step = ends - start
    step = np.where(np.abs(step) < 1e-9, 1e-9, step)[:, None, :]
    low, high = (boxes[None, :, :2] - start) / step, (boxes[None, :, 2:] - start) / step
    enter = np.minimum(low, high).max(axis=2)
    leave = np.maximum(low, high).min(axis=2)
    return (enter <= leave) & (leave >= 0) & (enter <= 1)


def beads(start: Array, end: Array, count: int = 12) -> Array:
    """Return a slanting segment as a string of boxes (count, 4)."""
    knots = np.linspace(start, end, count + 1)
    return np.hstack([np.minimum(knots[:-1], knots[1:]), np.maximum(knots[:-1], knots[1:])])


def draw_leader(axes: Axes, start: Array, end: Array) -> tuple[Array, Array]:
    """Draw a thin line from a point to its label; return its ends."""
    (x0, y0), (x1, y1) = axes.transAxes.inverted().transform([start, end])
    axes.plot(
        [x0, x1],
        [y0, y1],
        transform=axes.transAxes,
        color="0.55",
        linewidth=0.6,
        zorder=2,
        scalex=False,
        scaley=False,
    )
    return start, end
