"""3×3 convolutions of a deployed detector by Winograd's filtering, on a CPU, where that is faster."""

from torch import Tensor, nn

from tradeoff.ops.winograd import tiles, transform_weight, winograd_conv2d
from tradeoff.stages.deploy import replace

#: fewer channels, in or out, than these are not worth the transforms (benchmarks/convolutions.py)
CHANNELS = 192
#: maps of fewer tiles are not worth reading four times the weights; 25 are 17 to 20 px (the same benchmark)
TILES = 25


class WinogradConv2d(nn.Conv2d):
    """A 3×3 convolution at stride 1 that takes the faster way for the map it is given.

    The transformed weights, four times the others, are made when they are first wanted.
    """

    transformed: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor:
        """Convolve images (N, C, H, W)."""
        padding = int(self.padding[0])
        rows, columns = tiles(images.shape[2], images.shape[3], padding)
        if rows * columns < TILES:
            return super().forward(images)
        if self.transformed is None:
            self.transformed = transform_weight(self.weight)
        return winograd_conv2d(images, self.transformed, self.bias, padding)


def use_winograd(network: nn.Module) -> None:
    """Let the convolutions for which it may pay go by Winograd's filtering; once is enough."""
    for layer in [layer for layer in network.modules() if pays(layer)]:
        replace(network, layer, winograd_of(layer))


def pays(layer: nn.Module) -> bool:
    """Tell whether a module is a plain 3×3 convolution at stride 1 of many channels, padded alike on all sides."""
    return (
        type(layer) is nn.Conv2d
        and layer.kernel_size == (3, 3)
        and layer.stride == layer.dilation == (1, 1)
        and layer.groups == 1
        and layer.padding in ((0, 0), (1, 1), (2, 2))
        and layer.padding_mode == "zeros"
        and min(layer.in_channels, layer.out_channels) >= CHANNELS
    )


def winograd_of(layer: nn.Module) -> WinogradConv2d:
    """Return a convolution that shares the weights of another."""
    assert isinstance(layer, nn.Conv2d)
    made = WinogradConv2d(layer.in_channels, layer.out_channels, 3, bias=layer.bias is not None, device="meta")
    made.weight, made.bias, made.padding = layer.weight, layer.bias, layer.padding
    return made.train(layer.training)
