"""3×3 convolutions of a deployed detector by Winograd's filtering, on a CPU, where that is faster."""

from typing import Self

import torch
from torch import Tensor, nn

from tradeoff.ops.winograd import tiles, transform_weight, winograd_conv2d
from tradeoff.stages.deploy import replace

#: fewer channels, in or out, than these are not worth the transforms (results/measured/convolutions_cpu.csv)
CHANNELS = 192
#: maps of fewer tiles are not worth reading four times the weights; 25 are 17 to 20 px (the same table)
TILES = 25


class WinogradConv2d(nn.Conv2d):
    """A 3×3 convolution at stride 1, for inference, that takes the faster way for the map it is given.

    The transformed weights, four times the others, are made when they are first wanted, and again when the weights
    have changed. Autocast, gradients and whatever else a plain convolution takes go by the plain one.
    """

    transformed: Tensor | None = None
    made_of: tuple[object, ...] = ()

    @classmethod
    def of(cls, layer: nn.Conv2d) -> Self:
        """Return a convolution that shares the weights of another."""
        made = cls(layer.in_channels, layer.out_channels, 3, bias=layer.bias is not None, device="meta")
        made.weight, made.bias, made.padding = layer.weight, layer.bias, layer.padding
        return made.train(layer.training)

    def forward(self, images: Tensor) -> Tensor:
        """Convolve images (N, C, H, W)."""
        if not self.pays_for(images):
            return super().forward(images)
        return winograd_conv2d(images, self.transform(), self.bias, int(self.padding[0]))

    def pays_for(self, images: Tensor) -> bool:
        """Tell whether Winograd's filtering is possible and faster for images."""
        plain = torch.is_grad_enabled() or torch.is_autocast_enabled("cpu") or images.dtype != self.weight.dtype
        if plain or images.dim() != 4 or len(images) == 0:
            return False
        rows, columns = tiles(images.shape[2], images.shape[3], int(self.padding[0]))
        return rows * columns >= TILES

    def transform(self) -> Tensor:
        """Return the transformed weights, of the weights as they are now."""
        weight = self.weight
        version = None if weight.is_inference() else weight._version
        now = (weight.data_ptr(), version, weight.dtype)
        if self.transformed is None or self.made_of != now:
            self.transformed, self.made_of = transform_weight(weight), now
        return self.transformed


def use_winograd(network: nn.Module) -> None:
    """Let the convolutions for which it may pay go by Winograd's filtering; once is enough."""
    for layer in list(network.modules()):
        if isinstance(layer, nn.Conv2d) and pays(layer):
            replace(network, layer, WinogradConv2d.of(layer))


def pays(layer: nn.Conv2d) -> bool:
    """Tell whether a module is a plain 3×3 convolution at stride 1 of many channels, padded alike on all sides.

    One that is watched by hooks is left, for they would be lost.
    """
    return (
        type(layer) is nn.Conv2d
        and layer.kernel_size == (3, 3)
        and layer.stride == layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.padding in ((0, 0), (1, 1), (2, 2))
        and layer.padding_mode == "zeros"
        and min(layer.in_channels, layer.out_channels) >= CHANNELS
        and not (layer._forward_hooks or layer._forward_pre_hooks)
    )
