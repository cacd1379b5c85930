"""Faster R-CNN: crop the feature map at every proposal, then run the rest of the backbone on each crop."""

from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.detectors.dense import initialise
from tradeoff.detectors.two_stage import TwoStage, two_stage
from tradeoff.ops.crop import crop_and_resize


class CropThenTail(nn.Module):
    """The head of Faster R-CNN.

    Legend: N images, P proposals, C classes.

    Args:
        tail: last stage of the backbone, with `out_channels`.
        classes: C.
        columns: logits of a proposal, C + 1 for softmax.
        crop: side of the cropped feature map, cells.
        maxpool: kernel and stride of the max-pool after the crop; 1 is none.
        init_deviation: of the truncated normal initial weights; None is Xavier.

    Source: Ren et al. 2015, section 3.2; crop and resize in place of RoI pooling as in Huang et al. 2017,
    section 3.4.2.
    """

    def __init__(
        self,
        tail: nn.Module,
        *,
        classes: int,
        columns: int,
        crop: int,
        maxpool: int,
        init_deviation: float | None = None,
    ) -> None:
        super().__init__()
        self.tail, self.crop, self.maxpool = tail, crop, maxpool
        channels: Any = tail.out_channels
        self.classes = nn.Linear(channels, columns)
        self.boxes = nn.Linear(channels, 4 * classes)
        for layer in (self.classes, self.boxes):
            initialise(layer, init_deviation)

    def tail_cells(self, map_cells: int) -> int:
        """Return the side of what the tail is given, when that of the map is `map_cells`."""
        return self.crop // self.maxpool

    def prepare(self, features: Tensor) -> Tensor:
        """Return the feature map as it is: everything depends on the proposals."""
        return features

    def classify(self, prepared: Tensor, boxes: Tensor, image_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return logits (N, P, columns), and deltas (N, P, C, 4) of boxes (N, P, 4) px.

        Args:
            prepared: (N, D, H, W).
            boxes: px of the network input.
            image_size: (height, width) px of the padded network input.
        """
        crops = crop_and_resize(prepared, boxes, image_size, self.crop)
        if self.maxpool > 1:
            crops = F.max_pool2d(crops, self.maxpool)
        pooled = self.tail(crops).mean(dim=(2, 3)).unflatten(0, boxes.shape[:2])
        return self.classes(pooled), self.boxes(pooled).unflatten(-1, (-1, 4))


def faster_rcnn(
    *,
    crop: int,
    maxpool: int,
    box_init_deviation: float | None,
    **shared: Any,
) -> TwoStage:
    """Build Faster R-CNN.

    Args:
        crop: side of the cropped feature map, cells.
        maxpool: max-pool after the crop; 1 is none.
        box_init_deviation: of the truncated normal initial weights of the head; None is Xavier.
        **shared: the other arguments of `two_stage`: the extractor, with one level and a tail, and the rest.
    """
    head = partial(CropThenTail, crop=crop, maxpool=maxpool, init_deviation=box_init_deviation)
    return two_stage(head=head, **shared)
