"""Canvas, crops and ratios: boxes follow pixels, found again by colour; limits hold over many seeds."""

from dataclasses import replace

import numpy as np
import pytest

from tests.data.pictures import assert_boxes_follow_pixels, picture, pixels_of
from tradeoff.data import crops, frames
from tradeoff.data.augment import Augmentation
from tradeoff.data.windows import FILL

SEEDS = range(300)
KINDS = {
    "expand": Augmentation(expand=4.0),
    "ssd": Augmentation(random_crop="ssd"),
    "ssd_api": Augmentation(random_crop="ssd_api"),
    "crop_ratio": Augmentation(crop_ratio=1.0),
    "pad_ratio": Augmentation(pad_ratio=1.0),
    "all": Augmentation(expand=3.0, random_crop="ssd", crop_ratio=1.5, pad_ratio=1.0),
}


def whole(before, after):
    return before.image.shape == after.image.shape and np.array_equal(before.image, after.image)


@pytest.mark.parametrize("kind", KINDS)
def test_boxes_follow_their_pixels(kind):
    changed = 0
    for seed in SEEDS:
        before = picture(seed)
        after = KINDS[kind](0, seed, before)
        assert_boxes_follow_pixels(after)
        assert len(after.boxes) == len(after.labels) == len(after.crowd)
        assert (after.boxes[:, 2:] > after.boxes[:, :2]).all()
        changed += not whole(before, after)
    assert changed > 100


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_without_objects_goes_through(kind):
    for seed in range(30):
        after = KINDS[kind](0, seed, picture(seed, objects=0))
        assert after.boxes.shape == (0, 4)


@pytest.mark.parametrize("kind", KINDS)
def test_crowds_and_labels_stay_with_their_boxes(kind):
    for seed in range(60):
        before = picture(seed)
        before = replace(before, crowd=before.labels == 2)
        after = KINDS[kind](0, seed, before)
        assert after.crowd.tolist() == [label == 2 for label in after.labels]


def test_crops_of_ssd_have_the_area_and_the_ratio_of_the_paper():
    areas, ratios = [], []
    for seed in SEEDS:
        before = picture(seed)
        height, width = KINDS["ssd"](0, seed, before).size
        areas.append(height * width / (90 * 120))
        ratios.append(width / height)
    assert 0.09 < min(areas) < 0.2  # sides are rounded to whole px
    assert 0.48 < min(ratios) < 0.7
    assert 1.6 < max(ratios) < 2.05


def overlap(before, after, label):
    """Count the IoU of a crop and an object, pixel by pixel."""
    inside, of_object = pixels_of(after.image, label), pixels_of(before.image, label)
    return inside / (after.image.shape[0] * after.image.shape[1] + of_object - inside)


@pytest.mark.parametrize("least", [0.1, 0.3, 0.5])
def test_a_crop_of_ssd_overlaps_some_object_as_much_as_was_chosen(monkeypatch, least):
    monkeypatch.setattr(crops, "IOU_CHOICES", (least,))
    cropped = 0
    for seed in SEEDS:
        before = picture(seed)
        after = KINDS["ssd"](0, seed, before)
        if not whole(before, after):
            cropped += 1
            assert max(overlap(before, after, label) for label in before.labels) >= least
    assert cropped > 50


def test_a_crop_of_ssd_keeps_the_objects_whose_centre_is_in_it():
    for seed in SEEDS:
        before = picture(seed)
        after = KINDS["ssd"](0, seed, before)
        left, top = after.image[0, 0, :2].tolist()  # the first pixel says where it was
        height, width = after.size
        centres = (before.boxes[:, :2] + before.boxes[:, 2:]) / 2
        inside = ((centres > [left, top]) & (centres < [left + width, top + height])).all(axis=1)
        assert after.labels.tolist() == before.labels[inside].tolist()
        assert inside.any()


def test_about_a_seventh_of_the_images_stay_whole():
    """One choice of seven, a little more where a choice is not met: at most 1/7 + 1/7 × 1/6 + ... = 0.2."""
    stayed = sum(whole(picture(3), KINDS["ssd"](0, index, picture(3))) for index in range(1500))
    assert 0.115 < stayed / 1500 < 0.23  # 3 standard deviations below 1/7, above 0.2


def part(before, after, label):
    """Count the part of an object that is in a crop, pixel by pixel."""
    return pixels_of(after.image, label) / pixels_of(before.image, label)


