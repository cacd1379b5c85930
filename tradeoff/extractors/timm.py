"""Extractors out of timm: any backbone that is a chain of modules, cut into a body and a second-stage tail.

The body ends with the last level that is asked for. For two-stage detectors that is the last but one entry of the
backbone's `feature_info` (conv4 of a ResNet), and the tail is what leads from there to the last entry (conv5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models.efficientnet import _gen_mobilenet_v1
from torch import Tensor, nn

from tradeoff.core.errors import CombinationError, ConfigError, WeightsError
from tradeoff.core.types import Level
from tradeoff.extractors.chain import Chain, ChainExtractor
from tradeoff.extractors.state import backbone_state, load_backbone

__all__ = ["backbone_state", "mobilenet", "timm_extractor"]

LARGEST_STRIDE = 32  # of a backbone as it is
PROBE_PX = 96  # side of the picture on which the cut backbone is compared with the whole one


@dataclass(frozen=True)
class Feature:
    """One entry of timm's feature_info: a module whose output is a feature map."""

    module: str
    channels: int
    stride_px: int

    def level(self) -> Level:
        """Return the facts of its output."""
        return Level(self.module, self.channels, self.stride_px)


@dataclass(frozen=True)
class Cut:
    """Where to cut: the outputs that are levels, and the output of the tail, if there is one."""

    levels: tuple[Feature, ...]
    tail: Feature | None

    @property
    def features(self) -> tuple[Feature, ...]:
        """The outputs that are used, in order."""
        return (*self.levels, self.tail) if self.tail else self.levels


def timm_extractor(
    *,
    model: str,
    tail_stride: int,
    pretrained: bool,
    weights: Path | None,
    level_strides: tuple[int, ...],
    tail: bool,
    stride: int,
) -> ChainExtractor:
    """Build an extractor of a backbone by its name in timm.

    Args:
        model: name in timm.
        tail_stride: stride of the tail; 1 keeps the resolution, without dilation.
        pretrained: start from ImageNet weights, downloaded.
        weights: start from this file instead.
        level_strides: strides of the levels, px.
        tail: whether there is a second stage.
        stride: of the two-stage feature map, px; below 16 the last stages are dilated ("atrous").

    Raises:
        ConfigError: no such model.
        CombinationError: this backbone cannot be cut so.
        WeightsError: the weights cannot be had, or do not fit.

    Source: Huang et al. 2017, section 3.1; for ResNets, conv5 with stride 1 as in the TF Object Detection API.
    Differs: timm's ResNets have the stride of a stage in its first unit, slim's in its last.
    """
    reached = min(stride * tail_stride, LARGEST_STRIDE) if tail else LARGEST_STRIDE
    backbone = create(model, pretrained and weights is None, reached)
    return extractor(backbone, model, find(backbone, model, level_strides, stride * tail_stride if tail else None), weights)


def mobilenet(*, model: str, width: float, weights: Path | None, **cut: Any) -> ChainExtractor:
    """Build MobileNet v1 with a width multiplier; the other arguments are those of `timm_extractor`.

    Source: Howard et al. 2017 (arXiv 1704.04861), section 3.3.
    Differs: channels are rounded to multiples of 8, as timm does.
    """
    if width == 1:
        return timm_extractor(model=model, weights=weights, **cut)
    raise NotImplementedError


def create(model: str, pretrained: bool, output_stride: int) -> nn.Module:
    """Make the whole backbone, without classifier."""
