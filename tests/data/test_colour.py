"""Colour distortion against torchvision and colorsys; how often and how far, over many seeds."""

import colorsys

import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional as reference

from tradeoff.data.augment import Augmentation
from tradeoff.data.colour import brighten, distort, multiply_contrast, multiply_saturation, turn_hue
from tradeoff.data.dataset import Example


def noise(seed=0, size=(40, 50)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def theirs(function, image, factor):
    """Return what torchvision makes of an image, in floating point."""
    changed = function(torch.from_numpy(image).permute(2, 0, 1).float() / 255, factor)
    return 255 * changed.permute(1, 2, 0).numpy()


def difference(ours, wanted):
    return np.abs(ours.astype(float) - wanted)


@pytest.mark.parametrize("by", [-0.3, -0.01, 0.125, 1.0])
def test_brightness_adds_to_every_channel(by):
    image = noise()
    assert difference(brighten(image, by), np.clip(image + 255 * by, 0, 255)).max() <= 0.5


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.5])
def test_contrast_and_saturation_are_those_of_torchvision(factor):
    image = noise()
    assert difference(multiply_contrast(image, factor), theirs(reference.adjust_contrast, image, factor)).max() <= 2
    assert (
        difference(multiply_saturation(image, factor), theirs(reference.adjust_saturation, image, factor)).max() <= 2
    )


@pytest.mark.parametrize("by", [-0.1, 0.05, 0.5])
def test_hue_turns_as_in_colorsys(by):
    image = noise(size=(20, 20))
    wanted = np.empty(image.shape)
    for row, column in np.ndindex(20, 20):
        hue, saturation, value = colorsys.rgb_to_hsv(*(image[row, column] / 255))
        wanted[row, column] = np.multiply(255, colorsys.hsv_to_rgb((hue + by) % 1, saturation, value))
    # hue is cut to 1/256 of the circle, which is 6 levels; saturation to 1/256, which is 1; the turn: half a step
    assert difference(turn_hue(image, by), wanted).max() <= 10
    assert difference(turn_hue(image, by), wanted).mean() <= 1.5


def test_the_other_way_round_brings_the_colours_back():
    image = noise()
    assert difference(turn_hue(turn_hue(image, 0.25), -0.25), image).mean() < 2


@pytest.mark.parametrize("name", ["brightness", "contrast", "saturation", "hue"])
def test_each_changes_half_of_the_images_and_none_without_strength(name):
    strengths = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    image = noise(size=(8, 8))

    def changed(seed, **given):
        return not np.array_equal(distort(np.random.default_rng(seed), image, **strengths | given), image)

    assert not any(changed(seed) for seed in range(20))
    share = sum(changed(seed, **{name: 0.5}) for seed in range(600)) / 600
    assert 0.42 < share < 0.56  # half, less where the draw is too small to be seen; the deviation is 0.02


def test_brightness_stays_within_its_strength_and_comes_near():
    grey = np.full((2, 2, 3), 128, np.uint8)
    nothing = {"contrast": 0.0, "saturation": 0.0, "hue": 0.0}
    levels = [
        int(distort(np.random.default_rng(seed), grey, brightness=0.125, **nothing)[0, 0, 0]) for seed in range(500)
    ]
    assert 96 <= min(levels) < 98  # 128 ± 0.125 × 255, which is 31.875
    assert 158 < max(levels) <= 160


def test_contrast_comes_first_or_last():
    """Saturation and contrast do not commute where a channel is cut off at 0 or 255: both orders are met."""
    image = noise()
    seen = set()
    for seed in range(60):
        random = np.random.default_rng(seed)
        ours = distort(random, image, brightness=0.0, contrast=1.0, saturation=1.0, hue=0.0)
        again = np.random.default_rng(seed)
        amounts = again.uniform(-1, 1, 4) * (again.random(4) < 0.5)
        first = multiply_saturation(multiply_contrast(image, 1 + amounts[1]), 1 + amounts[2])
        last = multiply_contrast(multiply_saturation(image, 1 + amounts[2]), 1 + amounts[1])
        if not np.array_equal(first, last):
            seen |= {"first"} if np.array_equal(ours, first) else set()
            seen |= {"last"} if np.array_equal(ours, last) else set()
    assert seen == {"first", "last"}


def test_only_the_colours_of_an_example_change():
    before = Example(noise(), np.array([[1.0, 2, 3, 4]]), np.array([0]), np.array([False]), 3)
    augment = Augmentation(brightness=0.125, contrast=0.5, saturation=0.5, hue=0.1)
    changed = [augment(0, index, before) for index in range(20)]
    assert sum(not np.array_equal(each.image, before.image) for each in changed) > 12  # 15/16 of them
    assert all(each.boxes is before.boxes and each.image.shape == before.image.shape for each in changed)
    assert all(each.image.flags.writeable for each in changed)
