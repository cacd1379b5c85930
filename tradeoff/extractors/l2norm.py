"""L2 normalisation of a feature map."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class L2Norm(nn.Module):
    """Scale the vector of each cell of a map (N, C, H, W) to a length that is learned for each channel.

    Source: Liu et al. 2015, "ParseNet" (arXiv 1506.04579), section 3.3; as SSD uses it on conv4_3.
    """

    def __init__(self, channels: int, scale: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((channels,), scale))

    def forward(self, features: Tensor) -> Tensor:
        """Return the map, each cell of length 1 times the scale of each channel."""
        return F.normalize(features, dim=1) * self.scale[:, None, None]
