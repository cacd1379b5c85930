"""Cut a whole backbone into a body with levels and a second-stage tail, and prove that nothing changed.

A backbone is one network whose `feature_info` lists the modules that end a stage: name, channels, stride.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tradeoff.core.errors import CombinationError
from tradeoff.core.types import Level
from tradeoff.extractors.chain import Chain, ChainExtractor

PROBE_PX = 96  # side of the picture on which the pieces are compared with the whole
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Cut:
    """Where a backbone is cut. levels: outputs that are used, finest first; tail: output of the tail, or None."""

    levels: tuple[Level, ...]
    tail: Level | None

    @property
    def outputs(self) -> tuple[Level, ...]:
        """The levels and the output of the tail."""
        return (*self.levels, self.tail) if self.tail else self.levels


def stages(backbone: nn.Module) -> list[Level]:
    """Return the outputs of a backbone's stages, finest first."""
    info = getattr(backbone, "feature_info", None) or []
    return [Level(entry["module"], entry["num_chs"], entry["reduction"]) for entry in info]


def find_levels(backbone: nn.Module, strides: Sequence[int]) -> Cut:
    """Cut after the last stage of the largest stride, for a single-stage detector.

    Raises:
        CombinationError: when there is no stage of a stride.
    """
    deepest = {level.stride_px: level for level in stages(backbone)}
    lacking = [stride for stride in strides if stride not in deepest]
    if lacking:
        raise CombinationError(f"no level of stride {listed(lacking)}; the backbone has {listed(deepest)}")
    return Cut(tuple(deepest[stride] for stride in sorted(strides)), None)


def find_tail(backbone: nn.Module, stride: int, tail_stride: int) -> Cut:
    """Cut before the last stage, which becomes the tail of a two-stage detector.

    Raises:
        CombinationError: when the last two stages have other strides.
    """
    last = stages(backbone)[-2:]
    if [level.stride_px for level in last] != [stride, stride * tail_stride]:
        found = listed([level.stride_px for level in last])
        raise CombinationError(
            f"the last two stages have strides {found}, expected {stride} and {stride * tail_stride}; "
            "change stride or extractor.tail_stride"
        )
    return Cut((last[0],), last[1])


def extract(backbone: nn.Module, cut: Cut) -> ChainExtractor:
    """Make the extractor of a cut; what neither body nor tail uses is dropped.

    Raises:
        CombinationError: when the backbone is no chain of modules, so the pieces compute something else.
    """
    modules = flatten(backbone, [level.name for level in cut.outputs])
    names = list(modules)
    end = names.index(cut.levels[-1].name) + 1
    body = Chain({name: modules[name] for name in names[:end]}, cut.levels[-1].channels)
    tail = None
    if cut.tail:
        after = names[end : names.index(cut.tail.name) + 1]
        tail = Chain({name: modules[name] for name in after}, cut.tail.channels)
    prove(backbone, [body, tail] if tail else [body], cut)
    if tail:
        undilate(tail)
    config = getattr(backbone, "pretrained_cfg", {})
    mean, std = config.get("mean", IMAGENET_MEAN), config.get("std", IMAGENET_STD)
    return ChainExtractor(body, cut.levels, tail, mean, std)


def flatten(backbone: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    """List the modules of a backbone in order, those that hold one of the named modules part by part.

    Raises:
        CombinationError: when a module that has to be taken apart is no Sequential, or a name is not there.
    """
    modules = {key: module for name, child in backbone.named_children() for key, module in parts(name, child, names)}
    lacking = [name for name in names if name not in modules]
    if lacking:
        raise CombinationError(f"the backbone has no module {listed(lacking)}, so it cannot be cut there")
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


def prove(backbone: Any, pieces: Sequence[Chain], cut: Cut) -> None:
    """Compare the pieces with the whole backbone on a picture, before anything is changed.

    Raises:
        CombinationError: when an output or its size differs.
    """
    training = backbone.training
    backbone.eval()
    try:
        expected = record(backbone, backbone.forward_features, cut)
        got = record(backbone, nn.Sequential(*pieces), cut)
    except (RuntimeError, AssertionError, AttributeError, TypeError, ValueError, IndexError) as error:
        raise CombinationError(f"the backbone is no chain of convolutional modules ({error})") from error
    finally:
        backbone.train(training)
    for level in cut.outputs:
        compare(level, got[level.name], expected[level.name])


def record(backbone: nn.Module, run: Callable[[Tensor], Tensor], cut: Cut) -> dict[str, Tensor]:
    """Run something on a picture and return what the modules at the cut put out."""
    seen: dict[str, Tensor] = {}
    hooks = [
        backbone.get_submodule(level.name).register_forward_hook(
            lambda module, given, output, name=level.name: seen.update({name: output.clone()})
        )
        for level in cut.outputs
    ]
    try:
        with torch.no_grad():
            run(torch.linspace(-2, 2, 3 * PROBE_PX**2).view(1, 3, PROBE_PX, PROBE_PX))
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def compare(level: Level, got: Tensor, expected: Tensor) -> None:
    """Refuse an output that differs from the whole backbone's, or from what its level promises.

    Raises:
        CombinationError: with what differs.
    """
    side = -(-PROBE_PX // level.stride_px)
    shape = (1, level.channels, side, side)
    if expected.shape != shape:
        raise CombinationError(
            f"{level.name} gives {tuple(expected.shape)} for {PROBE_PX}×{PROBE_PX} px, expected {shape}: "
            "its layers are not padded, or it is no convolutional backbone"
        )
    if got.shape != shape or not torch.allclose(got, expected, rtol=1e-4, atol=1e-5):
        raise CombinationError(f"{level.name} is not reached by running the backbone's modules in order")


def undilate(module: nn.Module) -> None:
    """Make the convolutions of a tail dense: it keeps its stride of 1 without dilation, as slim's conv5 does."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d) and isinstance(layer.padding, tuple):
            layer.padding = tuple(pad // rate for pad, rate in zip(layer.padding, layer.dilation, strict=True))
            layer.dilation = (1, 1)


def listed(values: Iterable[object]) -> str:
    """Word a list of values."""
    return ", ".join(map(str, values)) or "none"
