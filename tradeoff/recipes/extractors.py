"""What can be asked for as `extractor=`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from tradeoff.core.errors import CombinationError, ConfigError
from tradeoff.recipes.base import Recipe, option

SHIPPED = Path(__file__).parents[1] / "extractors" / "weights"


@dataclass(frozen=True, kw_only=True)
class Extractor(Recipe):
    """What every extractor is asked: the strides it can have, the levels that feed SSD, the origin of its weights."""

    PLANNING: ClassVar[tuple[str, ...]] = ("title", "strides", "ssd_strides")

    title: str | None = option(None, "what figures call it; null is the name of its file", where=True)
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

    def __post_init__(self) -> None:
        super().__post_init__()
        path = self.weights_path()
        if path is not None and not path.is_file():
            shipped = ", ".join(sorted(file.stem.removesuffix("_shapes") for file in SHIPPED.glob("*_shapes.pt")))
            kind = f"none are shipped for {self.identity()}" if self.weights == "shapes" else "no such file"
            raise ConfigError(f"weights={self.weights!r}: {kind}; give a file, null, or shapes (shipped: {shipped})")

    def identity(self) -> str:
        """Name the network whose weights these are, such as mobilenetv1_100_w050."""
        return type(self).__name__.lower()

    def shipped_path(self) -> Path:
        """Return where the weights lie that the project ships for this network."""
        return SHIPPED / f"{self.identity()}_shapes.pt"

    def weights_path(self) -> Path | None:
        """Return the file of weights that training starts from, or None."""
        if self.weights is None:
            return None
        return self.shipped_path() if self.weights == "shapes" else Path(self.weights)

    def build(self, **parts: Any) -> Any:
        """Build the extractor: `level_strides` to return, whether a `tail` is wanted, and the two-stage `stride`."""
        return super().build(**{"weights": self.weights_path()} | parts)

    def origin(self) -> str:
        """Name the weights that training starts from: scratch, imagenet, shapes or file."""
        if self.weights:
            return "shapes" if self.weights == "shapes" else "file"
        return "imagenet" if self.pretrained else "scratch"


@dataclass(frozen=True, kw_only=True)
class Timm(Extractor):
    """Any sequential convolutional backbone of timm; the second-stage tail is made of its last stage."""

    TARGET: ClassVar[str] = "tradeoff.extractors.timm:timm_extractor"

    model: str = option("resnet50", "name of the backbone in timm")
    tail_stride: Literal[1, 2] = option(1, "stride of the second-stage tail; ResNets 1, MobileNet 2 (TF OD API)")

    def identity(self) -> str:
        """Name the network whose weights these are."""
        return self.model


@dataclass(frozen=True, kw_only=True)
class MobileNet(Timm):
    """MobileNet v1 with a width multiplier. Source: arXiv 1704.04861."""

    TARGET: ClassVar[str] = "tradeoff.extractors.timm:mobilenet_extractor"

    model: str = option("mobilenetv1_100", "name of the backbone in timm")
    tail_stride: Literal[1, 2] = option(2, "stride of the second-stage tail")
    width: float = option(1.0, "multiplier of all channel counts (alpha of the paper)", low=0.05, high=4)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width != 1 and self.model != "mobilenetv1_100":
            raise ConfigError(f"width={self.width:g}: only with model=mobilenetv1_100, got model={self.model}")
        if self.width != 1 and self.pretrained and not self.weights:
            raise ConfigError(
                f"width={self.width:g}: ImageNet weights exist for width=1 only; give pretrained=false, or weights"
            )

    def identity(self) -> str:
        """Name the network whose weights these are."""
        return f"{self.model}_w{round(100 * self.width):03d}"


@dataclass(frozen=True, kw_only=True)
class Tiny(Extractor):
    """A few convolutions, for tests and demonstrations."""

    TARGET: ClassVar[str] = "tradeoff.extractors.tiny:tiny_extractor"

    width: int = option(16, "channels of the first layer", low=4, high=256)
