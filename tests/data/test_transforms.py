"""Resizing, padding and the way back."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from PIL import Image
from torchvision.transforms.v2 import functional as reference

from tradeoff.data.dataset import Example
from tradeoff.data.transforms import Resizer, collate, flip, resize, resized, to_float, to_original, to_targets


@pytest.mark.parametrize(
    ("size_hw", "size", "wanted"),
    [
        ((480, 640), 600, (600, 800)),  # 480 × 1.25, 640 × 1.25
        ((640, 480), 600, (800, 600)),
        ((1000, 200), 600, (1024, 205)),  # 3000 would exceed 1024: × 1.024, 204.8 rounds up
        ((200, 1000), 600, (205, 1024)),
        ((600, 1024), 600, (600, 1024)),  # exactly the longest
        ((600, 1025), 600, (599, 1024)),  # × 1024/1025: 599.4
        ((480, 640), 300, (300, 400)),
        ((100, 1000), 300, (51, 512)),  # × 0.512: 51.2
        ((100, 1000), 100, (17, 170)),  # the longest is 170.67, rounded down; 17.0
        ((2, 3), 1, (1, 1)),  # the longest is 1.7, rounded down
        ((1, 5000), 300, (1, 512)),  # 0.1 would be no row
        ((4, 5), 6, (6, 8)),  # 7.5 rounds up
    ],
)
def test_the_shorter_side_is_the_size_unless_the_longer_one_exceeds_its_cap(
    size_hw: tuple[int, int], size: int, wanted: tuple[int, int]
) -> None:
    assert resized(size_hw, size, "keep_aspect") == wanted


@pytest.mark.parametrize(
    ("size_hw", "longer_px", "wanted"),
    [
        ((480, 640), 1333, (800, 1067)),  # 640 × 800/480 = 1066.7
        ((500, 1000), 1333, (667, 1333)),  # 1600 would exceed 1333: 500 × 1.333 = 666.5, halves up
        ((1000, 500), 1333, (1333, 667)),
        ((480, 640), 800, (600, 800)),  # exactly as long as wide
        ((500, 1000), None, (683, 1365)),  # 800 × 1024/600 = 1365.3
    ],
)
def test_the_cap_on_the_longer_side_can_be_given(
    size_hw: tuple[int, int], longer_px: int | None, wanted: tuple[int, int]
) -> None:
    assert resized(size_hw, 800, "keep_aspect", longer_px) == wanted
    image = np.zeros((*size_hw, 3), np.uint8)
    assert resize(image, 800, "keep_aspect", longer_px).shape == (3, *wanted)


def test_a_fixed_size_is_square() -> None:
    assert resized((480, 640), 300, "fixed") == (300, 300)


@pytest.mark.parametrize("size", [20, 64, 300])
@pytest.mark.parametrize("resizer", ["fixed", "keep_aspect"])
def test_resizing_is_that_of_pillow_and_torchvision(size: int, resizer: Resizer) -> None:
    image = np.random.default_rng(0).integers(0, 256, (97, 131, 3), dtype=np.uint8)
    height, width = resized((97, 131), size, resizer)
    ours = resize(image, size, resizer)
    pillow = np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))
    theirs = reference.resize(torch.from_numpy(image).permute(2, 0, 1), [height, width], antialias=True)
    assert np.abs(ours.permute(1, 2, 0).numpy().astype(int) - pillow).max() <= 1
    assert (ours.int() - theirs.int()).abs().max() <= 1


def test_the_input_is_contiguous_float_of_0_to_1_in_rgb() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[..., 0] = 255
    tensor = to_float(resize(image, 8, "fixed"))
    assert tensor.shape == (3, 8, 8)
    assert tensor.dtype == torch.float32
    assert tensor.is_contiguous()
    assert_allclose(tensor[0], 1.0)
    assert_allclose(tensor[1:], 0.0)


def test_images_of_a_batch_are_padded_right_and_below_with_zeros() -> None:
    images, sizes_px = collate([torch.ones(3, 2, 5), torch.ones(3, 4, 3)])
    assert images.shape == (2, 3, 4, 5)
    assert sizes_px.tolist() == [[2, 5], [4, 3]]
    assert images[0, :, :2, :5].min() == 1
    assert images[0, :, 2:].max() == 0
    assert images[1, :, :, 3:].max() == 0
    assert images.sum() == 3 * (2 * 5 + 4 * 3)


def test_a_flip_moves_boxes_with_their_pixels_and_twice_is_none() -> None:
    image = torch.zeros(3, 6, 10)
    image[:, 1:3, 2:5] = 1
    boxes = torch.tensor([[2.0, 1.0, 5.0, 3.0]])
    mirrored, moved = flip(image, boxes)
    assert moved.tolist() == [[5, 1, 8, 3]]
    assert mirrored[:, 1:3, 5:8].sum() == image.sum() == mirrored.sum()
    again, back = flip(mirrored, moved)
    assert torch.equal(again, image)
    assert torch.equal(back, boxes)


def test_boxes_go_to_the_original_with_a_factor_for_each_axis() -> None:
    # 300 × 300 back to 480 × 640: x by 640/300, y by 480/300
    boxes = to_original(torch.tensor([[30.0, 30.0, 150.0, 300.0]]), (300, 300), (480, 640))
    assert_allclose(boxes, [[64, 48, 320, 480]], rtol=1e-6)


def example(boxes: list[list[float]]) -> Example:
    count = len(boxes)
    crowd = np.arange(count) == 1
    image = np.zeros((100, 200, 3), np.uint8)
    return Example(image, np.array(boxes).reshape(-1, 4), np.arange(count), crowd, 1)


def test_targets_are_in_px_of_the_input_without_objects_below_one_px() -> None:
    # half the size: 1.9 px becomes 0.95 and is dropped, 2 px becomes 1 and stays
    targets = to_targets(example([[0, 0, 1.9, 50], [10, 20, 30, 40], [0, 0, 50, 2], [0, 0, 50, 1.9]]), (50, 100))
    assert targets.boxes.tolist() == [[5, 10, 15, 20], [0, 0, 25, 1]]
    assert targets.boxes.dtype == torch.float32
    assert targets.labels.tolist() == [1, 2]
    assert targets.crowd.tolist() == [True, False]


def test_an_image_without_objects_has_empty_targets() -> None:
    targets = to_targets(example([]), (50, 100))
    assert targets.boxes.shape == (0, 4)
