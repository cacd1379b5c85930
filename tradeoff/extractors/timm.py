"""Extractors out of timm: any backbone by its name.

The body ends with the last level that is asked for. For two-stage detectors that is the last stage but one (conv4 of
a ResNet), and the tail is the last (conv5).
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
from timm.models.efficientnet import _gen_mobilenet_v1
from torch import nn

from tradeoff.core.errors import CombinationError, WeightsError
from tradeoff.extractors.chain import ChainExtractor
from tradeoff.extractors.cut import Cut, check_tail, extract, find_layers, find_levels, find_tail
from tradeoff.extractors.state import backbone_state, load_backbone
from tradeoff.recipes import timm_names

__all__ = ["backbone_state", "create", "cut_and_load", "mobilenet_extractor", "timm_extractor"]

LARGEST_STRIDE = 32  # of a backbone as it is


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is wanted of a backbone.

    Args:
        model: name in timm.
        tail_stride: stride of the tail; 1 keeps the resolution, without dilation.
        ssd_layers: modules that give the levels of a single-stage detector; () is the last of each stride.
        imagenet: tag of the ImageNet weights; None is timm's own choice, or stands in the name.
        pretrained: start from ImageNet weights, downloaded; a file of `weights` goes before.
        weights: start from this file.
        level_strides: strides of the levels, px; with a tail there is one, and at 8 the stage before the tail is
            dilated ("atrous").
        tail: whether there is a second stage.
    """

    model: str
    tail_stride: int
    ssd_layers: tuple[str, ...]
    imagenet: str | None
    pretrained: bool
    weights: Path | None
    level_strides: tuple[int, ...]
    tail: bool

    @property
    def download(self) -> bool:
        """Whether the weights come from the hub."""
        return self.pretrained and self.weights is None

    @property
    def name(self) -> str:
        """The model, with the tag of its weights where these are downloaded."""
        tagged = self.download and self.imagenet and "." not in self.model
        return f"{self.model}.{self.imagenet}" if tagged else self.model

    def timm_options(self) -> dict[str, int]:
        """Return what timm needs to know to keep the resolution, by dilation."""
        stride = self.level_strides[0] * self.tail_stride if self.tail else LARGEST_STRIDE
        return {"output_stride": stride} if stride < LARGEST_STRIDE else {}


def timm_extractor(**wanted: Any) -> ChainExtractor:
    """Build the extractor of a backbone; `wanted` are the fields of a `Request`.

    Raises:
        ConfigError: no such model.
        CombinationError: this backbone cannot be cut so.
        WeightsError: the weights cannot be had, or do not fit.

    Source: Huang et al. 2017, section 3.1; conv5 of ResNets with stride 1 as in the TF Object Detection API.
    Differs: timm's ResNets have the stride of a stage in its first unit, slim's in its last.
    """
    request = Request(**wanted)
    return cut_and_load(create(request.name, request.download, request.timm_options()), request)


def mobilenet_extractor(*, width: float, batch_norm_eps: float, **wanted: Any) -> ChainExtractor:
    """Build MobileNet v1 with a width multiplier; the other arguments and errors are those of `timm_extractor`.

    `width` multiplies all channel counts; `batch_norm_eps` is added to the variances.

    Source: Howard et al. 2017 (arXiv 1704.04861), section 3.3; ReLU6 as in the TF Object Detection API.
    Differs: channels are rounded to multiples of 8, as timm does.
    """
    request = Request(**wanted)
    if width == 1:
        backbone = create(request.name, request.download, request.timm_options())
    else:
        backbone = _gen_mobilenet_v1(request.model, channel_multiplier=width, num_classes=0, **request.timm_options())
    for layer in backbone.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps = batch_norm_eps
    return cut_and_load(backbone, request)


def create(model: str, pretrained: bool, options: dict[str, int]) -> nn.Module:
    """Make a whole backbone, without classifier.

    Raises:
        ConfigError: no such model.
        CombinationError: the model does not take the options.
        WeightsError: its ImageNet weights cannot be had.
    """
    timm_names.check(model)
    *others, last = offers(model, options)
    for chosen in others:
        with suppress(CombinationError):
            return attempt(model, pretrained, chosen)
    return attempt(model, pretrained, last)


def attempt(model: str, pretrained: bool, options: Mapping[str, Any]) -> nn.Module:
    """Make a backbone with some options; the errors are those of `create`."""
    try:
        backbone: nn.Module = timm.create_model(model, pretrained=pretrained, num_classes=0, **options)
    except (TypeError, AssertionError, NotImplementedError) as error:
        given = " with " + ", ".join(f"{name}={value}" for name, value in options.items()) if options else ""
        hint = "; try extractor.tail_stride=2" if "output_stride" in options else ""
        raise CombinationError(f"timm cannot build {model}{given} ({error}){hint}") from error
    except Exception as error:  # network, hub or file: of weights, whatever it is, it is told and never passed over
        if not pretrained:
            raise
        raise WeightsError(unavailable(model, error)) from error
    return backbone


def unavailable(model: str, error: Exception) -> str:
    """Say what to do about weights that cannot be had."""
    return (
        f"the ImageNet weights of {model} cannot be had ({type(error).__name__}: {error}). Download them where there "
        "is a network and give extractor.weights=PATH, or extractor.pretrained=false to start from scratch"
    )


def offers(model: str, options: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Yield the options to try. A transformer of a fixed input size has no dilation, but often takes other sizes."""
    config = timm.get_pretrained_cfg(model)
    if config is not None and config.fixed_input_size:
        yield {"dynamic_img_size": True}
        yield {"strict_img_size": False}
        yield {}
    else:
        yield options


def cut_and_load(backbone: nn.Module, request: Request) -> ChainExtractor:
    """Cut a backbone as requested, and fill it from a file if there is one."""
    try:
        extractor = extract(backbone, find_cut(backbone, request))
        check_tail(extractor.unclaimed)
    except CombinationError as error:
        raise CombinationError(f"extractor.model={request.model}: {error}") from error.__cause__
    if request.weights is not None:
        load_backbone(extractor, request.weights)
    return extractor


def find_cut(backbone: nn.Module, request: Request) -> Cut:
    """Find where a backbone is cut."""
    if request.tail:
        return find_tail(backbone, request.level_strides[0], request.tail_stride)
    if request.ssd_layers:
        return find_layers(backbone, request.ssd_layers, request.level_strides)
    return find_levels(backbone, request.level_strides)
