"""What a detector learns with, out of the options of its recipe: the losses of its boxes and of its classes."""

from collections.abc import Sequence

from tradeoff.ops.classification import ClassificationLoss, ClassificationLossKind
from tradeoff.ops.coders import BoxCoder, BoxCoding
from tradeoff.ops.location import LocationLoss, LocationLossKind


def losses_of(
    *,
    size: int,
    box_coding: BoxCoding,
    box_scales: Sequence[float],
    location_loss: LocationLossKind,
    huber_delta: float,
    classification_loss: ClassificationLossKind,
    focal_alpha: float,
    focal_gamma: float,
) -> tuple[LocationLoss, ClassificationLoss]:
    """Return the location loss, which holds the coder of the boxes, and the classification loss.

    The options are those of the recipe `Anchored`; `size` px is the unit of the codings in fractions of the image.
    """
    coder = BoxCoder(kind=box_coding, scales=tuple(box_scales), unit_px=float(size))
    location = LocationLoss(kind=location_loss, delta=huber_delta, coder=coder)
    return location, ClassificationLoss(kind=classification_loss, alpha=focal_alpha, gamma=focal_gamma)
