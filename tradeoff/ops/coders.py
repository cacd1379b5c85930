"""Box coding: a box as four numbers relative to an anchor, in the three ways of the literature.

Legend: boxes and anchors are (x1, y1, x2, y2) px of the network input.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from tradeoff.ops.boxes import SCALES, centre_form, decode, encode, row

BoxCoding = Literal["centre_log", "corners", "centre_sqrt"]


@dataclass(frozen=True, kw_only=True)
class BoxCoder:
    """How boxes are told to a network and read from it; 0, 0, 0, 0 is the anchor itself.

    kind: centre_log is (xc / wa, yc / ha, log w, log h), corners (x1, y1, x2, y2), and centre_sqrt (xc, yc, √w, √h),
        each minus the same of the anchor.
    scales: factors of the four numbers, the inverse variances.
    unit_px: the length that corners and centre_sqrt are fractions of, the side of the image; centre_log needs none.

    Source: Huang et al. 2017, table 1: centre_log as in Ren et al. 2015, section 3.1.2; corners as in Szegedy et al.
    2014 and version 1 of Liu et al. 2015; centre_sqrt as in Redmon et al. 2016, section 2.2.
    Differs: Redmon et al. count the centre in cells of their grid of 7×7, which is a scale of 7 here.
    """

    kind: BoxCoding = "centre_log"
    scales: tuple[float, ...] = SCALES
    unit_px: float = 1.0

    def encode(self, boxes: Tensor, anchors: Tensor) -> Tensor:
        """Express boxes (..., 4) relative to anchors (..., 4), broadcast, as float32 (..., 4)."""
        if self.kind == "centre_log":
            return encode(boxes, anchors, self.scales)
        return (self._form(boxes) - self._form(anchors)) * row(self.scales, boxes.device)

    def decode(self, deltas: Tensor, anchors: Tensor) -> Tensor:
        """Apply predicted numbers to anchors, broadcast; the inverse of `encode`.

        Args:
            deltas: (..., 4).
            anchors: (..., 4) px.

        Returns:
            (..., 4) float32 px, not clipped; corners may come out inverted, a box without area.
        """
        if self.kind == "centre_log":
            return decode(deltas, anchors, self.scales)
        form = deltas.float() / row(self.scales, deltas.device) + self._form(anchors)
        return self.unit_px * (form if self.kind == "corners" else _from_centre_and_root(form))

    def _form(self, boxes: Tensor) -> Tensor:
        """Return what is compared: corners, or centres and roots of the sides, as fractions of the unit."""
        boxes = boxes.float() / self.unit_px
        if self.kind == "corners":
            return boxes
        centre, sides = centre_form(boxes)
        return torch.cat([centre, sides.sqrt()], dim=-1)


def _from_centre_and_root(form: Tensor) -> Tensor:
    """Turn (xc, yc, √w, √h) into corners; a negative root is squared too, as in Redmon et al. 2016."""
    half = form[..., 2:].square() / 2
    return torch.cat([form[..., :2] - half, form[..., :2] + half], dim=-1)
