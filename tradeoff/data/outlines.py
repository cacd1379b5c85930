"""The outlines of the classes, in a circle of radius 1; each varies, and none has a colour."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outline:
    """A closed outline and perhaps a hole in it: (K, 2) and (L, 2) points x, y."""

    outer: Points
    hole: Points | None = None

    def transformed(self, matrix: Points, shift: Points | float = 0.0) -> "Outline":
        """Apply a (2, 2) linear map, then a (2,) shift."""
        hole = None if self.hole is None else self.hole @ matrix.T + shift
        return Outline(self.outer @ matrix.T + shift, hole)

    def box(self) -> Points:
        """Return the tight box, (4,) xyxy."""
        return np.concatenate([self.outer.min(axis=0), self.outer.max(axis=0)])


def polar(radii: Points) -> Points:
    """Return (K, 2) points at equal angles with the given radii."""
    angles = np.arange(len(radii)) * (2 * np.pi / len(radii))
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def circle(random: np.random.Generator) -> Outline:
    """A disc."""
    return Outline(polar(np.ones(64)))


def ring(random: np.random.Generator) -> Outline:
    """A disc with a round hole of 0.5 to 0.75 of its radius."""
    return Outline(polar(np.ones(64)), polar(np.full(48, random.uniform(0.5, 0.75))))


def square(random: np.random.Generator) -> Outline:
    """Four equal sides, along the axes."""
    return Outline(np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]) * np.sqrt(0.5))


def triangle(random: np.random.Generator) -> Outline:
    """Three equal sides."""
    return Outline(polar(np.ones(3)))


def star(random: np.random.Generator) -> Outline:
    """Five points, the inner corners at 0.38 to 0.5 of the radius."""
    return Outline(polar(np.tile([1.0, random.uniform(0.38, 0.5)], 5)))


def cross(random: np.random.Generator) -> Outline:
    """Two equal bars at a right angle, 0.25 to 0.45 as wide as long."""
    half = random.uniform(0.25, 0.45)
    arm = np.array([[half, -half], [1.0, -half], [1.0, half]])
    quarter_turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    arms = [arm @ np.linalg.matrix_power(quarter_turn, turns).T for turns in range(4)]
    return Outline(np.concatenate(arms))


#: name and outline of each class, in the order of the labels
SHAPES: tuple[tuple[str, Callable[[np.random.Generator], Outline]], ...] = (
    ("circle", circle),
    ("square", square),
    ("triangle", triangle),
    ("star", star),
    ("cross", cross),
    ("ring", ring),
)
