"""What every detector does with feature maps and boxes: rows of anchors, initial weights, final detections.

Legend: N images, A anchors or proposals, C classes, K detections.
"""

from torch import Tensor, nn

from tradeoff.ops.boxes import area, clip
from tradeoff.ops.nms import detect
from tradeoff.recipes.inference import Inference


def rows(maps: Tensor, values: int) -> Tensor:
    """Turn maps (N, anchors * values, H, W) into rows (N, H * W * anchors, values), by cell, then by anchor."""
    return maps.permute(0, 2, 3, 1).reshape(maps.shape[0], -1, values)


def initialise(module: nn.Module, deviation: float | None) -> None:
    """Draw the weights of all convolutions and linear layers, and set their biases to 0.

    Args:
        module: whose layers are meant, itself included.
        deviation: of a normal distribution cut at two deviations; None is the uniform one of Glorot and Bengio 2010,
            the "variance scaling 1.0, fan average" of the TF Object Detection API.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            if deviation is None:
                nn.init.xavier_uniform_(layer.weight)
            else:
                nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def proper(boxes: Tensor, scores: Tensor) -> Tensor:
    """Return the scores with -inf, which is never selected, for boxes (..., 4) that have no area left."""
    return scores.masked_fill(area(boxes) <= 0, -float("inf"))


def detections(
    boxes: Tensor, scores: Tensor, sizes_px: Tensor, inference: Inference
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Clip boxes to their images, suppress duplicates per class, and keep the best.

    Args:
        boxes: (N, A, 1, 4), or (N, A, C, 4) px where each class has its own.
        scores: (N, A, C) 0..1, without the background; -inf for what is not to be detected.
        sizes_px: (N, 2) height and width of each image.
        inference: thresholds and K.

    Returns:
        Boxes (N, K, 4) px within their images, scores (N, K) descending, labels (N, K) and validity (N, K).
    """
    boxes = clip(boxes, sizes_px)
    scores = proper(boxes, scores)
    shared = boxes[:, :, 0] if boxes.shape[2] == 1 else boxes
    return detect(
        shared,
        scores,
        iou=inference.nms_iou,
        score_threshold=inference.score_threshold,
        keep=inference.detections,
    )
