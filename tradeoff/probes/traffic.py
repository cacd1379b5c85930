"""How many bytes an operator moves at the least: what it takes and what it gives, each once."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from tradeoff.probes.operators import FREE_BY_KIND, bare_name, is_view, tensors, words

IDLE_BY_KIND = {
    "memory that nobody writes to": "empty empty_like empty_strided new_empty new_empty_strided resize set",
    "views that do not say so": "reshape_alias unsafe_view lift lift_fresh",
    "batch norm, which is folded in what is timed": "batch_norm_with_update cudnn_batch_norm native_batch_norm "
    "native_batch_norm_legit native_batch_norm_legit_no_training",
}
IDLE = words(IDLE_BY_KIND)
OVERWRITING = frozenset({"copy", "fill", "zero", "normal", "uniform", "bernoulli", "exponential", "random"})
SAMPLING = {
    "rows": "embedding_bag embedding_bag_forward_only",
    "points": "grid_sampler_2d grid_sampler_2d_cpu_fallback grid_sampler_3d roi_align ps_roi_align roi_pool "
    "ps_roi_pool",
}
LOOKING_UP = words(SAMPLING | {"places": FREE_BY_KIND["looking up"]})
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
    given_tensors = list(tensors(given))
    put = _distinct_bytes(tensors(out))
    if not given_tensors:
        return put
    first = given_tensors[0]
    taken = _distinct_bytes(tensor for tensor in given_tensors if tensor is not first)
    if name in FILLING_IN:
        return 2 * taken
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
