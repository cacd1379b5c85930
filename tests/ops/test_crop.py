"""Tests of the crops."""

import math

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor

from tradeoff.ops.crop import crop_and_resize, position_sensitive_crop

SIZE = (60, 100)  # (height, width) px of the network input


def random_boxes(*shape: int, seed: int = 0, inside: bool = False) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    low, side = torch.rand(*shape, 2, generator=generator), torch.rand(*shape, 2, generator=generator)
    if inside:
        low, side = 0.1 + 0.3 * low, 0.1 + 0.3 * side
    corners = torch.cat([low, low + side], dim=-1)
    return corners * torch.tensor([SIZE[1], SIZE[0], SIZE[1], SIZE[0]])


def random_features(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def crop_by_loop(image: np.ndarray, box: list[float], crop: int) -> np.ndarray:
    """Apply TensorFlow's formula to one image (C, H, W) and one box in px; (C, crop, crop)."""
    channels, height, width = image.shape
    x1, y1, x2, y2 = box[0] / SIZE[1], box[1] / SIZE[0], box[2] / SIZE[1], box[3] / SIZE[0]
    result = np.zeros((channels, crop, crop))
    for i in range(crop):
        for j in range(crop):
            y = (
                y1 * (height - 1) + i * (y2 - y1) * (height - 1) / (crop - 1)
                if crop > 1
                else (y1 + y2) / 2 * (height - 1)
            )
            x = (
                x1 * (width - 1) + j * (x2 - x1) * (width - 1) / (crop - 1)
                if crop > 1
                else (x1 + x2) / 2 * (width - 1)
            )
            if not (0 <= y <= height - 1 and 0 <= x <= width - 1):
                continue
            top, left, bottom, right = math.floor(y), math.floor(x), math.ceil(y), math.ceil(x)
            upper = image[:, top, left] * (1 - (x - left)) + image[:, top, right] * (x - left)
            lower = image[:, bottom, left] * (1 - (x - left)) + image[:, bottom, right] * (x - left)
            result[:, i, j] = upper * (1 - (y - top)) + lower * (y - top)
    return result


def pooled_by_loop(image: np.ndarray, box: list[float], bins: int, crop: int) -> np.ndarray:
    """Crop every bin from its own maps and average; (D,)."""
    depth = len(image) // bins**2
    step_x, step_y = (box[2] - box[0]) / bins, (box[3] - box[1]) / bins
    total = np.zeros(depth)
    for i in range(bins):
        for j in range(bins):
            own = image[(i * bins + j) * depth : (i * bins + j + 1) * depth]
            cell = [
                box[0] + j * step_x, box[1] + i * step_y, box[0] + (j + 1) * step_x, box[1] + (i + 1) * step_y
            ]  # fmt: skip
            total += crop_by_loop(own, cell, crop // bins).mean(axis=(1, 2))
    return total / bins**2


@pytest.mark.parametrize("crop", [1, 2, 5])
def test_crop_agrees_with_the_formula_also_outside_of_the_map(crop: int) -> None:
    features, boxes = random_features(2, 3, 6, 9), random_boxes(2, 8) * 1.2 - 10
    boxes[0, 0] = torch.tensor([200.0, 200, 300, 300])
    crops = crop_and_resize(features, boxes, SIZE, crop).view(2, 8, 3, crop, crop)
    for image in range(2):
        for k in range(8):
            expected = crop_by_loop(features[image].double().numpy(), boxes[image, k].tolist(), crop)
            assert np.allclose(crops[image, k].numpy(), expected, atol=1e-4)
    assert not crops[0, 0].any()
    assert bool((crops == 0).any(dim=-1).any())  # some samples did lie outside


def test_position_sensitive_crop_agrees_with_ps_roi_align_on_the_boxes_that_hit_the_same_points() -> None:
    """With one sample in the centre of a bin; torchvision has the channels of a class side by side, ours of a bin."""
    bins, depth, height, width = 3, 5, 9, 11
    maps, boxes = random_features(2, bins**2 * depth, height, width), random_boxes(2, 7, inside=True)
    found = position_sensitive_crop(maps, boxes, SIZE, bins, bins)
    cells = boxes / torch.tensor([SIZE[1], SIZE[0]] * 2) * torch.tensor([width - 1, height - 1] * 2) + 0.5
    by_class = maps.unflatten(1, (bins**2, depth)).transpose(1, 2).flatten(1, 2)
    expected = torchvision.ops.ps_roi_align(by_class.contiguous(), list(cells), bins, 1.0, sampling_ratio=1)
    torch.testing.assert_close(found.flatten(0, 1), expected.mean(dim=(2, 3)), rtol=1e-4, atol=1e-4)


def test_crop_agrees_with_roi_align_on_the_box_that_hits_the_same_points() -> None:
    # roi_align with one sample per output cell looks at start + (i + 0.5) * side / crop - 0.5 (aligned), ours at
    # Y1 + i * (Y2 - Y1) / (crop - 1). So side / crop = (Y2 - Y1) / (crop - 1), start = Y1 + 0.5 - 0.5 * side / crop.
    features, boxes, crop = random_features(2, 5, 12, 20), random_boxes(2, 30, inside=True), 7
    scale = torch.tensor([19 / SIZE[1], 11 / SIZE[0]]).repeat(2)
    edges = boxes.view(-1, 4) * scale
    cell = (edges[:, 2:] - edges[:, :2]) / (crop - 1)
    start = edges[:, :2] + 0.5 - 0.5 * cell
    rois = torch.cat([torch.arange(2.0).repeat_interleave(30)[:, None], start, start + cell * crop], dim=1)
    expected = torchvision.ops.roi_align(features, rois, crop, sampling_ratio=1, aligned=True)
    assert torch.allclose(crop_and_resize(features, boxes, SIZE, crop), expected, atol=1e-4)


def test_crop_of_the_whole_image_at_the_maps_resolution_is_the_map() -> None:
    # Samples from 0 to H - 1 in H steps hit the cells themselves, the last row and column included.
    features = random_features(1, 4, 9, 9)
    whole = torch.tensor([[[0.0, 0, SIZE[1], SIZE[0]]]])
    assert torch.allclose(crop_and_resize(features, whole, SIZE, 9), features, atol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_a_box_that_ends_at_the_image_edge_keeps_its_last_row(seed: int) -> None:
    boxes = random_boxes(1, 200, seed=seed)
    boxes[..., :2] = boxes[..., :2].clamp(max=50)
    boxes[..., 2:] = torch.tensor([SIZE[1], SIZE[0]]).float()
    ones = torch.ones(1, 1, 38, 64)
    assert torch.allclose(crop_and_resize(ones, boxes, SIZE, 14), torch.ones(()), atol=1e-5)


def test_a_ramp_is_sampled_at_hand_derived_places() -> None:
    # Map value = column, 11 columns over 100 px, so 1 column per 10 px: x from 20 to 60 in 3 samples is 2, 4, 6.
    ramp = torch.arange(11.0).expand(1, 1, 7, 11)
    crops = crop_and_resize(ramp, torch.tensor([[[20.0, 6, 60, 30]]]), SIZE, 3)
    assert torch.allclose(crops[0, 0], torch.tensor([2.0, 4.0, 6.0]).expand(3, 3), atol=1e-5)
    centre = crop_and_resize(ramp, torch.tensor([[[20.0, 6, 60, 30]]]), SIZE, 1)
    assert torch.allclose(centre, torch.tensor(4.0), atol=1e-5)


def test_the_memory_layout_of_the_input_changes_nothing_and_the_output_is_channels_last() -> None:
    features, boxes = random_features(2, 6, 8, 8), random_boxes(2, 5)
    crops = crop_and_resize(features, boxes, SIZE, 4)
    assert crops.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(crops, crop_and_resize(features.contiguous(memory_format=torch.channels_last), boxes, SIZE, 4))


def test_crop_of_boxes_that_are_not_finite_does_not_fail() -> None:
    boxes = torch.tensor([[[float("nan")] * 4, [0, 0, float("inf"), 10]]])
    assert bool(crop_and_resize(torch.ones(1, 1, 4, 4), boxes, SIZE, 3)[0].eq(0).all())


def test_without_boxes_there_are_no_crops() -> None:
    features = random_features(2, 18, 5, 5)
    assert crop_and_resize(features, torch.zeros(2, 0, 4), SIZE, 3).shape == (0, 18, 3, 3)
    assert position_sensitive_crop(features, torch.zeros(2, 0, 4), SIZE, 3, 6).shape == (2, 0, 2)


def test_crop_has_exact_gradients_in_the_features_and_none_in_the_boxes() -> None:
    features = random_features(2, 2, 4, 5).double().requires_grad_()
    boxes = random_boxes(2, 2).double().requires_grad_()
    assert torch.autograd.gradcheck(lambda maps: crop_and_resize(maps, boxes, SIZE, 3), features)
    crop_and_resize(features, boxes, SIZE, 3).sum().backward()
    assert boxes.grad is None


def test_position_sensitive_crop_has_exact_gradients() -> None:
    maps = random_features(2, 8, 4, 5).double().requires_grad_()
    boxes = random_boxes(2, 2).double()
    assert torch.autograd.gradcheck(lambda maps: position_sensitive_crop(maps, boxes, SIZE, 2, 4), maps)


@pytest.mark.parametrize(("bins", "crop"), [(1, 4), (2, 2), (3, 3), (3, 6), (2, 6)])
def test_position_sensitive_crop_agrees_with_crops_bin_by_bin(bins: int, crop: int) -> None:
    maps, boxes = random_features(2, bins**2 * 4, 7, 9), random_boxes(2, 6)
    pooled = position_sensitive_crop(maps, boxes, SIZE, bins, crop)
    assert pooled.shape == (2, 6, 4)
    for image in range(2):
        for k in range(6):
            expected = pooled_by_loop(maps[image].double().numpy(), boxes[image, k].tolist(), bins, crop)
            assert np.allclose(pooled[image, k].numpy(), expected, atol=1e-4)


def test_one_bin_is_the_mean_of_a_crop() -> None:
    maps, boxes = random_features(2, 5, 7, 9), random_boxes(2, 6)
    expected = crop_and_resize(maps, boxes, SIZE, 4).mean(dim=(2, 3)).view(2, 6, 5)
    assert torch.allclose(position_sensitive_crop(maps, boxes, SIZE, 1, 4), expected, atol=1e-5)


def test_constant_bins_average_to_their_mean() -> None:
    # 2 × 2 bins, D = 3, value 10 * bin + d: the mean over bins 0..3 is 15 + d, wherever the box lies inside.
    values = (10 * torch.arange(4.0)[:, None] + torch.arange(3.0)).view(1, 12, 1, 1)
    pooled = position_sensitive_crop(values.expand(1, 12, 5, 5), random_boxes(1, 4, inside=True), SIZE, 2, 4)
    assert torch.allclose(pooled, torch.tensor([15.0, 16.0, 17.0]).expand(1, 4, 3), atol=1e-4)


def test_each_bin_looks_at_its_own_part_of_the_box_row_by_row() -> None:
    # The map of one bin of 2 × 2 is the column, the others are 0. Box x 20..60 at 1 column per 10 px: the left cell
    # spans columns 2..4, mean 3, the right one 4..6, mean 5; a quarter of it each, as 3 of 4 bins are 0.
    ramp = torch.arange(11.0).expand(7, 11)
    for index, mean in enumerate([3.0, 5.0, 3.0, 5.0]):
        maps = torch.zeros(1, 4, 7, 11)
        maps[0, index] = ramp
        pooled = position_sensitive_crop(maps, torch.tensor([[[20.0, 6, 60, 30]]]), SIZE, 2, 4)
        assert pooled.item() == pytest.approx(mean / 4, abs=1e-5)


@pytest.mark.parametrize(("bins", "crop", "channels"), [(3, 7, 9), (3, 2, 9), (3, 0, 9), (3, 6, 10)])
def test_numbers_that_do_not_divide_are_refused(bins: int, crop: int, channels: int) -> None:
    with pytest.raises(ValueError, match="multiple of bins"):
        position_sensitive_crop(torch.zeros(1, channels, 4, 4), torch.zeros(1, 1, 4), SIZE, bins, crop)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_reduced_precision_stays_close_under_autocast(dtype: torch.dtype) -> None:
    # Features 0..1, weights that sum to 1: rounding features, weights and sum to 8 bits costs at most about 3 * 2^-8.
    features, boxes = torch.rand(1, 12, 8, 8, generator=torch.Generator().manual_seed(4)), random_boxes(1, 9)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        crops = crop_and_resize(features.to(dtype), boxes, SIZE, 4)
        pooled = position_sensitive_crop(features.to(dtype), boxes, SIZE, 2, 4)
    assert crops.dtype == pooled.dtype == dtype
    assert torch.allclose(crops.float(), crop_and_resize(features, boxes, SIZE, 4), atol=0.02)
    assert torch.allclose(pooled.float(), position_sensitive_crop(features, boxes, SIZE, 2, 4), atol=0.02)
