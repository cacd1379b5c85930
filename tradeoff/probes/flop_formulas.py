"""What an operator costs in multiply-adds (MACs), and which operators are free by the field's convention.

Formulas take the arguments by the names of the operator's schema, and what it returned. Convolutions, matrix products
and fused attention come from torch.utils.flop_counter; here is what it leaves out. A multiply-add with a padded zero,
with a masked or causal score or with a sample outside of the map counts like any other, as is usual.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
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


def _nothing(given: Mapping[str, Any], out: Any) -> int:
    """Count nothing, yet list the operator: it compares and sorts, and its time is not in its MACs."""
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
    "torchvision.roi_align": _roi_align,
    "torchvision.ps_roi_align": _ps_roi_align,
    "torchvision.deform_conv2d": _deform_conv2d,
    "torchvision.nms": _nothing,
}

# Pointwise operators, views and whatever takes no tensor need no mention. Without leading and trailing underscores.
FREE_BY_KIND = {
    "copies": "cat clone copy stack repeat repeat_interleave roll flip contiguous to_copy pin_memory reshape_alias "
    "unsafe_view unsafe_split lift constant_pad_nd reflection_pad1d reflection_pad2d replication_pad1d "
    "replication_pad2d pixel_shuffle pixel_unshuffle channel_shuffle im2col col2im slice_scatter select_scatter "
    "diag_embed tril triu set resize local_scalar_dense",
    "integers": "floor_divide remainder bitwise_and bitwise_or bitwise_xor",
    "creation": "arange meshgrid fill fill_diagonal zero empty_like full_like ones_like zeros_like rand_like "
    "randn_like randint_like new_empty new_empty_strided new_full new_ones new_zeros bernoulli exponential "
    "multinomial normal random uniform native_dropout",
    "indexing": "embedding gather index index_add index_copy index_fill index_put index_put_impl index_select "
    "masked_fill masked_scatter masked_select put scatter scatter_add scatter_reduce take unsafe_index "
    "unsafe_index_put where nonzero nonzero_static",
    "reductions": "all amax amin aminmax any argmax argmin count_nonzero cummax cummin cumprod cumsum equal "
    "linalg_vector_norm logcumsumexp logsumexp max mean median min mode nansum norm prod std std_mean sum var "
    "var_mean",
    "sorting": "argsort bincount bucketize histc isin kthvalue searchsorted sort topk unique unique2 "
    "unique_consecutive unique_dim",
    "pooling": "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool2d adaptive_max_pool3d "
    "avg_pool1d avg_pool2d avg_pool3d max_pool2d_with_indices max_pool3d_with_indices max_unpool2d mkldnn_max_pool2d",
    "resizing": "upsample_bicubic2d upsample_bicubic2d_aa upsample_bilinear2d upsample_bilinear2d_aa "
    "upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_nearest_exact1d "
    "upsample_nearest_exact2d upsample_trilinear3d",
    "normalisation": "batch_norm_with_update cudnn_batch_norm fused_rms_norm native_batch_norm "
    "native_batch_norm_legit native_batch_norm_legit_no_training native_group_norm native_layer_norm softmax "
    "log_softmax safe_softmax",
    "activations without the tag": "celu elu glu hardshrink hardsigmoid hardswish hardtanh log_sigmoid_forward "
    "prelu_kernel rrelu selu softplus softshrink threshold",
}
FREE = frozenset(name for names in FREE_BY_KIND.values() for name in names.split())
FREE_OF_TORCHVISION = frozenset({"roi_pool", "ps_roi_pool"})
FREE_TAGS = ("pointwise", "reduction", "inplace_view", "view_copy")


def is_free(operator: torch._ops.OpOverload, given: Mapping[str, Any]) -> bool:
    """Tell whether an operator costs nothing by convention: no products are summed in it.

    Free are pointwise work, views, copies, creation, indexing, comparison, sorting, reduction, pooling, resizing and
    normalisation. Source: the convention of fvcore's and torchvision's published numbers.
    """
    name = operator._overloadpacket.__name__
    if operator.namespace == "torchvision":
        return name in FREE_OF_TORCHVISION
    if operator.namespace == "prim":
        return True
    if operator.namespace != "aten":
        return False
    tags = {tag.name for tag in operator.tags}
    return (
        name.strip("_") in FREE
        or not tags.isdisjoint(FREE_TAGS)
        or _is_view(operator)
        or not any(isinstance(value, Tensor) or _has_tensor(value) for value in given.values())
    )


def _is_view(operator: torch._ops.OpOverload) -> bool:
    """Tell whether what is returned shares the memory of an argument that is not written to."""
    returns = operator._schema.returns
    return bool(returns) and all(one.alias_info is not None and not one.alias_info.is_write for one in returns)


def _has_tensor(value: Any) -> bool:
    """Tell whether a list holds a tensor."""
    return isinstance(value, list | tuple) and any(isinstance(item, Tensor) for item in value)
