"""Crops of feature maps: a fixed grid of bilinear samples per box.

Legend: N images, P boxes of an image, C channels, H×W of the feature map, D channels of one bin.

Every sample is a weighted sum of four corners. `embedding_bag` sums rows, and a channels-last feature map is a table
of rows, one per position: so corners are contiguous reads, and nothing but the result is written. The weights are
computed in float32, the sums in the type of the features, under autocast too. Boxes get no gradient.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def crop_and_resize(features: Tensor, boxes: Tensor, image_size: tuple[int, int], crop: int) -> Tensor:
    """Cut each box out of its image's feature map at a fixed resolution.

    The samples go from edge to edge of the box: row i lies at y1 + i * (y2 - y1) / (crop - 1). The edges of the image
    are the centres of the first and of the last cell of the map. A single sample lies in the centre of the box.

    Args:
        features: (N, C, H, W); quick without a copy if channels-last.
        boxes: (N, P, 4) px of the network input.
        image_size: (height, width) px of the padded network input.
        crop: samples per side, at least 1.

    Returns:
        (N * P, C, crop, crop), channels-last, of the features' type; 0 where a sample lies outside of the map.

    Source: Huang et al. 2017, section 3.4.2 (TensorFlow's crop_and_resize); its formula.
    """
    images, channels, height, width = features.shape
    rows, weights = _corners(boxes, image_size, (height, width), 1, crop)
    table = features.permute(0, 2, 3, 1).reshape(-1, channels)
    crops = _sum_rows(table, rows.reshape(-1, 4), weights.reshape(-1, 4))
    return crops.view(images * boxes.shape[1], crop, crop, channels).permute(0, 3, 1, 2)


def position_sensitive_crop(maps: Tensor, boxes: Tensor, image_size: tuple[int, int], bins: int, crop: int) -> Tensor:
    """Average, over the bins of each box, what every bin's own maps say inside of it.

    The box is cut into bins × bins cells; each cell is sampled in (crop / bins)² points by the rule of
    `crop_and_resize`, from its own D maps.

    Args:
        maps: (N, bins * bins * D, H, W); channel bin * D + d, the bins row by row. Quick if channels-last.
        boxes: (N, P, 4) px of the network input.
        image_size: (height, width) px of the padded network input.
        bins: cells per side, at least 1.
        crop: samples per side over all bins; a multiple of bins.

    Returns:
        (N, P, D) of the maps' type.

    Raises:
        ValueError: crop is no multiple of bins, or the channels are no multiple of bins * bins.

    Source: Dai et al. 2016, section 2, eq. 1; sampling as in position_sensitive_crop_regions of the TF Object
    Detection API.
    """
    images, channels, height, width = maps.shape
    if crop < 1 or crop % bins:
        raise ValueError(
            f"position_sensitive_crop: crop={crop} is no multiple of bins={bins}; try {bins} or {2 * bins}"
        )
    if channels % bins**2:
        raise ValueError(
            f"position_sensitive_crop: maps have {channels} channels, expected a multiple of bins * bins = {bins**2}"
        )
    rows, weights = _corners(boxes, image_size, (height, width), bins, crop // bins)
    bin_index = torch.arange(bins**2, device=rows.device).view(bins, bins, 1, 1, 1, 1)
    table = maps.permute(0, 2, 3, 1).reshape(images * height * width * bins**2, channels // bins**2)
    bags = (images * boxes.shape[1], 4 * crop**2)
    averages = _sum_rows(table, (rows * bins**2 + bin_index).reshape(bags), weights.reshape(bags) / crop**2)
    return averages.view(images, boxes.shape[1], channels // bins**2)


def _sum_rows(table: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted sums (B, C) of the rows of a table (T, C) that each bag (B, K) names."""
    return F.embedding_bag(rows, table, mode="sum", per_sample_weights=weights.to(table.dtype))


def _corners(
    boxes: Tensor, image_size: tuple[int, int], shape: tuple[int, int], cells: int, points: int
) -> tuple[Tensor, Tensor]:
    """Return the four corners of every sample of every box, as positions in (N, H, W) and their weights.

    Both are (N * P, cells, cells, points, points, 2, 2): y before x in each pair of axes.
    """
    edges = boxes.detach().to(torch.promote_types(boxes.dtype, torch.float32)).reshape(-1, 2, 2)
    (y, y_weight), (x, x_weight) = (
        _samples(edges[:, :, 1 - axis] / image_size[axis] * (shape[axis] - 1), shape[axis], cells, points)
        for axis in (0, 1)
    )
    image = torch.arange(boxes.shape[0], device=boxes.device).repeat_interleave(boxes.shape[1])
    y = y + (image * shape[0]).view(-1, 1, 1, 1)
    rows = y[:, :, None, :, None, :, None] * shape[1] + x[:, None, :, None, :, None, :]
    return rows, y_weight[:, :, None, :, None, :, None] * x_weight[:, None, :, None, :, None, :]


def _samples(edges: Tensor, length: int, cells: int, points: int) -> tuple[Tensor, Tensor]:
    """Place samples along one axis of a map.

    Args:
        edges: (R, 2) first and last coordinate of each box, in cells of the map.
        length: cells of the map on this axis.
        cells: equal parts into which the box is cut.
        points: samples per part, from edge to edge; a single one lies in the middle.

    Returns:
        The two neighbours of each sample, index (R, cells, points, 2) int64 within the map, and their weights, which
        are 0 for a sample outside of it (or NaN).
    """
    borders = _between(edges[:, :1], edges[:, 1:], cells + 1)
    at = _between(borders[:, :-1, None], borders[:, 1:, None], points)
    inside = (at >= 0) & (at <= length - 1)
    at = torch.where(inside, at, 0.0)
    low = at.floor()
    fraction = at - low
    index = torch.stack([low.long(), at.ceil().long()], dim=-1)
    return index, torch.stack([1 - fraction, fraction], dim=-1) * inside[..., None]


def _between(start: Tensor, stop: Tensor, count: int) -> Tensor:
    """Return evenly spaced values (..., count) from start to stop, both exactly hit; the middle if count is 1."""
    steps = (
        torch.linspace(0, 1, count, dtype=start.dtype, device=start.device) if count > 1 else start.new_tensor([0.5])
    )
    return torch.lerp(start, stop, steps)
