"""ResNets of timm, with the stride of a stage in its first unit, or where slim has it, and conv5 dilated or dense."""

from itertools import pairwise
from typing import Any, Literal

from torch import nn

from tradeoff.core.errors import CombinationError
from tradeoff.extractors.chain import ChainExtractor
from tradeoff.extractors.timm import Request, create, cut_and_load

StrideUnit = Literal["first", "last"]


def resnet_extractor(*, stride_unit: StrideUnit, tail_dilation: int, **wanted: Any) -> ChainExtractor:
    """Build the extractor of a ResNet; the other arguments and errors are those of `timm_extractor`.

    `stride_unit` is the unit that has the stride: the "first" of a stage, as timm's weights were trained, or the
    "last" of the stage before. `tail_dilation` is that of conv5 where it keeps the resolution (`tail_stride` 1).
    Given `ssd_layers` are dilated where their strides ask for it, as in the study's SSD on conv4 of stride 8.

    Source: He et al. 2016 (arXiv 1512.03385); "last" is slim's, the one of the study.
    """
    request = Request(**wanted)
    atrous = {"output_stride": max(request.level_strides)}
    options = atrous if request.ssd_layers and not request.tail else request.timm_options()
    backbone = create(request.name, request.download, options)
    if stride_unit == "last":
        move_strides(backbone, request.model)
    extractor = cut_and_load(backbone, request)
    if request.tail and request.tail_stride == 1:
        dilate(extractor.unclaimed, tail_dilation, request.model)
    return extractor


def dilate(tail: nn.Module | None, rate: int, model: str) -> None:
    """Dilate conv5 after its first unit, whose stride of 2 has become 1: its kernels see as far as they did.

    Raises:
        CombinationError: for a network whose tail is not conv5.
    """
    units: Any = getattr(tail, "layer4", None)
    if rate == 1:
        return
    if not isinstance(units, nn.Sequential):
        raise CombinationError(f"extractor.tail_dilation={rate}: {model} has no stage layer4; give 1")
    for layer in units[1:].modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
            layer.dilation = layer.padding = (rate, rate)


def move_strides(backbone: nn.Module, model: str) -> None:
    """Move the strides of the body's stages into the last unit of the stage before; conv5 is the tail's.

    Raises:
        CombinationError: for a network without bottleneck units.
    """
    stages = [getattr(backbone, name, None) for name in ("layer1", "layer2", "layer3")]
    for before, after in pairwise(stages):
        if not isinstance(before, nn.Sequential) or not isinstance(after, nn.Sequential):
            raise CombinationError(f"extractor.stride_unit=last: {model} has no stages layer1 to layer3")
        last: Any = before[-1]
        first: Any = after[0]
        if not hasattr(first, "conv3") or not isinstance(first.downsample, nn.Sequential):
            raise CombinationError(f"extractor.stride_unit=last: {model} has no bottleneck units")
        if first.conv2.stride == (2, 2):
            first.conv2.stride = (1, 1)
            for layer in first.downsample.modules():
                if isinstance(layer, nn.Conv2d | nn.AvgPool2d):
                    layer.stride = (1, 1)
            last.conv2.stride = (2, 2)
            last.downsample = nn.MaxPool2d(1, 2)  # every second cell
