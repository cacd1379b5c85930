"""Cut a whole backbone into a body with levels and a second-stage tail.

A backbone is one network whose `feature_info` lists the modules that end a stage: name, channels, stride. A chain of
convolutional modules is cut between modules; any other backbone is run by its own code as far as its last level.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from tradeoff.core.errors import CombinationError
from tradeoff.core.types import Level
from tradeoff.extractors.chain import ChainExtractor, Triple
from tradeoff.extractors.probe import PROBE_PX, probing, record
from tradeoff.extractors.sequence import cut_chain, prove, undilate
from tradeoff.extractors.stages import cut_stages

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


def find_layers(backbone: Any, names: Sequence[str], strides: Sequence[int]) -> Cut:
    """Cut after the last of some modules, which give the levels of a single-stage detector.

    Raises:
        CombinationError: when there is no such module, or the strides are others.
    """
    known = dict(backbone.named_modules())
    lacking = [name for name in names if name not in known]
    if lacking:
        raise CombinationError(f"ssd_layers: the backbone has no module {listed(lacking)}")
    with probing(backbone):
        seen = record(backbone, backbone.forward_features, names)
        levels = tuple(Level(name, seen[name].shape[1], PROBE_PX // seen[name].shape[-1]) for name in names)
    found = [level.stride_px for level in levels]
    if found != list(strides):
        raise CombinationError(f"ssd_layers have strides {listed(found)}, expected ssd_strides {listed(strides)}")
    return Cut(levels, None)


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


def check_tail(tail: nn.Module | None) -> None:
    """Refuse a tail that has nothing to learn, such as the last pooling of a VGG.

    Raises:
        CombinationError: with what to take instead.
    """
    if tail is not None and next(tail.parameters(), None) is None:
        raise CombinationError(
            "its last stage has no weights, so there is no second stage to learn; of VGGs take extractor=vgg16, with "
            "fc6 and fc7, or meta_arch=ssd"
        )


def extract(backbone: nn.Module, cut: Cut) -> ChainExtractor:
    """Make the extractor of a cut; what neither body nor tail uses is dropped.

    Raises:
        CombinationError: when the backbone can be cut in neither way.
    """
    try:
        return extract_chain(backbone, cut)
    except CombinationError as reason:
        if not hasattr(backbone, "forward_intermediates"):
            raise
        known = {level.name: index for index, level in enumerate(stages(backbone))}
        indices = {level.name: known[level.name] for level in cut.levels if level.name in known}
        if len(indices) < len(cut.levels):
            raise
        try:
            body, tail = cut_stages(backbone, cut.levels, cut.tail, indices)
        except CombinationError as other:
            raise CombinationError(f"it is no chain of modules ({reason}); run by its own code: {other}") from other
        return ChainExtractor(body, cut.levels, tail, *colours(backbone))


def extract_chain(backbone: nn.Module, cut: Cut) -> ChainExtractor:
    """Make the extractor of a backbone that is a chain of modules.

    Raises:
        CombinationError: when it is none.
    """
    body, tail = cut_chain(backbone, cut.levels, cut.tail)
    prove(backbone, body, tail, cut.outputs)
    if tail:
        undilate(tail)
    return ChainExtractor(body, cut.levels, tail, *colours(backbone))


def colours(backbone: nn.Module) -> tuple[Triple, Triple]:
    """Return the mean and the standard deviation of RGB 0..1 that a backbone's weights were trained with."""
    config = getattr(backbone, "pretrained_cfg", {})
    return config.get("mean", IMAGENET_MEAN), config.get("std", IMAGENET_STD)


def listed(values: Iterable[object]) -> str:
    """Word a list of values."""
    return ", ".join(map(str, values)) or "none"
