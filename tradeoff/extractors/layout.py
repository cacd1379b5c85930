"""How a backbone lays out its features, and the way from there to feature maps and back.

Legend: N images, C channels, H×W cells, L = H · W tokens.
"""

from typing import Literal

import torch
from torch import Tensor

#: feature maps as convolutions give them; channels last, as windowed transformers; tokens, as plain transformers
Layout = Literal["NCHW", "NHWC", "NLC"]
LAYOUTS: tuple[Layout, ...] = ("NCHW", "NHWC", "NLC")


def laid(features: Tensor, layout: Layout) -> Tensor:
    """Lay out a feature map (N, C, H, W) as a backbone wants it."""
    if layout == "NHWC":
        return features.permute(0, 2, 3, 1).contiguous()
    return features.flatten(2).transpose(1, 2).contiguous() if layout == "NLC" else features


def unlaid(features: Tensor, layout: Layout, shape: tuple[int, int]) -> Tensor:
    """Return the feature map (N, C, H, W) of a layout.

    Args:
        features: (N, C, H, W), (N, H, W, C) or (N, L, C).
        layout: which of them.
        shape: H and W, needed for tokens.
    """
    if layout == "NHWC":
        return features.permute(0, 3, 1, 2)
    return features.transpose(1, 2).unflatten(2, shape) if layout == "NLC" else features


def find_layout(features: Tensor, given: Tensor) -> Layout | None:
    """Tell in which layout a feature map (N, C, H, W) was given to a module, or None if that was something else.

    Tokens of the class and the like, before those of the map, are passed over.
    """
    for layout in LAYOUTS:
        expected = laid(features, layout)
        found = given[:, -expected.shape[1] :] if layout == "NLC" and given.ndim == expected.ndim else given
        if found.shape == expected.shape and torch.allclose(found, expected, rtol=1e-4, atol=1e-5):
            return layout
    return None
