"""Winograd's minimal filtering is the convolution, with fewer multiplications."""

import pytest
import torch
from torch.nn import functional as F

from tradeoff.ops import winograd
from tradeoff.ops.winograd import A_T, B_T, G, blocks, tiles, transform_weight, winograd_conv2d


def random(*shape, dtype=torch.float64, seed=0):
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def test_the_matrices_filter_one_line():
    kernel, line = random(3), random(6, seed=1)
    expected = [sum(kernel[k] * line[i + k] for k in range(3)) for i in range(4)]
    torch.testing.assert_close(A_T @ ((G @ kernel) * (B_T @ line)), torch.stack(expected))


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 3, 4, 4), (2, 5, 7, 10), (3, 2, 19, 6), (1, 4, 38, 25)])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_it_is_torchs_convolution(shape, padding):
    if min(shape[2:]) + 2 * padding < 3:
        pytest.skip("no output")
    images, weight, bias = random(*shape), random(7, shape[1], 3, 3, seed=1), random(7, seed=2)
    found = winograd_conv2d(images, transform_weight(weight), bias, padding)
    torch.testing.assert_close(found, F.conv2d(images, weight, bias, padding=padding), rtol=1e-9, atol=1e-9)


def test_a_convolution_may_have_no_bias():
    images, weight = random(1, 2, 9, 9), random(3, 2, 3, 3, seed=1)
    torch.testing.assert_close(
        winograd_conv2d(images, transform_weight(weight), None), F.conv2d(images, weight, padding=1)
    )


def test_float32_loses_about_five_digits():
    images, weight = random(1, 256, 38, 38), random(128, 256, 3, 3, seed=1)
    expected = F.conv2d(images, weight, padding=1)
    found = winograd_conv2d(images.float(), transform_weight(weight.float()), None)
    assert found.dtype == torch.float32
    assert float((found - expected).abs().max() / expected.abs().max()) < 3e-5


@pytest.mark.parametrize("most", [1, 3, 8, 20, 1000])
def test_blocks_cover_every_row_of_every_image_once(monkeypatch, most):
    monkeypatch.setattr(winograd, "BLOCK", most)
    seen = torch.zeros(5, 3, dtype=torch.int64)
    for images, rows in blocks(5, 3, 4):
        seen[images, rows] += 1
        held = (images.stop - images.start) * (rows.stop - rows.start) * 4
        assert held <= max(most, 4)  # one row of four tiles at least
    assert bool((seen == 1).all())


@pytest.mark.parametrize("most", [1, 30])
def test_blocks_change_nothing(monkeypatch, most):
    images, weight = random(3, 8, 17, 13), random(8, 8, 3, 3, seed=1)
    whole = winograd_conv2d(images, transform_weight(weight), None)
    monkeypatch.setattr(winograd, "BLOCK", most)
    torch.testing.assert_close(winograd_conv2d(images, transform_weight(weight), None), whole)


def test_a_tile_is_four_pixels_of_the_output():
    assert tiles(38, 38) == (10, 10)  # ceil(38 / 4)
    assert tiles(8, 9, padding=0) == (2, 2)  # outputs of 6 and 7
