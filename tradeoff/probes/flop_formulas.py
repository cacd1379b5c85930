"""What an operator costs in multiply-adds (MACs).

Formulas take the arguments by the names of the operator's schema, and what it returned. Convolutions, matrix products
and fused attention come from torch.utils.flop_counter; here is what it leaves out. A multiply-add with a padded zero,
with a masked or causal score or with a sample outside of the map counts like any other, as is usual.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

Formula = Callable[[Mapping[str, Any], Any], int]

BILINEAR_CORNERS = 4


def _matrix_vector(given: Mapping[str, Any], out: Tensor) -> int:
    """Count one MAC per element of the matrix."""
    return out.numel() * given["vec"].numel()


def _inner_product(given: Mapping[str, Any], out: Tensor) -> int:
    """Count one MAC per element of a vector."""
    return given["self"].numel()


def _summed_batch_product(given: Mapping[str, Any], out: Tensor) -> int:
    """Count a batch of matrix products whose results are summed."""
    return given["batch1"].numel() * given["batch2"].shape[-1]


def _activated_product(given: Mapping[str, Any], out: Tensor) -> int:
    """Count a matrix product that is fused with an activation."""
    return given["mat1"].numel() * given["mat2"].shape[-1]


def _attention(given: Mapping[str, Any], out: Any) -> int:
    """Count queries × keys × (depth of the keys + depth of the values), for every head of the queries."""
    query, key, value = given["query"], given["key"], given["value"]
    return math.prod(query.shape[:-1]) * key.shape[-2] * (query.shape[-1] + value.shape[-1])


def _embedding_bag(given: Mapping[str, Any], out: Any) -> int:
    """Count one MAC per weighted index and channel; bags without weights only add, which is free."""
    if given["per_sample_weights"] is None:
        return 0
    return given["indices"].numel() * given["weight"].shape[1]


def _grid_sampler_2d(given: Mapping[str, Any], out: Tensor) -> int:
    """Count one MAC per corner: bilinear 4, nearest 0, bicubic 16."""
    return out.numel() * (BILINEAR_CORNERS, 0, 16)[given["interpolation_mode"]]


def _grid_sampler_3d(given: Mapping[str, Any], out: Tensor) -> int:
    """Count one MAC per corner: trilinear 8, nearest 0."""
    return out.numel() * (8, 0)[given["interpolation_mode"]]


def _roi_align(given: Mapping[str, Any], out: Tensor) -> int:
    """Count four MACs per channel and sample; bins of unset sampling ratio have ceil(RoI / bins) samples a side."""
    smallest_px = 0.0 if given["aligned"] else 1.0
    return _aligned(given, out, smallest_px)


def _ps_roi_align(given: Mapping[str, Any], out: tuple[Tensor, Tensor]) -> int:
    """Count as `_roi_align`: each bin reads one channel of its own per output channel."""
    return _aligned(given, out[0], smallest_px=0.0)


def _aligned(given: Mapping[str, Any], out: Tensor, smallest_px: float) -> int:
    """Count output elements × samples of their bin × four corners. out: (RoIs, channels, bins, bins)."""
    per_roi = math.prod(out.shape[1:]) * BILINEAR_CORNERS
    if given["sampling_ratio"] > 0:
        return out.shape[0] * per_roi * given["sampling_ratio"] ** 2
    boxes = given["rois"][:, 1:] * given["spatial_scale"]
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=smallest_px)  # (RoIs, 2) width, height
    bins = sides.new_tensor([given["pooled_width"], given["pooled_height"]])
    return per_roi * int((sides / bins).ceil().prod(dim=1).sum())


def _deform_conv2d(given: Mapping[str, Any], out: Tensor) -> int:
    """Count the convolution, and four MACs for each bilinear sample that it reads."""
    weight, images = given["weight"], given["input"]
    positions = out.shape[0] * out.shape[2] * out.shape[3]
    taps = weight.shape[2] * weight.shape[3]
    return positions * (weight.numel() + images.shape[1] * taps * BILINEAR_CORNERS)


def _lstm_layer(given: Mapping[str, Any], out: Any) -> int:
    """Count the gates of one layer and direction: each element of both matrices once per step and sequence."""
    return math.prod(given["input"].shape[:-1]) * (given["weight0"].numel() + given["weight1"].numel())


def _recurrent(given: Mapping[str, Any], out: Any) -> int:
    """Count each element of the matrices of all layers and directions once per step and sequence."""
    matrices = sum(weight.numel() for weight in given["weight"] if weight.dim() == 2)
    return math.prod(given["input"].shape[:-1]) * matrices


def _nothing(given: Mapping[str, Any], out: Any) -> int:
    """Count nothing, yet list the operator: it compares, or adds up what it picks; its time is not in its MACs."""
    return 0


FORMULAS: Mapping[str, Formula] = {
    "aten.mv": _matrix_vector,
    "aten.addmv": _matrix_vector,
    "aten.dot": _inner_product,
    "aten.vdot": _inner_product,
    "aten.addbmm": _summed_batch_product,
    "aten._addmm_activation": _activated_product,
    "aten.scaled_dot_product_attention": _attention,
    "aten._scaled_dot_product_flash_attention_for_cpu": _attention,
    "aten._scaled_dot_product_fused_attention_overrideable": _attention,
    "aten._embedding_bag": _embedding_bag,
    "aten._embedding_bag_forward_only": _embedding_bag,
    "aten.grid_sampler_2d": _grid_sampler_2d,
    "aten._grid_sampler_2d_cpu_fallback": _grid_sampler_2d,
    "aten.grid_sampler_3d": _grid_sampler_3d,
    "aten.mkldnn_rnn_layer": _lstm_layer,
    "aten._cudnn_rnn": _recurrent,
    "torchvision.roi_align": _roi_align,
    "torchvision.ps_roi_align": _ps_roi_align,
    "torchvision.deform_conv2d": _deform_conv2d,
    "torchvision.nms": _nothing,
    "torchvision.roi_pool": _nothing,
    "torchvision.ps_roi_pool": _nothing,
}
