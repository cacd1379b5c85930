"""The form in which a trained detector infers: the same function, in fewer passes over memory.

Batch norm does at inference what a convolution can do by itself, so it is folded into the one before it. On a CPU the
convolutions lay out their weights at each call; here once. Both leave the results as they are, up to rounding. What
is scored and timed is this form; parameters and multiply-adds are told of the network as it was trained.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.fusion import fuse_conv_bn_weights


@torch.no_grad()
def deploy(detector: nn.Module, size: int, precision: str) -> nn.Module:
    """Bring a detector in evaluation mode, which is changed, into the form in which it infers.

    Args:
        detector: `pieces(size)` yields its networks, each with the shape of an input that it runs on.
        size: px.
        precision: of inference; weights are laid out for "fp32" and "tf32" on a CPU.
    """
    for network, shape in detector.pieces(size):  # type: ignore[operator]
        fold_batch_norm(network, shape)
    weight = next(detector.parameters())
    if weight.device.type == "cpu" and precision in ("fp32", "tf32") and torch.backends.mkldnn.is_available():
        lay_out(detector)
    return detector


def fold_batch_norm(network: nn.Module, shape: tuple[int, ...]) -> None:
    """Fold each batch norm into the plain convolution before it, where nothing else sees what that puts out.

    Args:
        network: in evaluation mode; it is run on the meta device, where nothing is computed.
        shape: of an input.
    """
    for convolution, norm, name in foldable(network, shape):
        weight, bias = fuse_conv_bn_weights(
            convolution.weight,
            convolution.bias,
            norm.running_mean,
            norm.running_var,
            norm.eps,
            norm.weight,
            norm.bias,
        )
        convolution.weight, convolution.bias = weight, bias
        parent, _, child = name.rpartition(".")
        after = [part for part in (getattr(norm, "drop", None), getattr(norm, "act", None)) if part is not None]
        setattr(network.get_submodule(parent), child, nn.Sequential(*after))  # timm's norms hold an activation


def foldable(network: nn.Module, shape: tuple[int, ...]) -> list[tuple[nn.Conv2d, Any, str]]:
    """Return the pairs of convolution and batch norm that are one function, with the name of the norm.

    The graph of gradients tells: the norm takes what the convolution gave, and that has no other reader.
    """
    given: dict[Any, nn.Conv2d] = {}
    taken: list[tuple[Any, Any, str]] = []
    calls: Counter[nn.Module] = Counter()

    def convolved(module: nn.Module, _inputs: Any, out: Tensor) -> None:
        calls[module] += 1
        given[out.grad_fn] = module  # type: ignore[assignment]

    def normed(name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            calls[module] += 1
            taken.append((inputs[0].grad_fn, module, name))

        return hook

    hooks = []
    for name, module in network.named_modules():
        if type(module) is nn.Conv2d:
            hooks.append(module.register_forward_hook(convolved))
        elif isinstance(module, _BatchNorm) and not module.training and module.track_running_stats:
            hooks.append(module.register_forward_pre_hook(normed(name)))
    try:
        readers = count_readers(run_on_meta(network, shape))
    finally:
        for hook in hooks:
            hook.remove()
    return [
        (given[node], norm, name)
        for node, norm, name in taken
        if node in given and readers[node] == 1 and calls[norm] == calls[given[node]] == 1
    ]


def run_on_meta(network: nn.Module, shape: tuple[int, ...]) -> list[Tensor]:
    """Run a network where nothing is computed, with a graph of gradients, and return all that it puts out."""
    tensors = (*network.named_parameters(), *network.named_buffers())
    with torch.inference_mode(False), torch.enable_grad():
        state = {
            name: torch.empty_like(tensor, device="meta", requires_grad=isinstance(tensor, nn.Parameter))
            for name, tensor in tensors
        }
        out = torch.func.functional_call(network, state, torch.empty(shape, device="meta"))
    return list(leaves(out))


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
    """Count, for each node of a graph of gradients, who reads what it computed; an output has a reader outside."""
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


class LaidOutConv2d(nn.Module):
    """A convolution on a CPU whose weights lie as oneDNN wants them.

    Differs: nn.Conv2d brings its weights into that layout at every call.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        sides = (convolution.padding, convolution.stride, convolution.dilation)
        self.how = (*(list(map(int, pair)) for pair in sides), convolution.groups)
        self.weight = torch.ops.mkldnn._reorder_convolution_weight(convolution.weight.detach(), *self.how)
        self.bias = convolution.bias

    def forward(self, features: Tensor) -> Tensor:
        """Convolve (N, C, H, W)."""
        out: Tensor = torch.ops.mkldnn._convolution_pointwise(
            features, self.weight, self.bias, *self.how, "none", [], ""
        )
        return out


def lay_out(network: nn.Module) -> None:
    """Replace the plain convolutions of a network."""
    for name, module in list(network.named_modules()):
        if type(module) is nn.Conv2d and not isinstance(module.padding, str):
            parent, _, child = name.rpartition(".")
            setattr(network.get_submodule(parent), child, LaidOutConv2d(module))
