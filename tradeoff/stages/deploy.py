"""The form in which a trained detector infers: the same function, in fewer passes over memory.

Batch norm does at inference what a convolution can do by itself, so it is folded into the one before it, which leaves
the results as they are, up to rounding. What is scored and timed is this form; parameters and multiply-adds are told
of the network as it was trained.
"""

import copy
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_weights

UNTRACEABLE = (RuntimeError, TypeError, ValueError, IndexError, AttributeError)


@torch.no_grad()
def deploy(detector: nn.Module, size: int) -> nn.Module:
    """Bring a detector in evaluation mode, which is changed, into the form in which it infers; once is enough.

    Args:
        detector: `pieces(size)` yields its networks, each with the shape of an input that it runs on.
        size: px.
    """
    for network, shape in detector.pieces(size):  # type: ignore[operator]
        fold_batch_norm(network, shape)
    return detector


def fold_batch_norm(network: nn.Module, shape: tuple[int, ...]) -> None:
    """Fold each batch norm into the plain convolution before it, where nothing else takes what that puts out.

    Args:
        network: in evaluation mode. A copy runs on the meta device, where nothing is computed; a network that cannot
            is told and left as it is.
        shape: of an input.
    """
    try:
        pairs = foldable(network, shape)
    except UNTRACEABLE as error:
        name = type(network).__name__
        warnings.warn(f"batch norm is not folded: {name} does not run on the meta device: {error}", stacklevel=2)
        return
    known = dict(network.named_modules())
    for convolution, norm in ((known[before], known[after]) for before, after in pairs):
        fold(convolution, norm)
        after = [part for name, part in norm.named_children() if name in ("drop", "act")]  # of timm's norms
        replace(network, norm, nn.Sequential(*after))


def fold(convolution: Any, norm: Any) -> None:
    """Let a convolution do what the batch norm after it does."""
    statistics = (norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias)
    convolution.weight, convolution.bias = fuse_conv_bn_weights(convolution.weight, convolution.bias, *statistics)


def replace(network: nn.Module, old: nn.Module, new: nn.Module) -> None:
    """Put a module in the place of another, under all of its names."""
    for name in [name for name, module in network.named_modules(remove_duplicate=False) if module is old]:
        parent, _, child = name.rpartition(".")
        setattr(network.get_submodule(parent), child, new)


def foldable(network: nn.Module, shape: tuple[int, ...]) -> list[tuple[str, str]]:
    """Return the names of convolution and batch norm that are one function.

    The graph of gradients tells: the norm takes what the convolution gave, and nothing else in the graph takes that.
    """
    traced = on_meta(network)
    given: dict[Any, str] = {}
    taken: list[tuple[Any, str]] = []
    calls: Counter[str] = Counter()

    def follow(name: str, module: nn.Module) -> None:
        def convolved(_module: nn.Module, _inputs: Any, out: Tensor) -> None:
            calls[name] += 1
            given[out.grad_fn] = name

        def normed(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            calls[name] += 1
            taken.append((inputs[0].grad_fn, name))

        if type(module) is nn.Conv2d:
            module.register_forward_hook(convolved)
        elif isinstance(module, _BatchNorm) and not module.training and module.track_running_stats:
            module.register_forward_pre_hook(normed)

    for name, module in traced.named_modules():
        follow(name, module)
    with torch.inference_mode(False), torch.enable_grad():
        readers = count_readers(list(leaves(traced(torch.empty(shape, device="meta")))))
    return [
        (given[node], name)
        for node, name in taken
        if node in given and readers[node] == 1 and calls[name] == calls[given[node]] == 1
    ]


def on_meta(network: nn.Module) -> nn.Module:
    """Copy a network without its numbers; its parameters take gradients."""
    with torch.inference_mode(False):
        blanks: dict[int, Any] = {
            id(tensor): nn.Parameter(torch.empty_like(tensor, device="meta")) for tensor in network.parameters()
        }
        blanks |= {id(tensor): torch.empty_like(tensor, device="meta") for tensor in network.buffers()}
        return copy.deepcopy(network, blanks)


def leaves(value: Any) -> Iterator[Tensor]:
    """Yield the tensors of a nested result."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from leaves(part)


def count_readers(outputs: list[Tensor]) -> Counter[Any]:
    """Count, for each node of a graph of gradients, who takes what it computed; an output has a taker outside."""
    readers: Counter[Any] = Counter(out.grad_fn for out in outputs)
    pending, seen = list(readers), set(readers)
    while pending:
        node = pending.pop()
        for before, _ in node.next_functions if node is not None else ():
            if before is not None:
                readers[before] += 1
                if before not in seen:
                    seen.add(before)
                    pending.append(before)
    return readers
