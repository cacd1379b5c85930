"""What every meta-architecture answers, and the options of all that have anchors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from tradeoff.core.errors import ConfigError
from tradeoff.recipes.base import Recipe, option, spelled

#: of each coding: that of the study, of corners in the release of Liu et al. 2016, of cells in a grid of 7×7
BOX_SCALES = {
    "centre_log": (10.0, 10.0, 5.0, 5.0),
    "corners": (10.0, 10.0, 10.0, 10.0),
    "centre_sqrt": (7.0, 7.0, 1.0, 1.0),
}


@dataclass(frozen=True, kw_only=True)
class MetaArch(Recipe):
    """What the path of a run needs to know of a meta-architecture before it is built."""

    #: whether it has the axes `stride` and `proposals`
    TWO_STAGE: ClassVar[bool]
    #: how images are resized: "fixed" is size × size; "keep_aspect" makes the shorter side `size`
    RESIZER: ClassVar[Literal["fixed", "keep_aspect"]]
    PLANNING: ClassVar[tuple[str, ...]] = ("title",)

    title: str | None = option(None, "what figures call it; null is the name of its file", where=True)

    def check_parts(self, *, size: int, level_strides: tuple[int, ...], batch_size: int | None) -> None:
        """Refuse what this cannot be combined with; there is nothing unless a meta-architecture says so.

        Args:
            size: px.
            level_strides: strides of the levels that the extractor gives a single-stage detector.
            batch_size: images per training step; None without a training.

        Raises:
            CombinationError: with the reason.
        """


@dataclass(frozen=True, kw_only=True)
class Anchored(MetaArch):
    """What detectors with anchors share: how boxes are matched, coded and learned. Huang et al. 2017, table 1."""

    MEANT_FOR: ClassVar[Mapping[str, tuple[str, tuple[object, ...]]]] = {
        "huber_delta": ("location_loss", ("smooth_l1",)),
        "focal_alpha": ("classification_loss", ("focal",)),
        "focal_gamma": ("classification_loss", ("focal",)),
    }

    matcher: Literal["argmax", "bipartite", "box_centre"] = option("argmax", "which anchors learn an object")
    box_coding: Literal["centre_log", "corners", "centre_sqrt"] = option("centre_log", "boxes relative to anchors")
    box_scales: tuple[float, ...] | None = option(
        BOX_SCALES["centre_log"], "factors of the four coded numbers; null is the coding's own", low=1e-3
    )
    location_loss: Literal["smooth_l1", "l1", "l2", "iou", "giou"] = option("smooth_l1", "loss of the boxes")
    huber_delta: float = option(1.0, "error at which smooth_l1 becomes linear: Huber's delta", low=1e-6)
    focal_alpha: float = option(0.25, "focal loss: weight of true classes, of wrong ones 1 - alpha", low=0, high=1)
    focal_gamma: float = option(2.0, "focal loss: how steeply easy answers are discounted", low=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        faults = [fault for name in self.MEANT_FOR if (fault := self.meaningless(name))]
        if self.box_scales is None:  # numbers from here on, so that a key does not tell how they were given
            object.__setattr__(self, "box_scales", BOX_SCALES[self.box_coding])
        elif len(self.box_scales) != 4:
            faults.append(f"box_scales={spelled(self.box_scales)}: expected four numbers, such as [10, 10, 5, 5]")
        if faults:
            raise ConfigError(faults)
