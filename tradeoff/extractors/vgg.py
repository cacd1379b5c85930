"""VGG-16 for one stage and for two.

Legend: N images of H×W px; a pooling makes ceil(n / 2) of n cells.
"""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.core.errors import CombinationError
from tradeoff.core.types import Level
from tradeoff.extractors.chain import Chain, ChainExtractor
from tradeoff.extractors.cut import IMAGENET_MEAN, IMAGENET_STD
from tradeoff.extractors.l2norm import L2Norm
from tradeoff.extractors.state import fill, read
from tradeoff.extractors.timm import create

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
CONV4_3, CONV5_3, FC7 = "features.22", "features.29", "fc7_relu"  # the activations after them
L2_SCALE = 20.0


def vgg16_extractor(
    *, pretrained: bool, weights: Path | None, level_strides: tuple[int, ...], tail: bool
) -> ChainExtractor:
    """Build VGG-16.

    With a tail: conv5_3 at stride 16, and fc6 and fc7 over crops of 7×7. Without: conv4_3 at stride 8, L2-normalised,
    and fc7 at stride 16, where pool5 has a stride of 1, fc6 is a dilated 3×3 convolution and fc7 a 1×1 one.

    Args:
        pretrained: start from ImageNet weights, downloaded; a file of `weights` goes before.
        weights: start from this file, of timm or torchvision, or of an extractor of this kind.
        level_strides: strides of the levels, px; (16,) with a tail, of 8 and 16 without.
        tail: whether there is a second stage.

    Raises:
        CombinationError: for other strides.
        WeightsError: the weights cannot be had, or do not fit.

    Source: Simonyan & Zisserman 2014; SSD as in Liu et al. 2016, section 3 (fc6 and fc7 are subsampled); Faster R-CNN
    as in Ren et al. 2015 (fc6 and fc7 of the classifier over each region).
    Differs: no dropout after fc6 and fc7, where Ren et al. have 0.5; the study does not speak of any. Crops are
    interpolated and pooled to 7×7, where Ren et al. pool regions of the map.
    """
    known = {16: Level(CONV5_3, 512, 16)} if tail else {8: Level(CONV4_3, 512, 8), 16: Level(FC7, 1024, 16)}
    if not set(level_strides) <= set(known):
        raise CombinationError(f"vgg16 has levels of stride {tuple(known)}, not {tuple(level_strides)}")
    levels = [known[px] for px in level_strides]
    body = features() if tail else {**features(), **dilated()}
    names = list(body)
    kept = {name: body[name] for name in names[: names.index(levels[-1].name) + 1]}
    extractor = ChainExtractor(
        Chain(kept, levels[-1].channels),
        levels,
        Chain(classifier(), 4096) if tail else None,
        IMAGENET_MEAN,
        IMAGENET_STD,
        norms={level.name: L2Norm(512, L2_SCALE) for level in levels if level.name == CONV4_3},
    )
    if weights is not None:
        fill(extractor, translated(read(weights), single_stage=not tail), str(weights))
    elif pretrained:
        fill(
            extractor,
            translated(create("vgg16.tv_in1k", True, {}).state_dict(), single_stage=not tail),
            "ImageNet weights",
        )
    return extractor


def features() -> dict[str, nn.Module]:
    """Return the 13 convolutions, their activations and the poolings between blocks, under torchvision's names."""
    layers: list[nn.Module] = []
    before = 3
    for widths in BLOCKS:
        for width in widths:
            layers += [conv(before, width, 3, padding=1), nn.ReLU(inplace=True)]
            before = width
        layers.append(nn.MaxPool2d(2, 2, ceil_mode=True))
    return {f"features.{i}": layer for i, layer in enumerate(layers[:-1])}


def classifier() -> dict[str, nn.Module]:
    """Return fc6 and fc7 as convolutions, under timm's names; (N, 512, 7, 7) becomes (N, 4096, 1, 1)."""
    return {
        "pre_logits.enlarge": Enlarge(7),
        "pre_logits.fc1": conv(512, 4096, 7),
        "pre_logits.act1": nn.ReLU(inplace=True),
        "pre_logits.fc2": conv(4096, 4096, 1),
        "pre_logits.act2": nn.ReLU(inplace=True),
    }


class Enlarge(nn.Module):
    """Bring maps (N, C, H, W) to a smallest side by repeating and averaging cells; others are left as they are."""

    def __init__(self, least: int) -> None:
        super().__init__()
        self.least = least

    def forward(self, features: Tensor) -> Tensor:
        """Return maps of at least `least` cells a side."""
        sides = (max(features.shape[2], self.least), max(features.shape[3], self.least))
        return F.adaptive_avg_pool2d(features, sides) if features.shape[2:] != sides else features


def dilated() -> dict[str, nn.Module]:
    """Return pool5, fc6 and fc7 as SSD has them; (N, 512, H, W) becomes (N, 1024, H, W)."""
    return {
        "pool5": nn.MaxPool2d(3, 1, 1),
        "fc6": conv(512, 1024, 3, padding=6, dilation=6),
        "fc6_relu": nn.ReLU(inplace=True),
        "fc7": conv(1024, 1024, 1),
        FC7: nn.ReLU(inplace=True),
    }


def conv(before: int, after: int, kernel: int, padding: int = 0, dilation: int = 1) -> nn.Conv2d:
    """Return a convolution with bias."""
    layer: nn.Conv2d = nn.utils.skip_init(nn.Conv2d, before, after, kernel, padding=padding, dilation=dilation)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return layer


def translated(state: Mapping[str, Tensor], *, single_stage: bool) -> dict[str, Tensor]:
    """Name and shape the weights of a classifier as the extractor has them.

    Args:
        state: of torchvision (classifier.0 and .3 are linear), of timm (pre_logits.fc1 and .fc2), or as it is here.
        single_stage: whether fc6 and fc7 are subsampled: every fourth channel, and 3×3 of the 7×7 weights.
    """
    named = dict(state)
    for linear, convolution, kernel in (("classifier.0", "pre_logits.fc1", 7), ("classifier.3", "pre_logits.fc2", 1)):
        if f"{linear}.weight" in named:
            weight = named.pop(f"{linear}.weight")
            named[f"{convolution}.weight"] = weight.view(len(weight), -1, kernel, kernel)
            named[f"{convolution}.bias"] = named.pop(f"{linear}.bias")
    if single_stage and "fc6.weight" not in named and "pre_logits.fc1.weight" in named:
        named["fc6.weight"] = named["pre_logits.fc1.weight"][::4, :, ::3, ::3]
        named["fc6.bias"] = named["pre_logits.fc1.bias"][::4]
        named["fc7.weight"] = named["pre_logits.fc2.weight"][::4, ::4]
        named["fc7.bias"] = named["pre_logits.fc2.bias"][::4]
    return named
