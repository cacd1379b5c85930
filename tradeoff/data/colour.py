"""Colour distortion: brightness, contrast, saturation and hue of an image, in 8 bits."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

Pixels = NDArray[np.uint8]


def distort(
    random: np.random.Generator, image: Pixels, *, brightness: float, contrast: float, saturation: float, hue: float
) -> Pixels:
    """Change each of the four in half of the images, by up to its strength, uniform to both sides.

    Contrast comes before saturation and hue or after them, as likely.

    Args:
        random: the same draws are made whatever the strengths.
        image: (H, W, 3) RGB.
        brightness: a fraction of white.
        contrast: relative.
        saturation: relative.
        hue: a fraction of the circle of hues.

    Source: Liu et al. 2016, section 2.2, after Howard 2013; the order is that of the authors' program, where the
    strengths are 0.125, 0.5, 0.5 and 0.1.
    """
    amounts = random.uniform(-1, 1, 4) * (random.random(4) < 0.5) * [brightness, contrast, saturation, hue]
    early = random.random() < 0.5
    lighter, contrasted, saturated, turned = amounts.tolist()
    image = brighten(image, lighter)
    image = multiply_contrast(image, 1 + contrasted) if early else image
    image = turn_hue(multiply_saturation(image, 1 + saturated), turned)
    return image if early else multiply_contrast(image, 1 + contrasted)


def brighten(image: Pixels, by: float) -> Pixels:
    """Add a fraction of white to every channel."""
    if not by:
        return image
    table = (np.arange(256) + 255 * by).round().clip(0, 255).astype(np.uint8)
    return table[image]


def multiply_contrast(image: Pixels, factor: float) -> Pixels:
    """Stretch the distance of every channel from the mean grey of the image."""
    return image if factor == 1 else np.array(ImageEnhance.Contrast(Image.fromarray(image)).enhance(factor))


def multiply_saturation(image: Pixels, factor: float) -> Pixels:
    """Stretch the distance of every pixel from its own grey."""
    return image if factor == 1 else np.array(ImageEnhance.Color(Image.fromarray(image)).enhance(factor))


def turn_hue(image: Pixels, by: float) -> Pixels:
    """Turn the hue of every pixel by a fraction of the circle, in steps of 1/256."""
    steps = round(256 * by)
    if not steps:
        return image
    hue, saturation, value = Image.fromarray(image).convert("HSV").split()
    turned = hue.point([(level + steps) % 256 for level in range(256)])
    return np.array(Image.merge("HSV", (turned, saturation, value)).convert("RGB"))
