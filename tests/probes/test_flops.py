"""Multiply-adds against counts by hand, published numbers and a second counter."""

import logging
import warnings

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn

from tradeoff.ops.crop import crop_and_resize, position_sensitive_crop
from tradeoff.probes.flop_formulas import FORMULAS
from tradeoff.probes.flops import count

RESNET50_MACS = 4_089_184_256  # 224 px: convolutions 4 087 136 256 + 1000 × 2048 of the last layer


def _macs(function, *args) -> int:
    got = count(function, *args)
    assert got.uncounted == ()
    assert got.flops == 2 * got.macs == 2 * sum(got.by_operator.values())
    return got.macs


@pytest.fixture(params=["grad", "no_grad", "inference_mode"])
def mode(request: pytest.FixtureRequest):
    """Run under each way to treat gradients; they dispatch composite operators differently."""
    contexts = {"grad": torch.enable_grad, "no_grad": torch.no_grad, "inference_mode": torch.inference_mode}
    with contexts[request.param]():
        yield


CONVOLUTIONS = [
    # output positions × output channels × input channels of a group × taps
    (nn.Conv2d(3, 8, 3), 9 * 9 * 8 * 3 * 9),
    (nn.Conv2d(3, 8, 3, stride=2, padding=1), 6 * 6 * 8 * 3 * 9),  # (11 + 2 - 3) // 2 + 1 = 6
    (nn.Conv2d(3, 8, 3, dilation=2), 7 * 7 * 8 * 3 * 9),  # 11 - 4 = 7
    (nn.Conv2d(3, 6, 3, groups=3), 9 * 9 * 6 * 1 * 9),
    (nn.Conv2d(3, 8, (1, 5), padding=(0, 2), bias=False), 11 * 11 * 8 * 3 * 5),
    # transposed: every input position × input channels × output channels of a group × taps
    (nn.ConvTranspose2d(3, 8, 4, stride=2), 11 * 11 * 3 * 8 * 16),
    (nn.ConvTranspose2d(3, 6, 4, stride=2, groups=3), 11 * 11 * 3 * 2 * 16),
]


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize(("layer", "macs_of_one"), CONVOLUTIONS, ids=lambda value: str(value))
def test_convolutions_are_exact_and_linear_in_the_batch(layer: nn.Module, macs_of_one: int):
    assert _macs(layer, torch.rand(1, 3, 11, 11)) == macs_of_one
    assert _macs(layer, torch.rand(4, 3, 11, 11)) == 4 * macs_of_one


