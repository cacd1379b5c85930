"""R-FCN: score the whole image once with position-sensitive maps, then crop the scores at every proposal."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.detectors.two_stage import TwoStage, assemble
from tradeoff.ops.crop import position_sensitive_crop


class ScoreThenCrop(nn.Module):
    """Source: Dai et al. 2016, section 3; crops as in Huang et al. 2017, section 3.4.3.

    Differs: boxes are per class, as in the TF Object Detection API, where Dai et al. share them.
    Legend: N images, P proposals, C classes.
    """

    def __init__(self, tail: nn.Module, *, classes: int, bins: int, crop: int, depth: int) -> None:
        super().__init__()
        self.tail, self.bins, self.crop = tail, bins, crop
        channels: Any = tail.out_channels
        self.reduce = nn.Conv2d(channels, depth, 1)
        self.classes = nn.Conv2d(depth, bins**2 * (classes + 1), 1)
        self.boxes = nn.Conv2d(depth, bins**2 * 4 * classes, 1)
        for layer in (self.reduce, self.classes, self.boxes):
            nn.init.trunc_normal_(layer.weight, std=0.01, a=-0.02, b=0.02)
            nn.init.zeros_(layer.bias)

    def prepare(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the class maps (N, bins²·(C + 1), H, W) and the box maps (N, bins²·4C, H, W)."""
        hidden = F.relu(self.reduce(self.tail(features)))
        return self.classes(hidden), self.boxes(hidden)

    def classify(
        self, prepared: tuple[Tensor, Tensor], boxes: Tensor, image_size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Return logits (N, P, C + 1) and deltas (N, P, C, 4) of boxes (N, P, 4)."""
        logits, deltas = (
            position_sensitive_crop(maps, boxes, image_size, self.bins, self.crop) for maps in prepared
        )
        return logits, deltas.unflatten(-1, (-1, 4))


def rfcn(
    *,
    extractor: nn.Module,
    classes: int,
    size: int,
    bins: int,
    crop: int,
    depth: int,
    hard_examples: int,
    **options: Any,
) -> TwoStage:
    """Build R-FCN; `options` are those of `recipes.detectors.TwoStage`."""
    tail: Any = extractor.tail
    head = ScoreThenCrop(tail(), classes=classes, bins=bins, crop=crop, depth=depth)
    return assemble(extractor, head, size=size, options=options, hard_examples=hard_examples)
