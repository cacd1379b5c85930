"""What can be asked for as `extractor=`."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from tradeoff.core.errors import CombinationError
from tradeoff.recipes.base import Recipe, option


@dataclass(frozen=True, kw_only=True)
class Extractor(Recipe):
    """What every extractor is asked: the strides it can have, the levels that feed SSD, the origin of its weights."""

    strides: tuple[int, ...] = option((16,), "strides of the two-stage feature map that it can be built with")
    ssd_strides: tuple[int, ...] = option((16, 32), "strides of the levels that feed SSD before its extra layers")
    pretrained: bool = option(False, "start from ImageNet weights")
    weights: str | None = option(None, "start from this file, or `shapes`: the weights shipped here", content=True)

    def check_stride(self, stride: int) -> None:
        """Refuse a stride that this extractor cannot have.

        Raises:
            CombinationError: with the strides that it can have.
        """
        if stride not in self.strides:
            accepted = ", ".join(map(str, self.strides))
            raise CombinationError(f"stride={stride} is not available for this extractor (it has: {accepted})")

    def weights_path(self) -> Path | None:
        """Return the file of weights that training starts from, or None."""
        return Path(self.weights) if self.weights else None

    def origin(self) -> str:
        """Name the weights that training starts from: scratch, imagenet, shapes or the file."""
        if self.weights:
            return "shapes" if self.weights == "shapes" else f"file:{self.weights}"
        return "imagenet" if self.pretrained else "scratch"


@dataclass(frozen=True, kw_only=True)
class Timm(Extractor):
    """Any sequential convolutional backbone of timm; the second-stage tail is made of its last stage."""

    TARGET: ClassVar[str] = "tradeoff.extractors.timm:TimmExtractor"

    model: str = option("resnet50", "name of the backbone in timm")
    tail_stride: Literal[1, 2] = option(1, "stride of the second-stage tail; ResNets 1, MobileNet 2 (TF OD API)")


@dataclass(frozen=True, kw_only=True)
class MobileNet(Timm):
    """MobileNet v1 with a width multiplier. Source: arXiv 1704.04861."""

    TARGET: ClassVar[str] = "tradeoff.extractors.timm:MobileNetExtractor"

    model: str = option("mobilenetv1_100", "name of the backbone in timm")
    tail_stride: Literal[1, 2] = option(2, "stride of the second-stage tail")
    width: float = option(1.0, "multiplier of all channel counts (alpha of the paper)", low=0.05, high=4)


@dataclass(frozen=True, kw_only=True)
class Tiny(Extractor):
    """A few convolutions, for tests and demonstrations."""

    TARGET: ClassVar[str] = "tradeoff.extractors.tiny:TinyExtractor"

    width: int = option(16, "channels of the first layer", low=4, high=256)
