"""Made pictures: objects of any colour and texture on a cluttered ground."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw

from tradeoff.data.layout import HEIGHT_PX, WIDTH_PX, Shape
from tradeoff.data.outlines import Outline, polar
from tradeoff.recipes.data import Pictures

#: distance of object and ground in RGB, of 255, that is never exceeded by much
CONTRAST_MAX = 160.0
GRAIN_TILE_PX = 160


def paint(random: np.random.Generator, pictures: Pictures, shapes: list[Shape]) -> NDArray[np.uint8]:
    """Paint a picture, (480, 640, 3) uint8 RGB: ground, clutter, objects in their order, a few lines, grain."""
    image = ground(random)
    clutter = int(random.integers(pictures.clutter + 1))
    draw = ImageDraw.Draw(image)
    for _ in range(clutter):
        DISTRACTORS[random.integers(len(DISTRACTORS))](random, draw)
    for shape in shapes:
        paint_object(random, image, shape.outline, pictures.contrast_min)
    for _ in range(clutter // 4):
        draw_line(random, draw, width_max_px=2)
    return grained(random, np.array(image))


def ground(random: np.random.Generator) -> Image.Image:
    """Return a ground of soft fields of colour, coarse and fine."""
    spread = int(random.integers(30, 256))
    coarse = noise(random, int(random.integers(2, 7)), random.integers(0, 256 - spread, 3), spread)
    fine = noise(random, int(random.integers(8, 40)), np.zeros(3), int(random.integers(1, 60)))
    quarter = (WIDTH_PX // 4, HEIGHT_PX // 4)
    coarse, fine = (field.resize(quarter, Image.Resampling.BICUBIC) for field in (coarse, fine))
    return ImageChops.add(coarse, fine).resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.BILINEAR)


def noise(random: np.random.Generator, cells: int, low: NDArray[Any], spread: int) -> Image.Image:
    """Return a small image of independent random colours, each channel within `spread` above its `low`."""
    return Image.fromarray((low + random.integers(0, spread, (cells, cells, 3))).astype(np.uint8))


def grained(random: np.random.Generator, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Add grain of a random strength, in place."""
    strength = int(random.integers(1, 16))
    tile = random.integers(0, 2 * strength + 1, (GRAIN_TILE_PX, GRAIN_TILE_PX, 3), dtype=np.uint8)
    np.clip(picture, strength, 255 - strength, out=picture)  # so that the sum below, modulo 256, stays in range
    tiles = picture.reshape(HEIGHT_PX // GRAIN_TILE_PX, GRAIN_TILE_PX, WIDTH_PX // GRAIN_TILE_PX, GRAIN_TILE_PX, 3)
    tiles += (tile - np.uint8(strength))[None, :, None]
    return picture


def paint_object(random: np.random.Generator, image: Image.Image, outline: Outline, contrast_min: float) -> None:
    """Paint an object over what is there, in a colour that differs from it."""
    x1, y1, x2, y2 = outline.box()
    left, top = int(x1), int(y1)
    size = (int(np.ceil(x2)) - left, int(np.ceil(y2)) - top)
    below = image.getpixel((int((x1 + x2) / 2), int((y1 + y2) / 2)))
    fill = texture(random, contrasting(random, np.array(below, np.float64), contrast_min), size)
    image.paste(fill, (left, top), mask(outline, (left, top), size))


def mask(outline: Outline, corner: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """Return where an outline is filled, as an image of (width, height) px whose corner is at `corner`.

    ImageDraw fills every pixel that a polygon touches, half a pixel too much on each side: the outline is drawn 1 px
    smaller, so that what is filled agrees with the outline's box to half a pixel.
    """
    image = Image.new("L", size)
    draw = ImageDraw.Draw(image)
    box = outline.box().reshape(2, 2)
    centre, sides = box.mean(axis=0), box[1] - box[0]
    for points, fill in ((outline.outer, 255), (outline.hole, 0)):
        if points is not None:
            smaller = centre + (points - centre) * (sides - 1) / sides
            draw.polygon((smaller - corner).ravel().tolist(), fill=fill)
    return image


def contrasting(random: np.random.Generator, below: NDArray[np.float64], contrast_min: float) -> NDArray[np.float64]:
    """Return a colour at a log-uniform distance from another; channels that would leave 0..255 turn round."""
    distance = np.exp(random.uniform(np.log(max(contrast_min, 1.0)), np.log(CONTRAST_MAX)))
    direction = random.normal(size=3)
    step = direction * (distance / np.linalg.norm(direction))
    outside = (below + step < 0) | (below + step > 255)
    return np.asarray(below + np.where(outside, -step, step)).clip(0, 255)


def texture(random: np.random.Generator, colour: NDArray[np.float64], size: tuple[int, int]) -> Image.Image:
    """Return a fill of (width, height) px around a colour: plain, shaded, striped or checked."""
    rows, columns = random.choice([1, 1, 2, 3, 6], 2)
    strength = random.uniform(0, 30)
    cells = colour + random.uniform(-strength, strength, (rows, columns, 3))
    how = Image.Resampling.BILINEAR if random.random() < 0.5 else Image.Resampling.NEAREST
    return Image.fromarray(cells.clip(0, 255).astype(np.uint8)).resize(size, how)


def colour_of(random: np.random.Generator) -> tuple[int, int, int]:
    """Return any colour."""
    red, green, blue = random.integers(0, 256, 3).tolist()
    return red, green, blue


def somewhere(random: np.random.Generator, points: int = 1) -> NDArray[np.float64]:
    """Return (points, 2) places x, y in the picture."""
    return random.uniform(0, 1, (points, 2)) * [WIDTH_PX, HEIGHT_PX]


def draw_line(random: np.random.Generator, draw: ImageDraw.ImageDraw, width_max_px: int = 6) -> None:
    """Draw a straight line from anywhere to anywhere."""
    ends = somewhere(random, 2).ravel().tolist()
    draw.line(ends, fill=colour_of(random), width=int(random.integers(1, width_max_px + 1)))


def draw_scribble(random: np.random.Generator, draw: ImageDraw.ImageDraw) -> None:
    """Draw a broken line that wanders."""
    steps = random.normal(0, random.uniform(8, 50), (int(random.integers(3, 9)), 2))
    points = (somewhere(random) + steps.cumsum(axis=0)).ravel().tolist()
    draw.line(points, fill=colour_of(random), width=int(random.integers(1, 7)))


def draw_blob(random: np.random.Generator, draw: ImageDraw.ImageDraw) -> None:
    """Fill a ragged outline with a notch, which no class has."""
    radii = random.uniform(0.3, 1.0, int(random.integers(7, 12)))
    radii[:2] = 0.2
    corners = polar(radii) * random.uniform(12, 70)
    draw.polygon((somewhere(random) + corners).ravel().tolist(), fill=colour_of(random))


def draw_half_disc(random: np.random.Generator, draw: ImageDraw.ImageDraw) -> None:
    """Fill a part of a disc, cut by a straight line."""
    start = random.uniform(0, 360)
    draw.chord(disc(random), start, start + random.uniform(110, 200), fill=colour_of(random))


def draw_open_ring(random: np.random.Generator, draw: ImageDraw.ImageDraw) -> None:
    """Draw a ring with a gap."""
    box, start = disc(random), random.uniform(0, 360)
    width = max(2, int((box[2] - box[0]) * random.uniform(0.1, 0.2)))
    draw.arc(box, start, start + random.uniform(150, 280), fill=colour_of(random), width=width)


def disc(random: np.random.Generator) -> list[float]:
    """Return the box of a disc of 10 to 60 px radius, xyxy px."""
    centre, radius = somewhere(random)[0], random.uniform(10, 60)
    return [*(centre - radius).tolist(), *(centre + radius).tolist()]


DISTRACTORS = (draw_line, draw_scribble, draw_blob, draw_half_disc, draw_open_ring)
