"""Where the shapes of a made picture are and what they look like in outline."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tradeoff.data.outlines import SHAPES, Outline
from tradeoff.recipes.data import Pictures

HEIGHT_PX, WIDTH_PX = 480, 640
#: places tried for an object before it is left out
TRIES = 12


@dataclass(frozen=True, eq=False)
class Shape:
    """One object: its label, and its outline in px of the picture."""

    label: int
    outline: Outline


def lay_out(random: np.random.Generator, pictures: Pictures) -> list[Shape]:
    """Choose the objects of a picture, the largest first, which is the order to paint them in.

    Later, smaller ones may hide a part of earlier ones; a box is that of the whole outline all the same.
    """
    count = int(random.integers(1, pictures.objects + 1))
    sides = np.sort(side_lengths(random, pictures, count))[::-1]
    shapes: list[Shape] = []
    for side_px in sides:
        label = int(random.integers(len(SHAPES)))
        outline = turned(random, SHAPES[label][1](random), float(side_px))
        corner = free_place(random, outline.box(), boxes_of(shapes), pictures.overlap_iou)
        if corner is not None:
            shapes.append(Shape(label, outline.transformed(np.eye(2), corner)))
    return shapes


def side_lengths(random: np.random.Generator, pictures: Pictures, count: int) -> NDArray[np.float64]:
    """Draw the longer sides of boxes, log-uniform, px."""
    return np.exp(random.uniform(np.log(pictures.side_min_px), np.log(pictures.side_max_px), count))


def turned(random: np.random.Generator, outline: Outline, side_px: float) -> Outline:
    """Stretch and rotate an outline; its box then has a corner at 0, 0 and `side_px` as its longer side."""
    angle, stretch = random.uniform(0, 2 * np.pi), random.uniform(0.7, 1.0)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    outline = outline.transformed(rotation * [1.0, stretch])
    x1, y1, x2, y2 = outline.box()
    scale = side_px / max(x2 - x1, y2 - y1)
    return outline.transformed(np.eye(2) * scale, np.array([-x1, -y1]) * scale)


def free_place(
    random: np.random.Generator, box: NDArray[np.float64], taken: NDArray[np.float64], overlap_iou: float
) -> NDArray[np.float64] | None:
    """Find a corner (x, y) where a box overlaps the (P, 4) taken ones little enough; None when none was found."""
    room = np.array([WIDTH_PX, HEIGHT_PX]) - box[2:]
    corners = random.uniform(0, 1, (TRIES, 2)) * room
    overlaps = ious(np.concatenate([corners, corners + box[2:]], axis=1), taken)
    free = np.flatnonzero((overlaps <= overlap_iou).all(axis=1))
    return corners[free[0]] if len(free) else None


def ious(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (N, P) overlaps of (N, 4) and (P, 4) boxes, xyxy."""
    corners = np.minimum(boxes[:, None, 2:], others[None, :, 2:]) - np.maximum(
        boxes[:, None, :2], others[None, :, :2]
    )
    shared = corners.clip(0).prod(axis=2)
    areas, other_areas = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (boxes, others))
    return np.asarray(shared / (areas[:, None] + other_areas - shared))


def boxes_of(shapes: list[Shape]) -> NDArray[np.float64]:
    """Return the (M, 4) boxes of objects, xyxy px."""
    return np.array([shape.outline.box() for shape in shapes]).reshape(-1, 4)