@pytest.mark.usefixtures("mode")
def test_channels_last_and_autocast_change_no_count():
    layer = nn.Conv2d(3, 8, 3).to(memory_format=torch.channels_last)
    images = torch.rand(1, 3, 11, 11).to(memory_format=torch.channels_last)

    def autocast(images: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return F.linear(layer(images), torch.rand(5, 9))

    assert _macs(layer, images) == 9 * 9 * 8 * 3 * 9
    assert _macs(autocast, images) == 9 * 9 * 8 * 3 * 9 + 8 * 9 * 9 * 5
    assert autocast(images).dtype == torch.bfloat16


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize(
    ("function", "shapes", "macs"),
    [
        (F.linear, [(2, 5, 8), (3, 8), (3,)], 2 * 5 * 8 * 3),
        (F.linear, [(8,), (3, 8)], 8 * 3),
        (torch.bmm, [(4, 5, 6), (4, 6, 7)], 4 * 5 * 6 * 7),
        (torch.baddbmm, [(4, 5, 7), (4, 5, 6), (4, 6, 7)], 4 * 5 * 6 * 7),
        (torch.addbmm, [(5, 7), (4, 5, 6), (4, 6, 7)], 4 * 5 * 6 * 7),
        (torch.matmul, [(2, 5, 8), (8, 3)], 2 * 5 * 8 * 3),
        (torch.matmul, [(2, 5, 8), (8,)], 2 * 5 * 8),
        (torch.matmul, [(3, 8), (8,)], 3 * 8),
        (torch.addmv, [(3,), (3, 8), (8,)], 3 * 8),
        (torch.matmul, [(8,), (8,)], 8),
        (torch.vdot, [(8,), (8,)], 8),
        (lambda a, b: torch.einsum("bij,kj->bik", a, b), [(2, 5, 8), (3, 8)], 2 * 5 * 8 * 3),
    ],
)
def test_matrix_products_are_exact(function, shapes: list[tuple[int, ...]], macs: int):
    assert _macs(function, *[torch.rand(shape) for shape in shapes]) == macs


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("masked", [False, True])
def test_attention_counts_both_of_its_products(masked: bool):
    query, key, value = torch.rand(2, 4, 10, 16), torch.rand(2, 4, 20, 16), torch.rand(2, 4, 20, 16)
    mask = torch.zeros(10, 20) if masked else None
    # 2 images × 4 heads × 10 queries × 20 keys × (16 for the scores + 16 for the values)
    assert _macs(lambda: F.scaled_dot_product_attention(query, key, value, mask)) == 2 * 4 * 10 * 20 * 32


@pytest.mark.usefixtures("mode")
def test_transformer_layers_are_exact_though_their_fast_path_hides_them():
    layer = nn.TransformerEncoderLayer(16, 4, 64, batch_first=True).eval()
    # 10 tokens: four projections 16 × 16, two layers 16 × 64, and 10 × 10 scores and values of 16 channels
    one = 10 * (4 * 16 * 16 + 2 * 16 * 64) + 2 * 10 * 10 * 16
    was_enabled = torch.backends.mha.get_fastpath_enabled()
    assert _macs(layer, torch.rand(3, 10, 16)) == 3 * one
    assert torch.backends.mha.get_fastpath_enabled() == was_enabled


def test_the_fast_path_is_restored_after_an_error():
    def fails() -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        count(fails)
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("weights_too", [False, True])
def test_multi_head_attention_is_exact_with_and_without_its_weights(weights_too: bool):
    layer = nn.MultiheadAttention(16, 4, batch_first=True).eval()
    queries, keys = torch.rand(3, 10, 16), torch.rand(3, 20, 16)
    # projections of 10 queries and of 20 keys and values, scores and values of 10 × 20, and 10 outputs
    one = (10 + 2 * 20) * 16 * 16 + 2 * 10 * 20 * 16 + 10 * 16 * 16
    assert _macs(lambda: layer(queries, keys, keys, need_weights=weights_too)) == 3 * one


@pytest.mark.usefixtures("mode")
@pytest.mark.parametrize("bidirectional", [False, True])
def test_recurrent_layers_are_exact(bidirectional: bool):
    ways = 1 + bidirectional
    sequences = torch.rand(3, 5, 8)
    # 3 sequences × 5 steps × gates × 16 × (8 inputs + 16 of the state), then with the outputs of all ways as input
    for layer, gates in ((nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)):
        net = layer(8, 16, num_layers=2, bidirectional=bidirectional, batch_first=True).eval()
        assert _macs(net, sequences) == 15 * ways * gates * 16 * ((8 + 16) + (16 * ways + 16))


def test_the_recurrent_kernel_of_cuda_counts_its_matrices():
    """It is not run here; its arguments are as torch gives them: a list of matrices and biases."""
    weight = [torch.rand(64, 8), torch.rand(64, 16), torch.rand(64), torch.rand(64)]
    assert FORMULAS["aten._cudnn_rnn"]({"input": torch.rand(5, 3, 8), "weight": weight}, None) == 15 * 64 * 24


@pytest.mark.usefixtures("mode")
def test_crops_of_both_heads_count_four_corners_of_each_sample():
    boxes = torch.tensor([[[0.0, 0.0, 8.0, 8.0], [2.0, 2.0, 5.0, 9.0]]])
    # 2 boxes × 5 × 5 samples × 6 channels × 4 corners
    assert _macs(lambda: crop_and_resize(torch.rand(1, 6, 9, 9), boxes, (9, 9), 5)) == 2 * 25 * 6 * 4
    # 2 boxes × 6 × 6 samples over 3 × 3 bins × 7 channels of a bin × 4 corners
    maps = torch.rand(1, 9 * 7, 9, 9)
    assert _macs(lambda: position_sensitive_crop(maps, boxes, (9, 9), 3, 6)) == 2 * 36 * 7 * 4


@pytest.mark.usefixtures("mode")
def test_embedding_bag_counts_a_corner_and_channel_each_if_weighted():
    table, corners, weights = torch.rand(30, 7), torch.randint(0, 30, (5, 4)), torch.rand(5, 4)
    weighted = lambda: F.embedding_bag(corners, table, per_sample_weights=weights, mode="sum")  # noqa: E731
    assert _macs(weighted) == 5 * 4 * 7
    assert _macs(lambda: F.embedding_bag(corners, table, mode="mean")) == 0


@pytest.mark.usefixtures("mode")
def test_roi_align_counts_four_corners_of_each_sample():
    features = torch.rand(1, 6, 20, 20)
    rois = torch.tensor([[0, 0.0, 0.0, 7.0, 14.0], [0, 2.0, 2.0, 3.0, 3.0]])
    align = torchvision.ops.roi_align
    # 2 RoIs × 6 channels × 7 × 7 bins × 2 × 2 samples × 4
    assert _macs(lambda: align(features, rois, 7, sampling_ratio=2)) == 2 * 6 * 49 * 4 * 4
    # unset: ceil(7 / 7) × ceil(14 / 7) = 2 samples a bin in the first RoI, 1 in the second
    assert _macs(lambda: align(features, rois, 7, sampling_ratio=-1)) == 6 * 49 * 4 * (2 + 1)
    # twice the scale: ceil(14 / 7) × ceil(28 / 7) = 8 and 1
    assert _macs(lambda: align(features, rois, 7, spatial_scale=2.0, sampling_ratio=-1)) == 6 * 49 * 4 * (8 + 1)


@pytest.mark.usefixtures("mode")
def test_position_sensitive_roi_align_counts_output_channels():
    rois = torch.tensor([[0, 0.0, 0.0, 9.0, 9.0]])
    align = torchvision.ops.ps_roi_align
    # 2 channels × 3 × 3 bins out of 18; 2 × 2 samples × 4
    assert _macs(lambda: align(torch.rand(1, 18, 20, 20), rois, 3, sampling_ratio=2)) == 2 * 9 * 4 * 4
    assert _macs(lambda: align(torch.rand(1, 18, 20, 20), rois, 3)) == 2 * 9 * 9 * 4


@pytest.mark.usefixtures("mode")
def test_deformable_convolution_counts_the_convolution_and_its_samples():
    images, weight, offset = torch.rand(2, 4, 9, 9), torch.rand(6, 2, 3, 3), torch.rand(2, 18, 7, 7)
    # 2 × 7 × 7 positions × (6 × 2 × 9 weights + 4 channels × 9 taps × 4 corners)
    macs = 2 * 49 * (6 * 2 * 9 + 4 * 9 * 4)
    assert _macs(lambda: torchvision.ops.deform_conv2d(images, offset, weight)) == macs


@pytest.mark.usefixtures("mode")
def test_grid_sample_counts_its_corners():
    images, grid = torch.rand(2, 3, 9, 9), torch.zeros(2, 5, 5, 2)
    sample = lambda how: lambda: F.grid_sample(images, grid, mode=how, align_corners=False)  # noqa: E731
    assert _macs(sample("bilinear")) == 2 * 3 * 25 * 4
    assert _macs(sample("nearest")) == 0
    assert _macs(sample("bicubic")) == 2 * 3 * 25 * 16


@pytest.mark.usefixtures("mode")
def test_poolings_of_regions_sum_no_products_and_are_listed():
    rois = torch.tensor([[0, 0.0, 0.0, 9.0, 9.0]])
    got = count(torchvision.ops.ps_roi_pool, torch.rand(1, 18, 20, 20), rois, 3)
    assert (got.by_operator, got.uncounted) == ({"torchvision.ps_roi_pool": 0}, ())
    got = count(torchvision.ops.roi_pool, torch.rand(1, 18, 20, 20), rois, 3)
    assert (got.by_operator, got.uncounted) == ({"torchvision.roi_pool": 0}, ())


def test_suppression_is_listed_at_no_cost():
    boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 4.0, 4.0]])
    got = count(torchvision.ops.nms, boxes, torch.tensor([0.5, 0.6]), 0.5)
    assert got.by_operator == {"torchvision.nms": 0}
    assert got.uncounted == ()


