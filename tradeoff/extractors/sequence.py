"""Backbones that are a chain of convolutional modules, cut in two; and the proof that nothing changed."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from tradeoff.core.errors import CombinationError
from tradeoff.core.types import Level
from tradeoff.extractors.chain import Chain
from tradeoff.extractors.probe import check_map, picture, probing, record


def cut_chain(backbone: nn.Module, levels: Sequence[Level], tail: Level | None) -> tuple[Chain, Chain | None]:
    """Cut a backbone after its last level; the tail is what follows, up to its own output.

    Raises:
        CombinationError: when the backbone is no chain of modules, so the pieces compute something else.
    """
    modules = flatten(backbone, [level.name for level in (*levels, tail) if level])
    names, last = list(modules), levels[-1]
    end = names.index(last.name) + 1
    body = Chain({name: modules[name] for name in names[:end]}, last.channels)
    if tail is None:
        return body, None
    after = names[end : names.index(tail.name) + 1]
    return body, Chain({name: modules[name] for name in after}, tail.channels)


def flatten(backbone: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    """List the modules of a backbone in order, those that hold one of the named modules part by part.

    Raises:
        CombinationError: when a module that has to be taken apart is no Sequential, or a name is not there.
    """
    modules = {key: module for name, child in backbone.named_children() for key, module in parts(name, child, names)}
    lacking = [name for name in names if name not in modules]
    if lacking:
        raise CombinationError(f"the backbone has no module {', '.join(lacking)}, so it cannot be cut there")
    return modules


def parts(name: str, module: nn.Module, names: Sequence[str]) -> Iterator[tuple[str, nn.Module]]:
    """Yield a module, or its parts if a named module is inside."""
    if not any(wanted.startswith(f"{name}.") for wanted in names):
        yield name, module
    elif isinstance(module, nn.Sequential):
        for key, child in module.named_children():
            yield from parts(f"{name}.{key}", child, names)
    else:
        raise CombinationError(f"{name} ({type(module).__name__}) is no sequence of modules, so it cannot be cut")


def prove(backbone: Any, body: Chain, tail: Chain | None, outputs: Sequence[Level]) -> None:
    """Compare the pieces with the whole backbone on a picture, before anything is changed.

    Raises:
        CombinationError: when an output or its size differs.
    """
    names = [level.name for level in outputs]
    with probing(backbone):
        expected = record(backbone, backbone.forward_features, names)
        got = body.maps(picture(), names)
        if tail:
            got[names[-1]] = tail(got[names[-2]])
    for level in outputs:
        check_map(level, expected[level.name])
        check_same(level, got.get(level.name), expected[level.name])


def check_same(level: Level, got: Tensor | None, expected: Tensor) -> None:
    """Refuse an output that differs from the whole backbone's.

    Raises:
        CombinationError: when it does.
    """
    if got is None or got.shape != expected.shape or not torch.allclose(got, expected, rtol=1e-4, atol=1e-5):
        raise CombinationError(f"{level.name} is not reached by running the backbone's modules in order")


def undilate(module: nn.Module) -> None:
    """Make the convolutions of a tail dense: it keeps its stride of 1 without dilation, as slim's conv5 does."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d) and isinstance(layer.padding, tuple):
            layer.padding = tuple(pad // rate for pad, rate in zip(layer.padding, layer.dilation, strict=True))
            layer.dilation = (1, 1)
