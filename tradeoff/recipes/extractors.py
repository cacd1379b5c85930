"""What can be asked for as `extractor=`."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from tradeoff.core.errors import CombinationError, ConfigError
from tradeoff.recipes import timm_names
from tradeoff.recipes.base import Recipe, option, spelled
from tradeoff.recipes.detectors import RFCN
from tradeoff.recipes.meta_arch import MetaArch

SHIPPED = Path(__file__).parents[1] / "extractors" / "weights"


@dataclass(frozen=True, kw_only=True)
class Extractor(Recipe):
    """What every extractor is asked: the strides it can have, the levels that feed SSD, the origin of its weights."""

    PLANNING: ClassVar[tuple[str, ...]] = ("title", "strides", "ssd_strides")
    IMAGENET: ClassVar[bool] = True  # whether there are ImageNet weights
    #: what to do about a stride of 8 that is not there
    STRIDE_8: ClassVar[str] = "by atrous convolution, ResNets and Inception-ResNet v2 have 8: extractor=resnet101"

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
            hint = f"; {self.STRIDE_8}" if stride == 8 else ""
            raise CombinationError(
                f"stride={stride} is not available for {self.identity()} (it has: {accepted}){hint}"
            )

    def check_meta_arch(self, meta_arch: MetaArch) -> None:
        """Refuse a meta-architecture that this extractor cannot serve; the others serve all.

        Raises:
            CombinationError: with the reason.
        """

    def meaningful_for(self, meta_arch: MetaArch) -> Self:
        """Return the recipe with what a meta-architecture has no use for at its default."""
        return self

    def check_origin(self) -> None:
        """Refuse ImageNet weights where there are none.

        Raises:
            CombinationError: with what to give instead.
        """
        if self.pretrained and not self.weights and not self.IMAGENET:
            raise CombinationError(
                f"extractor.pretrained=true: there are no ImageNet weights for {self.identity()}; give "
                "extractor.weights=PATH, or extractor.pretrained=false to start from scratch"
            )

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
        """Build the extractor: `level_strides` to return, one if a `tail` is wanted."""
        return super().build(**{"weights": self.weights_path()} | parts)

    def origin(self) -> str:
        """Name the weights that training starts from: scratch, imagenet:NAME as timm has it, shapes or file."""
        if self.weights:
            return "shapes" if self.weights == "shapes" else "file"
        return f"imagenet:{self.imagenet_name()}" if self.pretrained else "scratch"

    def imagenet_name(self) -> str:
        """Name the ImageNet weights as timm does."""
        return self.identity()


@dataclass(frozen=True, kw_only=True)
class Timm(Extractor):
    """Any backbone of timm; the second-stage tail is made of its last stage."""

    TARGET: ClassVar[str] = "tradeoff.extractors.timm:timm_extractor"
    STRIDE_8: ClassVar[str] = (
        "extractor.strides=[8,16] extractor.tail_stride=1 gives it to backbones that timm can dilate; ResNets and "
        "Inception-ResNet v2 have it under names of their own, such as extractor=resnet101"
    )

    model: str = option("resnet50", "name of the backbone in timm")
    tail_stride: Literal[1, 2] = option(1, "stride of the second-stage tail; ResNets 1, MobileNet 2 (TF OD API)")
    ssd_layers: tuple[str, ...] = option((), "modules that feed SSD; [] is the last of each of ssd_strides")
    imagenet: str | None = option(None, "which of timm's ImageNet weights, its tag; null is timm's own choice")

    def __post_init__(self) -> None:
        super().__post_init__()
        timm_names.check(self.model)

    def meaningful_for(self, meta_arch: MetaArch) -> Self:
        """Return the recipe without the name of ImageNet weights that it does not start from."""
        return self if self.pretrained and not self.weights else replace(self, imagenet=None)

    def imagenet_name(self) -> str:
        """Name the ImageNet weights as timm does, such as resnet101.tv_in1k."""
        return f"{self.model}.{self.imagenet}" if self.imagenet and "." not in self.model else self.model

    def identity(self) -> str:
        """Name the network whose weights these are."""
        return self.model


@dataclass(frozen=True, kw_only=True)
class ResNet(Timm):
    """ResNet with bottleneck units. Source: arXiv 1512.03385."""

    TARGET: ClassVar[str] = "tradeoff.extractors.resnet:resnet_extractor"

    stride_unit: Literal["first", "last"] = option("first", "unit with the stride: first of a stage, or last (slim)")
    tail_dilation: Literal[1, 2] = option(1, "of conv5's 3×3 after its first unit, where tail_stride=1")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.stride_unit == "last" and self.pretrained and not self.weights:
            raise ConfigError(
                "stride_unit=last: timm's ImageNet weights were trained with first; give stride_unit=first, "
                "pretrained=false, or weights=PATH"
            )

    def meaningful_for(self, meta_arch: MetaArch) -> Self:
        """Return the recipe without the dilation of a tail that is not there, or that halves the resolution."""
        recipe = super().meaningful_for(meta_arch)
        return recipe if meta_arch.TWO_STAGE and self.tail_stride == 1 else replace(recipe, tail_dilation=1)

    def check_meta_arch(self, meta_arch: MetaArch) -> None:
        """Refuse SSD at stride 8 that does not say which layer: conv3 has it, and conv4 once it is dilated.

        Raises:
            CombinationError: with both words.
        """
        if not meta_arch.TWO_STAGE and max(self.ssd_strides) == 8 and not self.ssd_layers:
            raise CombinationError(
                f"extractor.ssd_strides={spelled(self.ssd_strides)}: the study has conv4 there, dilated: "
                "extractor.ssd_layers=[layer3]; conv3 has this stride as it is: extractor.ssd_layers=[layer2]"
            )


@dataclass(frozen=True, kw_only=True)
class MobileNet(Timm):
    """MobileNet v1 with a width multiplier. Source: arXiv 1704.04861."""

    TARGET: ClassVar[str] = "tradeoff.extractors.timm:mobilenet_extractor"
    STRIDE_8: ClassVar[str] = Extractor.STRIDE_8

    model: str = option("mobilenetv1_100", "name of the backbone in timm")
    tail_stride: Literal[1, 2] = option(2, "stride of the second-stage tail")
    width: float = option(1.0, "multiplier of all channel counts (alpha of the paper)", low=0.05, high=4)
    batch_norm_eps: float = option(1e-5, "added to the variances; timm's 1e-5, TF OD API 1e-3", low=1e-8, high=0.1)

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
class Inception(Timm):
    """Inception v3, v4 or Inception-ResNet v2. Source: arXiv 1512.00567 and 1602.07261."""

    TARGET: ClassVar[str] = "tradeoff.extractors.inception:inception_extractor"
    STRIDE_8: ClassVar[str] = Extractor.STRIDE_8

    model: str = option("inception_v3", "name of the backbone in timm")
    tail_stride: Literal[1, 2] = option(2, "stride of the second-stage tail")


@dataclass(frozen=True, kw_only=True)
class InceptionV2(Extractor):
    """Inception v2 with the separable 7×7 stem. Source: arXiv 1502.03167 and slim's inception_v2."""

    TARGET: ClassVar[str] = "tradeoff.extractors.inception_v2:inception_v2_extractor"
    IMAGENET: ClassVar[bool] = False

    activation: Literal["relu", "relu6"] = option("relu", "after each convolution; the study's SSD has relu6")

    def identity(self) -> str:
        """Name the network whose weights these are."""
        return "inception_v2"


