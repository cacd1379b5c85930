"""What an operator is: its name, whether it is a view, and whether it is free by the field's convention."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

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
    "looking up": "embedding gather index index_select masked_select take unsafe_index where nonzero nonzero_static",
    "filling in": "index_add index_copy index_fill index_put index_put_impl put scatter scatter_add scatter_reduce "
    "unsafe_index_put",
    "filling in all over": "masked_fill masked_scatter",
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


def words(by_kind: Mapping[str, str]) -> frozenset[str]:
    """Return the words of a table."""
    return frozenset(word for line in by_kind.values() for word in line.split())


FREE = words(FREE_BY_KIND)
FREE_TAGS = frozenset({"pointwise", "reduction", "inplace_view", "view_copy"})


def is_free(operator: torch._ops.OpOverload, given: Mapping[str, Any]) -> bool:
    """Tell whether an operator costs nothing by convention: no products are summed in it.

    Free are pointwise work, views, copies, creation, indexing, comparison, sorting, reduction, pooling, resizing and
    normalisation. Source: the convention of fvcore's and torchvision's published numbers.
    """
    if operator.namespace != "aten":
        return operator.namespace == "prim"
    return (
        bare_name(operator) in FREE
        or not FREE_TAGS.isdisjoint(tag.name for tag in operator.tags)
        or is_view(operator)
        or next(tensors(given), None) is None
    )


def bare_name(operator: torch._ops.OpOverload) -> str:
    """Return the name without namespace, overload and underscores, as the tables here have it."""
    return str(operator._overloadpacket.__name__).strip("_")


def is_view(operator: torch._ops.OpOverload) -> bool:
    """Tell whether what is returned shares the memory of an argument that is not written to."""
    returns = operator._schema.returns
    return bool(returns) and all(one.alias_info is not None and not one.alias_info.is_write for one in returns)


def tensors(value: Any) -> Iterator[Tensor]:
    """Yield the tensors of nested arguments or results."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors(part)
