"""Windows of the TF Object Detection API, and what becomes of crowds."""

from dataclasses import replace

import numpy as np
import pytest

from tests.data.pictures import picture
from tradeoff.data import crops
from tradeoff.data.augment import Augmentation
from tradeoff.data.dataset import Example
from tradeoff.data.windows import areas


def drawn(size_hw, times=200):
    return [crops.trials_api(np.random.default_rng(seed), size_hw) for seed in range(times)]


def heights_by_hand(ratio, height, width):
    """Return the heights, px, whose window is in the image with 0.1 to 1 of its area: by trying each of them."""
    area = height * width
    return [h for h in range(1, height + 1) if round(h * ratio) <= width and h * round(h * ratio) / area >= 0.1]


@pytest.mark.parametrize("size_hw", [(90, 120), (100, 1000), (1000, 100), (7, 5)])
def test_windows_of_the_api_lie_in_the_image_and_keep_the_limits(size_hw):
    height, width = size_hw
    windows = np.concatenate(drawn(size_hw))
    sides = windows[:, 2:] - windows[:, :2]
    assert (windows >= 0).all()
    assert (windows[:, 2:] <= [width, height]).all()
    assert (sides.prod(axis=1) >= 0.1 * height * width).all()
    assert (sides[:, 0] >= np.floor(sides[:, 1] / 2)).all()
    assert (sides[:, 0] <= np.ceil(sides[:, 1] * 2)).all()


def test_windows_of_the_api_have_uniform_ratios_and_for_each_ratio_uniform_heights():
    """In 600 × 600 px all ratios fit, so that their mean is 1.25; it is 1.08 where they are log-uniform."""
    windows = np.concatenate(drawn((600, 600)))
    sides = windows[:, 2:] - windows[:, :2]
    ratios = sides[:, 0] / sides[:, 1]
    assert len(windows) == 200 * 100
    assert np.mean(ratios) == pytest.approx(1.25, abs=0.01)
    for ratio in (0.6, 1.0, 1.6):
        heights = sides[abs(ratios - ratio) < 0.05, 1]
        possible = heights_by_hand(ratio, 600, 600)
        assert np.mean(heights) == pytest.approx(np.mean(possible), rel=0.03)  # areas uniform: 8 to 11 % more
        assert np.std(heights) == pytest.approx(np.std(possible), rel=0.06)


@pytest.mark.parametrize("size_hw", [(100, 1000), (1000, 100)])
def test_long_images_get_a_window_from_every_ratio_that_their_area_allows(size_hw):
    """Wide: any ratio above 1, two thirds of the trials. High: below 1, a third."""
    share = np.mean([len(windows) for windows in drawn(size_hw)]) / 100
    assert share == pytest.approx(2 / 3 if size_hw == (100, 1000) else 1 / 3, abs=0.02)


def test_a_tight_choice_is_met_within_a_hundred_trials(monkeypatch):
    """The only object fills the image. With half the trials, fewer images would be cropped."""
    monkeypatch.setattr(crops, "COVERED_CHOICES", (0.93,))
    monkeypatch.setattr(crops, "WHOLE_API", 0.0)
    before = replace(picture(0), boxes=np.array([[0.0, 0, 120, 90]]), labels=np.array([0]), crowd=np.array([False]))
    good = np.mean([(areas(windows) >= 0.93 * 90 * 120).sum() / 100 for windows in drawn(before.size, 1000)])
    cropped = np.mean([crops.ssd_api(np.random.default_rng(seed), before) is not before for seed in range(600)])
    assert cropped == pytest.approx(1 - (1 - good) ** 100, abs=0.05)
    assert 1 - (1 - good) ** 50 < cropped - 0.08


AUGMENTATIONS = {
    "ssd": Augmentation(random_crop="ssd"),
    "ssd_api": Augmentation(random_crop="ssd_api"),
    "crop_ratio": Augmentation(crop_ratio=0.5),
}


def crowded(objects):
    """Return an image whose every pixel tells its place, with objects and with a crowd over its left half."""
    image = np.stack([*np.mgrid[:90, :120], np.zeros((90, 120))], axis=2).astype(np.uint8)
    boxes = np.array([*objects, [0.0, 0, 60, 90]])
    crowd = np.array([False] * len(objects) + [True])
    return Example(image=image, boxes=boxes, labels=np.arange(len(boxes)), crowd=crowd, image_id=0)


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_a_crowd_stays_wherever_a_part_of_it_is_seen(kind):
    """Its pixels, those left of 60 px, are covered by its box to the last column."""
    seen, cut = 0, 0
    for seed in range(300):
        after = AUGMENTATIONS[kind](0, seed, crowded([[70.0, 10, 100, 80]]))
        columns = (after.image[0, :, 1] < 60).sum()
        found = after.boxes[after.crowd]
        assert len(found) == (columns > 0)
        if columns:
            assert found[0].tolist() == [0, 0, columns, after.size[0]]
        seen, cut = seen + (columns > 0), cut + (0 < columns < 30)
    assert seen > 100
    assert cut > 20


@pytest.mark.parametrize("kind", ["ssd", "ssd_api"])
def test_a_crowd_does_not_choose_the_window(kind, monkeypatch):
    """With the largest overlaps asked for, every crop holds the object, however much of the crowd there is."""
    monkeypatch.setattr(crops, "IOU_CHOICES", (0.5,))
    monkeypatch.setattr(crops, "COVERED_CHOICES", (0.5,))
    for seed in range(200):
        after = AUGMENTATIONS[kind](0, seed, crowded([[70.0, 10, 110, 80]]))
        assert (~after.crowd).sum() == 1
        alone = crowded([])
        assert AUGMENTATIONS[kind](0, seed, alone) is alone
