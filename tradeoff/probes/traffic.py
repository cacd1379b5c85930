"""How many bytes an operator moves at the least: what it takes and what it gives, each once."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from tradeoff.probes.operators import FREE_BY_KIND, bare_name, is_view, tensors

# Batch norm moves nothing: what is timed has it folded into the convolution before it.
IDLE = frozenset(
    "empty empty_like empty_strided new_empty new_empty_strided reshape_alias unsafe_view lift lift_fresh resize set "
    "batch_norm_with_update cudnn_batch_norm native_batch_norm native_batch_norm_legit "
    "native_batch_norm_legit_no_training batch_norm_impl_index".split()
)
OVERWRITING = frozenset("copy fill zero normal uniform bernoulli exponential random".split())
LOOKING_UP = frozenset(
    "embedding embedding_bag embedding_bag_forward_only gather index index_select take unsafe_index masked_select "
    "grid_sampler_2d grid_sampler_2d_cpu_fallback grid_sampler_3d roi_align ps_roi_align roi_pool ps_roi_pool".split()
)
FILLING_IN = frozenset(FREE_BY_KIND["filling in"].split())


def moved_bytes(operator: torch._ops.OpOverload, given: Mapping[str, Any], out: Any) -> int:
    """Return the least that an operator reads and writes, in bytes; nothing for views and empty memory.

    A tensor that is repeated without a copy counts once. What looks up or fills in single places of a tensor touches
    no more of it than it gives or takes.

    Args:
        operator: that ran.
        given: its arguments, by name.
        out: what it returned.
    """
    name = bare_name(operator)
    if name in IDLE or is_view(operator):
        return 0
    first, *others = [*tensors(given), None]
    taken = _distinct_bytes([tensor for tensor in others if tensor is not None and tensor is not first])
    if name in FILLING_IN:
        return 2 * taken
    put = _distinct_bytes(tensors(out))
    if first is None:
        return put
    if name in LOOKING_UP:
        return min(_bytes(first), put) + taken + put
    return (0 if name in OVERWRITING else _bytes(first)) + taken + put


def _distinct_bytes(several: Iterable[Tensor]) -> int:
    """Return the bytes of tensors, each once."""
    return sum(_bytes(tensor) for tensor in {id(tensor): tensor for tensor in several}.values())


def _bytes(tensor: Tensor) -> int:
    """Return the bytes of a tensor's own elements, without those that are one place seen again and again."""
    if tensor.layout is not torch.strided:
        return 0
    places = zip(tensor.shape, tensor.stride(), strict=True)
    return math.prod(size if stride else min(size, 1) for size, stride in places) * tensor.element_size()