@pytest.mark.parametrize("least", [0.0, 0.3, 0.7, 1.0])
def test_a_crop_of_the_api_keeps_the_objects_that_it_covers_as_much_as_was_chosen(monkeypatch, least):
    monkeypatch.setattr(crops, "COVERED_CHOICES", (least,))
    cropped = 0
    for seed in SEEDS:
        before = picture(seed)
        after = KINDS["ssd_api"](0, seed, before)
        parts = {label: part(before, after, label) for label in before.labels}
        assert set(after.labels) == {label for label, covered in parts.items() if covered and covered >= least}
        assert least == 0 or len(after.labels)
        cropped += not whole(before, after)
    assert 0.75 < cropped / len(SEEDS) < 0.92  # 0.85 ± 3 × 0.02, less where no crop is found


def test_half_of_the_images_are_put_on_a_canvas_of_up_to_four_times_their_sides():
    factors = []
    for seed in range(600):
        before = picture(seed)
        after = KINDS["expand"](0, seed, before)
        assert after.labels.tolist() == before.labels.tolist()
        assert all(pixels_of(after.image, label) == pixels_of(before.image, label) for label in before.labels)
        if not whole(before, after):
            factors.append(after.image.shape[1] / 120)
            assert after.image.shape[0] / 90 == pytest.approx(factors[-1], abs=0.02)
            beyond = (after.image == FILL).all(axis=2).sum()
            assert beyond == after.image.shape[0] * after.image.shape[1] - 90 * 120
    assert 240 < len(factors) < 360
    assert 1 <= min(factors) < 1.1
    assert 3.9 < max(factors) <= 4
    assert np.mean(factors) == pytest.approx(2.5, abs=0.2)  # uniform in 1 to 4


def test_images_are_put_everywhere_on_a_canvas():
    lefts = []
    for seed in range(200):
        after = frames.placed(np.random.default_rng(seed), picture(seed), (90, 240))
        lefts.append(int((after.image[0, :, 2] != FILL[2]).argmax()))
    assert min(lefts) < 10
    assert max(lefts) > 110
    assert np.mean(lefts) == pytest.approx(60, abs=8)


@pytest.mark.parametrize(
    ("ratio", "size_hw"), [(1.0, (90, 90)), (2.0, (60, 120)), (0.5, (90, 45)), (4 / 3, (90, 120))]
)
def test_a_crop_to_a_ratio_is_the_largest_there_is(ratio, size_hw):
    for seed in range(50):
        before = picture(seed)
        after = Augmentation(crop_ratio=ratio)(0, seed, before)
        assert after.size == size_hw
        kept = [label for label in before.labels if part(before, after, label) >= 0.3]
        assert after.labels.tolist() == kept


@pytest.mark.parametrize(
    ("ratio", "least_hw", "largest"),
    [(1.0, (120, 120), 1.5), (2.0, (90, 180), 4 / 3), (0.5, (240, 120), 1), (4 / 3, (90, 120), 2)],
)
def test_padding_to_a_ratio_grows_the_least_canvas_up_to_twice_a_side_and_loses_nothing(ratio, least_hw, largest):
    """Of 120 × 90 px: no side of the canvas exceeds twice the image's, unless the ratio alone needs it."""
    factors = []
    for seed in range(200):
        before = picture(seed)
        after = Augmentation(pad_ratio=ratio)(0, seed, before)
        factors.append(after.size[0] / least_hw[0])
        assert after.size[1] / least_hw[1] == pytest.approx(factors[-1], abs=0.01)
        assert all(pixels_of(after.image, label) == pixels_of(before.image, label) for label in before.labels)
    assert min(factors) == pytest.approx(1, abs=0.03)
    assert max(factors) == pytest.approx(largest, abs=0.03)
    assert np.mean(factors) == pytest.approx((1 + largest) / 2, abs=0.05 * largest)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_and_index_give_the_same_and_others_do_not(kind):
    augment = KINDS[kind]
    one, again = augment(5, 7, picture(1)), augment(5, 7, picture(1))
    assert np.array_equal(one.image, again.image)
    assert np.array_equal(one.boxes, again.boxes)
    if kind != "crop_ratio":  # where only the place is random
        assert len({augment(5, index, picture(1)).size for index in range(20)}) > 3
        assert len({augment(seed, 7, picture(1)).size for seed in range(20)}) > 3


def test_one_more_kind_changes_nothing_of_the_others_draws():
    plain, coloured = KINDS["ssd"], Augmentation(random_crop="ssd", brightness=0.1, hue=0.1)
    for seed in range(50):
        assert np.array_equal(plain(0, seed, picture(seed)).boxes, coloured(0, seed, picture(seed)).boxes)


def test_by_default_nothing_is_done():
    before = picture(0)
    assert Augmentation()(0, 0, before) is before
