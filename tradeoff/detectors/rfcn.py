"""R-FCN: score the whole image once with position-sensitive maps, then crop the scores at every proposal."""

from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from tradeoff.detectors.dense import initialise
from tradeoff.detectors.two_stage import TwoStage, two_stage
from tradeoff.ops.crop import position_sensitive_crop


class ScoreThenCrop(nn.Module):
    """The head of R-FCN.

    Legend: N images, P proposals, C classes.

    Args:
        tail: last stage of the backbone, with `out_channels`.
        classes: C.
        columns: logits of a proposal, C + 1 for softmax.
        bins: position-sensitive bins on a side.
        crop: sampling points on a side over all bins.
        depth: channels before the position-sensitive maps.
        init_deviation: of the truncated normal initial weights; None is Xavier.

    Source: Dai et al. 2016, section 3; crops as in Huang et al. 2017, section 3.4.3.
    Differs: boxes are per class, as in the TF Object Detection API, where Dai et al. share them. The maps of classes
    and boxes are one convolution, so that proposals are cropped once.
    """

    def __init__(
        self,
        tail: nn.Module,
        *,
        classes: int,
        columns: int,
        bins: int,
        crop: int,
        depth: int,
        init_deviation: float | None = 0.01,
    ) -> None:
        super().__init__()
        self.bins, self.crop, self.logits = bins, crop, columns
        channels: Any = tail.out_channels
        self.reduce = nn.Conv2d(channels, depth, 1)
        self.maps = nn.Conv2d(depth, bins**2 * (columns + 4 * classes), 1)
        initialise(self, init_deviation)
        self.tail = tail

    def tail_cells(self, map_cells: int) -> int:
        """Return the side of what the tail is given: the map."""
        return map_cells

    def prepare(self, features: Tensor) -> Tensor:
        """Return the position-sensitive maps (N, bins² * (columns + 4 C), H, W): per bin, logits, then deltas."""
        maps: Tensor = self.maps(F.relu(self.reduce(self.tail(features))))
        return maps

    def classify(self, prepared: Tensor, boxes: Tensor, image_size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """Return logits (N, P, columns), and deltas (N, P, C, 4) of boxes (N, P, 4) px.

        Args:
            prepared: maps of the whole image.
            boxes: px of the network input.
            image_size: (height, width) px of the padded network input.
        """
        votes = position_sensitive_crop(prepared, boxes, image_size, self.bins, self.crop)
        return votes[..., : self.logits], votes[..., self.logits :].unflatten(-1, (-1, 4))


def rfcn(
    *,
    bins: int,
    crop: int,
    depth: int,
    box_init_deviation: float | None,
    **shared: Any,
) -> TwoStage:
    """Build R-FCN.

    Args:
        bins: position-sensitive bins on a side.
        crop: sampling points on a side over all bins; a multiple of bins.
        depth: channels before the position-sensitive maps.
        box_init_deviation: of the truncated normal initial weights of the head; None is Xavier.
        **shared: the other arguments of `two_stage`: the extractor, with one level and a tail, and the rest.
    """
    head = partial(ScoreThenCrop, bins=bins, crop=crop, depth=depth, init_deviation=box_init_deviation)
    return two_stage(head=head, **shared)