@dataclass(frozen=True, kw_only=True)
class VGG16(Extractor):
    """VGG-16: conv5_3 and fc6, fc7 for two stages; conv4_3, L2-normalised, and a dilated fc7 for SSD."""

    TARGET: ClassVar[str] = "tradeoff.extractors.vgg:vgg16_extractor"

    ssd_strides: tuple[int, ...] = option((8, 16), "strides of the levels that feed SSD before its extra layers")

    def imagenet_name(self) -> str:
        """Name the ImageNet weights as timm does: torchvision's, the only ones there."""
        return "vgg16.tv_in1k"

    def check_meta_arch(self, meta_arch: MetaArch) -> None:
        """Refuse R-FCN, which runs the tail over the whole map.

        Raises:
            CombinationError: with the reason.
        """
        if isinstance(meta_arch, RFCN):
            raise CombinationError(
                "R-FCN needs a second-stage tail that runs over the whole map, and that of vgg16 is fully connected "
                "(fc6, fc7 over crops of 7×7); the study has no such pair. Take meta_arch=faster_rcnn or ssd"
            )


@dataclass(frozen=True, kw_only=True)
class Tiny(Extractor):
    """A few convolutions, for tests and demonstrations."""

    TARGET: ClassVar[str] = "tradeoff.extractors.tiny:tiny_extractor"

    IMAGENET: ClassVar[bool] = False

    width: int = option(16, "channels of the first layer", low=4, high=256)