@pytest.mark.usefixtures("mode")
def test_what_sums_no_products_is_free_by_convention():
    def work(images: Tensor) -> Tensor:
        images = F.batch_norm(images, torch.zeros(4), torch.ones(4))
        images = F.relu6(F.hardswish(F.max_pool2d(F.interpolate(images, scale_factor=2.0, mode="bilinear"), 2)))
        images = torch.cat([images, F.pad(images, (1, 1, 1, 1))[..., 1:-1, 1:-1]], 1).softmax(1)
        best, index = images.flatten(1).topk(5)
        keep = best[best > 0].clone().mul_(2).cumsum(0)
        return keep[torch.argsort(keep)] + index.float().mean() + F.layer_norm(images, images.shape[1:]).amax()

    assert _macs(work, torch.rand(1, 4, 8, 8)) == 0


@pytest.mark.usefixtures("mode")
def test_operators_of_unknown_cost_are_named():
    got = count(lambda: torch.cdist(torch.rand(3, 4), torch.rand(5, 4), compute_mode="donot_use_mm_for_euclid_dist"))
    assert got.uncounted == ("aten._cdist_forward",)
    got = count(lambda: torch.linalg.inv(torch.eye(3) * 2))
    assert "aten.linalg_inv_ex" in got.uncounted


