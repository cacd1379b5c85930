"""What can be asked for as `meta_arch=`."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from tradeoff.core.errors import CombinationError, ConfigError
from tradeoff.recipes.base import option, spelled
from tradeoff.recipes.meta_arch import Anchored


@dataclass(frozen=True, kw_only=True)
class SSD(Anchored):
    """Single-shot detector. Source: Liu et al. 2016 as implemented for Huang et al. 2017, section 3."""

    TARGET: ClassVar[str] = "tradeoff.detectors.ssd:ssd"
    TWO_STAGE: ClassVar[bool] = False
    RESIZER: ClassVar[Literal["fixed", "keep_aspect"]] = "fixed"
    MEANT_FOR: ClassVar[Mapping[str, tuple[str, tuple[object, ...]]]] = {
        **Anchored.MEANT_FOR,
        "matched_iou": ("matcher", ("argmax",)),
        "class_bias": ("classification_loss", ("sigmoid", "focal")),
        "scale_min": ("scales", ((),)),
        "scale_max": ("scales", ((),)),
        "aspect_ratios": ("level_aspect_ratios", ((),)),
        "level_aspect_ratios": ("reduce_boxes_in_lowest_level", (False,)),
    }

    extra_depths: tuple[int, ...] = option((512, 256, 256, 128), "channels of the extra layers, halved before", low=2)
    extra_kernels: tuple[int, ...] = option((), "kernel of each extra layer, px; empty is 3", low=1, high=7)
    extra_strides: tuple[int, ...] = option((), "stride of each extra layer; empty is 2", low=1, high=4)
    extra_paddings: tuple[int, ...] = option((), "padding of each extra layer, cells; empty is 1", low=0, high=3)
    extra_batch_norm: bool = option(True, "batch norm in the extra layers")
    extra_activation: Literal["relu6", "relu"] = option("relu6", "activation of the extra layers")
    kernel: Literal[1, 3] = option(3, "kernel of the box and class predictors, px")
    init_deviation: float | None = option(
        0.03, "truncated normal initial weights of all that is added; null is Xavier", low=1e-6
    )
    class_bias: float = option(0.0, "initial bias of the class logits; -4.6 is a prior of 0.01")
    scale_min: float = option(0.2, "anchor scale of the first level, as a fraction of the image", low=0.01, high=1)
    scale_max: float = option(0.95, "anchor scale of the last level", low=0.01, high=1)
    scales: tuple[float, ...] = option(
        (), "scales outright, of each level and the one after; empty: linear", low=0.01
    )
    aspect_ratios: tuple[float, ...] = option(
        (1.0, 2.0, 0.5, 3.0, 0.3333), "width / height of the anchors", low=0.01, least=1
    )
    level_aspect_ratios: tuple[tuple[float, ...], ...] = option(
        (), "outright, a list per level; empty: the same for all"
    )
    reduce_boxes_in_lowest_level: bool = option(True, "first level: 0.1 square, its scale at ratios 2 and 1/2")
    geometric_mean_anchor: bool = option(True, "a square anchor more, between the level's scale and the next")
    anchor_steps_px: tuple[float, ...] = option(
        (), "cell distance of each level; 0 spreads evenly; empty: all", low=0
    )
    clip_anchor_sides: bool = option(False, "no anchor wider or higher than the image")
    matched_iou: float = option(0.5, "an anchor above this overlap is positive, below it negative", low=0, high=1)
    classification_loss: Literal["softmax", "sigmoid", "focal"] = option("sigmoid", "loss of the classes")
    negatives_per_positive: float | None = option(3.0, "hard negatives kept for each positive; null is all", low=0)
    min_negatives: int = option(0, "fewest hard negatives kept in an image", low=0)
    localization_weight: float = option(1.0, "weight of the box loss", low=0)
    classification_weight: float = option(1.0, "weight of the class loss", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        faults = [fault for name in ("kernels", "strides", "paddings") if (fault := self.uneven(f"extra_{name}"))]
        if self.min_negatives and self.negatives_per_positive is None:
            faults.append(f"min_negatives={self.min_negatives}: has no meaning with negatives_per_positive=null")
        ratios = [ratio for own in self.level_aspect_ratios for ratio in own]
        if () in self.level_aspect_ratios or not all(0 < ratio < math.inf for ratio in ratios):
            faults.append(
                f"level_aspect_ratios={spelled(self.level_aspect_ratios)}: expected lists of numbers above 0"
            )
        if faults:
            raise ConfigError(faults)

    def uneven(self, name: str) -> str | None:
        """Return the fault of a list that has not one entry per extra layer, else None."""
        given, expected = getattr(self, name), len(self.extra_depths)
        if len(given) in (0, expected):
            return None
        return f"{name}={spelled(given)}: expected {expected} entries, as many as extra_depths, or none"

    def check_parts(self, *, size: int, level_strides: tuple[int, ...], batch_size: int | None) -> None:
        """Refuse a batch of one image, levels that the anchors are not meant for, and maps that vanish.

        Raises:
            CombinationError: with the reason.
        """
        if batch_size == 1 and self.extra_batch_norm:
            raise CombinationError("train.batch_size=1: SSD needs 2 or more, for the batch norm of its 1×1 maps")
        self.check_anchors(level_strides)
        self.check_maps(-(-size // level_strides[-1]))

    def check_anchors(self, level_strides: tuple[int, ...]) -> None:
        """Refuse anchors that are given outright for other levels than there are.

        Raises:
            CombinationError: with the levels of the extractor.
        """
        given = f"this extractor gives levels of stride {spelled(level_strides)}"
        levels = len(level_strides) + len(self.extra_depths)
        lengths = {"scales": levels + 1, "level_aspect_ratios": levels, "anchor_steps_px": levels}
        for name, expected in lengths.items():
            if len(getattr(self, name)) not in (0, expected):
                raise CombinationError(
                    f"meta_arch.{name}={spelled(getattr(self, name))}: expected {expected} entries or none; {given}, "
                    f"and extra_depths adds {len(self.extra_depths)}"
                )
        if any(step not in (0, stride) for step, stride in zip(self.anchor_steps_px, level_strides, strict=False)):
            raise CombinationError(
                f"meta_arch.anchor_steps_px={spelled(self.anchor_steps_px)}: {given}; extractor.ssd_strides chooses "
                "others, and [] spreads the anchors evenly"
            )

    def check_maps(self, cells: int) -> None:
        """Refuse an image so small that an extra layer finds fewer cells than its kernel.

        Raises:
            CombinationError: with the layer.
        """
        count = len(self.extra_depths)
        kernels, strides = self.extra_kernels or (3,) * count, self.extra_strides or (2,) * count
        for kernel, stride, padding in zip(kernels, strides, self.extra_paddings or (1,) * count, strict=True):
            if cells + 2 * padding < kernel:
                raise CombinationError(
                    f"an extra layer of SSD with a kernel of {kernel} and a padding of {padding} finds a map of "
                    f"{cells}×{cells} cells; a larger size, finer levels or meta_arch.extra_paddings give it more"
                )
            cells = (cells + 2 * padding - kernel) // stride + 1


@dataclass(frozen=True, kw_only=True)
class TwoStage(Anchored):
    """What Faster R-CNN and R-FCN share: the region proposal network and the sampling.

    `location_loss` and `box_coding` are those of both stages. `matcher` is that of the anchors alone, for proposals
    lie on no grid and the second stage learns from all that overlap an object. `classification_loss` is that of the
    second stage alone: a proposal network asks one question, and sigmoid and softmax of it are the same.
    """

    TWO_STAGE: ClassVar[bool] = True
    RESIZER: ClassVar[Literal["fixed", "keep_aspect"]] = "keep_aspect"
    MEANT_FOR: ClassVar[Mapping[str, tuple[str, tuple[object, ...]]]] = {
        **Anchored.MEANT_FOR,
        "rpn_positive_iou": ("matcher", ("argmax",)),
        "rpn_negative_iou": ("matcher", ("argmax",)),
    }

    classification_loss: Literal["softmax", "sigmoid", "focal"] = option(
        "softmax", "loss of the second stage's classes"
    )
    anchor_base_px: float = option(256.0, "side of an anchor of scale 1 at size=600", low=1)
    anchors_grow: bool = option(
        True, "anchors are size / 600 times these sides; false: the same pixels at every size"
    )
    anchor_scales: tuple[float, ...] = option(
        (0.25, 0.5, 1.0, 2.0), "anchor sides as multiples of the base", low=0.01, least=1
    )
    anchor_ratios: tuple[float, ...] = option((0.5, 1.0, 2.0), "width / height of the anchors", low=0.01, least=1)
    anchor_stride_px: float | None = option(None, "distance of neighbouring anchors; null is `stride`", low=1)
    rpn_depth: int = option(512, "channels of the 3×3 convolution of the proposal network", low=1)
    rpn_init_deviation: float | None = option(
        0.01, "truncated normal initial weights of the proposal network; null is Xavier", low=1e-6
    )
    rpn_nms_iou: float = option(0.7, "overlap above which a proposal is dropped for a better one", low=0, high=1)
    rpn_positive_iou: float = option(0.7, "an anchor above this overlap is an object", low=0, high=1)
    rpn_negative_iou: float = option(0.3, "an anchor below this overlap is background", low=0, high=1)
    rpn_batch: int = option(256, "anchors sampled per image for the loss", low=2)
    rpn_positive_fraction: float = option(0.5, "largest share of objects among the sampled anchors", low=0, high=1)
    box_positive_iou: float = option(0.5, "a proposal above this overlap is an object", low=0, high=1)
    rpn_localization_weight: float = option(2.0, "weight of the proposal box loss", low=0)
    rpn_objectness_weight: float = option(1.0, "weight of the proposal class loss", low=0)
    box_localization_weight: float = option(2.0, "weight of the second-stage box loss", low=0)
    box_classification_weight: float = option(1.0, "weight of the second-stage class loss", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rpn_negative_iou > self.rpn_positive_iou:
            raise ConfigError(
                f"rpn_negative_iou={self.rpn_negative_iou:g}: expected at most "
                f"rpn_positive_iou={self.rpn_positive_iou:g}"
            )


@dataclass(frozen=True, kw_only=True)
class FasterRCNN(TwoStage):
    """Crop, then tail. Source: Ren et al. 2015 as implemented for Huang et al. 2017, section 3."""

    TARGET: ClassVar[str] = "tradeoff.detectors.faster_rcnn:faster_rcnn"

    crop: int = option(14, "side of the cropped feature map, cells", low=2, high=64)
    maxpool: Literal[1, 2, 4] = option(2, "max-pool after the crop; 1 is none")
    box_init_deviation: float | None = option(
        None, "truncated normal initial weights of the box head; null is Xavier", low=1e-6
    )
    box_batch: int = option(64, "proposals sampled per image for the second stage", low=1)
    box_positive_fraction: float = option(0.25, "largest share of objects among the sampled proposals", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class RFCN(TwoStage):
    """Score the image, then crop. Source: Dai et al. 2016 as implemented for Huang et al. 2017, section 3."""

    TARGET: ClassVar[str] = "tradeoff.detectors.rfcn:rfcn"

    bins: int = option(7, "position-sensitive bins on a side", low=1, high=16)
    crop: int = option(21, "sampling points on a side over all bins; a multiple of bins", low=1, high=64)
    depth: int = option(1024, "channels before the position-sensitive maps", low=1)
    box_init_deviation: float | None = option(
        0.01, "truncated normal initial weights of the position-sensitive maps; null is Xavier", low=1e-6
    )
    hard_examples: int | None = option(
        128, "proposals with the largest loss that are trained on (OHEM); null is all", low=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop % self.bins:
            raise ConfigError(f"crop={self.crop}: expected a multiple of bins={self.bins}, such as {3 * self.bins}")
