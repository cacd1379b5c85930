"""What can be asked for as `meta_arch=`."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from tradeoff.core.errors import ConfigError
from tradeoff.recipes.base import Recipe, option


@dataclass(frozen=True, kw_only=True)
class MetaArch(Recipe):
    """What the path of a run needs to know of a meta-architecture before it is built."""

    #: whether it has the axes `stride` and `proposals`
    TWO_STAGE: ClassVar[bool]
    #: how images are resized: "fixed" is size × size; "keep_aspect" makes the shorter side `size`
    RESIZER: ClassVar[Literal["fixed", "keep_aspect"]]
    PLANNING: ClassVar[tuple[str, ...]] = ("title",)

    title: str | None = option(None, "what figures call it; null is the name of its file", where=True)


@dataclass(frozen=True, kw_only=True)
class SSD(MetaArch):
    """Single-shot detector. Source: Liu et al. 2016 as implemented for Huang et al. 2017, section 3."""

    TARGET: ClassVar[str] = "tradeoff.detectors.ssd:SSD"
    TWO_STAGE: ClassVar[bool] = False
    RESIZER: ClassVar[Literal["fixed", "keep_aspect"]] = "fixed"

    extra_depths: tuple[int, ...] = option((512, 256, 256, 128), "channels of the extra layers, each of stride 2")
    kernel: Literal[1, 3] = option(3, "kernel of the box and class predictors, px")
    scale_min: float = option(0.2, "anchor scale of the first level, as a fraction of the image", low=0.01, high=1)
    scale_max: float = option(0.95, "anchor scale of the last level", low=0.01, high=1)
    aspect_ratios: tuple[float, ...] = option((1.0, 2.0, 0.5, 3.0, 0.3333), "width / height of the anchors", low=0.01)
    matched_iou: float = option(0.5, "an anchor above this overlap is positive, below it negative", low=0, high=1)
    negatives_per_positive: float = option(3.0, "hard negatives kept for each positive", low=0)
    localization_weight: float = option(1.0, "weight of the box loss", low=0)
    classification_weight: float = option(1.0, "weight of the class loss", low=0)


@dataclass(frozen=True, kw_only=True)
class TwoStage(MetaArch):
    """What Faster R-CNN and R-FCN share: the region proposal network and the sampling."""

    TWO_STAGE: ClassVar[bool] = True
    RESIZER: ClassVar[Literal["fixed", "keep_aspect"]] = "keep_aspect"

    anchor_base_px: float = option(256.0, "side of an anchor of scale 1 at size=600; it grows with `size`", low=1)
    anchor_scales: tuple[float, ...] = option(
        (0.25, 0.5, 1.0, 2.0), "anchor sides as multiples of the base", low=0.01
    )
    anchor_ratios: tuple[float, ...] = option((0.5, 1.0, 2.0), "width / height of the anchors", low=0.01)
    rpn_depth: int = option(512, "channels of the 3×3 convolution of the proposal network", low=1)
    rpn_nms_iou: float = option(0.7, "overlap above which a proposal is dropped for a better one", low=0, high=1)
    rpn_positive_iou: float = option(0.7, "an anchor above this overlap is an object", low=0, high=1)
    rpn_negative_iou: float = option(0.3, "an anchor below this overlap is background", low=0, high=1)
    rpn_batch: int = option(256, "anchors sampled per image for the loss, at most half of them objects", low=2)
    box_positive_iou: float = option(0.5, "a proposal above this overlap is an object", low=0, high=1)
    rpn_localization_weight: float = option(2.0, "weight of the proposal box loss", low=0)
    rpn_objectness_weight: float = option(1.0, "weight of the proposal class loss", low=0)
    box_localization_weight: float = option(2.0, "weight of the second-stage box loss", low=0)
    box_classification_weight: float = option(1.0, "weight of the second-stage class loss", low=0)


@dataclass(frozen=True, kw_only=True)
class FasterRCNN(TwoStage):
    """Crop, then tail. Source: Ren et al. 2015 as implemented for Huang et al. 2017, section 3."""

    TARGET: ClassVar[str] = "tradeoff.detectors.faster_rcnn:faster_rcnn"

    crop: int = option(14, "side of the cropped feature map, cells", low=2, high=64)
    maxpool: Literal[1, 2] = option(2, "max-pool after the crop; 1 is none")
    box_batch: int = option(64, "proposals sampled per image for the second stage", low=1)
    box_positive_fraction: float = option(0.25, "largest share of objects among the sampled proposals", low=0, high=1)


@dataclass(frozen=True, kw_only=True)
class RFCN(TwoStage):
    """Score the image, then crop. Source: Dai et al. 2016 as implemented for Huang et al. 2017, section 3."""

    TARGET: ClassVar[str] = "tradeoff.detectors.rfcn:rfcn"

    bins: int = option(7, "position-sensitive bins on a side", low=1, high=16)
    crop: int = option(21, "sampling points on a side over all bins; a multiple of bins", low=1, high=64)
    depth: int = option(1024, "channels before the position-sensitive maps", low=1)
    hard_examples: int | None = option(
        128, "proposals with the largest loss that are trained on (OHEM); null is all", low=1
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.crop % self.bins:
            raise ConfigError(f"crop={self.crop}: expected a multiple of bins={self.bins}, such as {3 * self.bins}")