def test_foreign_operators_are_named():
    @torch.library.custom_op("tradeoff_tests::twice", mutates_args=())
    def twice(x: Tensor) -> Tensor:
        return x * 2

    assert count(twice, torch.rand(3)).uncounted == ("tradeoff_tests.twice",)


def test_a_callable_without_torch_operators_is_not_zero_but_uncounted():
    got = count(lambda: sum(range(10)))
    assert (got.macs, got.uncounted) == (0, ("no torch operator was seen",))


def test_counts_add_up_and_their_parts_are_told_apart():
    first = count(torch.mv, torch.rand(3, 8), torch.rand(8), part="backbone")
    second = count(torch.linalg.inv, torch.eye(3), part="heads")
    third = count(torch.mv, torch.rand(2, 8), torch.rand(8), part="backbone")
    both = first + second + third
    assert both.macs == 24 + 16
    assert both.by_part == {"backbone": 24 + 16}
    assert both.uncounted == second.uncounted != ()


@pytest.mark.usefixtures("mode")
def test_the_meta_device_tells_the_same():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(72, 4)).eval()
    images = torch.rand(2, 3, 5, 5)
    assert count(net, images).by_operator == count(net.to("meta"), images.to("meta")).by_operator


@pytest.fixture(scope="module")
def resnet50() -> nn.Module:
    return torchvision.models.resnet50(weights=None).eval()


def test_resnet50_has_its_published_count(resnet50: nn.Module):
    with torch.inference_mode():
        got = count(resnet50, torch.rand(1, 3, 224, 224))
    assert got.macs == RESNET50_MACS
    assert got.uncounted == ()
    assert got.by_operator == {"aten.convolution": RESNET50_MACS - 2_048_000, "aten.addmm": 2_048_000}


def test_fvcore_agrees_on_resnet50(resnet50: nn.Module):
    images = torch.rand(1, 3, 64, 96)
    logging.getLogger("fvcore").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fvcore traces with torch.jit, which is deprecated
        from fvcore.nn import FlopCountAnalysis

        other = FlopCountAnalysis(resnet50, images).unsupported_ops_warnings(False).by_operator()
    assert _macs(resnet50, images) == other["conv"] + other["linear"]


def test_a_whole_detector_leaves_nothing_uncounted():
    model = torchvision.models.detection.fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, min_size=64, max_size=96
    ).eval()
    with torch.inference_mode():
        got = count(model, [torch.rand(3, 64, 80)])
    assert got.uncounted == ()
    assert got.by_operator["torchvision.roi_align"] > 0
