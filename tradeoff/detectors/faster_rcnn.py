"""Faster R-CNN: crop the feature map at every proposal, then run the rest of the backbone on each crop."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.detectors.two_stage import TwoStage, assemble
from tradeoff.ops.crop import crop_and_resize


class CropThenTail(nn.Module):
    """Source: Ren et al. 2015; crop and resize in place of RoI pooling as in Huang et al. 2017, section 3.4.2.

    Legend: N images, P proposals, C classes.
    """

    def __init__(self, tail: nn.Module, *, classes: int, crop: int, maxpool: int) -> None:
        super().__init__()
        self.tail, self.crop, self.maxpool = tail, crop, maxpool
        channels: Any = tail.out_channels
        self.classes = nn.Linear(channels, classes + 1)
        self.boxes = nn.Linear(channels, 4 * classes)
        for layer in (self.classes, self.boxes):
            nn.init.xavier_uniform_(layer.weight)  # variance scaling 1.0, fan average, uniform
            nn.init.zeros_(layer.bias)

    def prepare(self, features: Tensor) -> Tensor:
        """Return the feature map as it is."""
        return features

    def classify(self, prepared: Tensor, boxes: Tensor, image_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return logits (N, P, C + 1) and deltas (N, P, C, 4) of boxes (N, P, 4)."""
        crops = crop_and_resize(prepared, boxes, image_size, self.crop)
        if self.maxpool > 1:
            crops = F.max_pool2d(crops, self.maxpool)
        pooled = self.tail(crops).mean(dim=(2, 3))
        shape = boxes.shape[:2]
        return self.classes(pooled).unflatten(0, shape), self.boxes(pooled).view(*shape, -1, 4)


def faster_rcnn(
    *, extractor: nn.Module, classes: int, size: int, crop: int, maxpool: int, **options: Any
) -> TwoStage:
    """Build Faster R-CNN; `options` are those of `recipes.detectors.TwoStage`."""
    tail: Any = extractor.tail
    head = CropThenTail(tail(), classes=classes, crop=crop, maxpool=maxpool)
    return assemble(extractor, head, size=size, options=options)
