"""3×3 convolutions in a quarter of the multiplications: Winograd's minimal filtering F(4×4, 3×3).

Shape legend: N images, C channels in, K channels out, H×W the map, T tiles of 4×4 outputs, which 6×6 inputs make.

The output of a tile is Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A, for a kernel g and the inputs d. Over all tiles and channels, the
product ⊙ is 36 matrix products (T, C) × (C, K): 36 multiplications where the convolution itself takes 144. The
transforms and four times the weights come on top, so it pays where there are many channels and many tiles. In fp32
the result is that of the convolution to about 1e-5 of its largest value.

Source: Lavin & Gray, "Fast algorithms for convolutional neural networks", CVPR 2016, section 4.3.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

OUT, IN = 4, 6  # px of a tile, of its outputs and of its inputs
#: tiles that go through together: few enough to stay in the caches, enough for the weights to be worth reading
BLOCK = 256

B_T = torch.tensor(
    [
        [4.0, 0, -5, 0, 1, 0],
        [0, -4, -4, 1, 1, 0],
        [0, 4, -4, -1, 1, 0],
        [0, -2, -1, 2, 1, 0],
        [0, 2, -1, -2, 1, 0],
        [0, 4, 0, -5, 0, 1],
    ],
    dtype=torch.float64,
)
G = torch.tensor(
    [
        [1 / 4, 0, 0],
        [-1 / 6, -1 / 6, -1 / 6],
        [-1 / 6, 1 / 6, -1 / 6],
        [1 / 24, 1 / 12, 1 / 6],
        [1 / 24, -1 / 12, 1 / 6],
        [0, 0, 1.0],
    ],
    dtype=torch.float64,
)
A_T = torch.tensor(
    [[1.0, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]],
    dtype=torch.float64,
)


def transform_weight(weight: Tensor) -> Tensor:
    """Return the transformed kernels (36, C, K) of a weight (K, C, 3, 3), of its dtype and device."""
    kernels = weight.flatten(2).permute(2, 1, 0).flatten(1)  # (9, C K)
    transformed = torch.kron(G, G).to(weight) @ kernels
    return transformed.view(IN * IN, weight.shape[1], weight.shape[0])


def tiles(height: int, width: int, padding: int = 1) -> tuple[int, int]:
    """Return the rows and columns of tiles that the output of a map (height, width) px takes."""
    return -(-(height + 2 * padding - 2) // OUT), -(-(width + 2 * padding - 2) // OUT)


def winograd_conv2d(images: Tensor, transformed: Tensor, bias: Tensor | None, padding: int = 1) -> Tensor:
    """Convolve with 3×3 kernels at stride 1.

    Args:
        images: (N, C, H, W) float32 or float64, fastest when channels are last in memory.
        transformed: (36, C, K), from `transform_weight`.
        bias: (K,) or None.
        padding: zeros on each side, px.

    Returns: (N, K, H + 2 padding - 2, W + 2 padding - 2), channels last in memory.

    Differs: the tiles go through in blocks of rows or images, so that no more than a block is held transformed. What
    is not finite spoils the 4×4 outputs of its tiles, where a convolution spoils 3×3, and values above about 1e36
    overflow.
    """
    count, _, height, width = images.shape
    rows, columns = tiles(height, width, padding)
    below, right = OUT * rows + 2 - height - padding, OUT * columns + 2 - width - padding
    padded = F.pad(images.permute(0, 2, 3, 1), (0, 0, padding, right, padding, below))
    out = images.new_empty(count, rows, OUT, columns, OUT, transformed.shape[2])
    for some, lines in blocks(count, rows, columns):
        inputs = padded[some, OUT * lines.start : OUT * lines.stop + 2]
        found = of_tiles(inputs, transformed).permute(2, 3, 0, 4, 1, 5)
        out[some, lines] = found if bias is None else found + bias
    whole = out.view(count, OUT * rows, OUT * columns, -1)
    within = whole[:, : height + 2 * padding - 2, : width + 2 * padding - 2]
    return within.contiguous().permute(0, 3, 1, 2)


def blocks(count: int, rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """Yield which images and which rows of tiles go through together: rows of one image, or several whole images."""
    lines = min(rows, max(1, BLOCK // columns))
    some = max(1, BLOCK // (rows * columns)) if lines == rows else 1
    for image in range(0, count, some):
        for line in range(0, rows, lines):
            yield slice(image, min(image + some, count)), slice(line, min(line + lines, rows))


def of_tiles(inputs: Tensor, transformed: Tensor) -> Tensor:
    """Return the outputs (4, 4, n, r, c, K) of the tiles of inputs (n, 4 r + 2, 4 c + 2, C)."""
    count, height, width, channels = inputs.shape
    shape = (count, (height - 2) // OUT, (width - 2) // OUT)
    image, line, px, channel = inputs.stride()
    seen = inputs.as_strided(
        (IN, IN, *shape, channels), (line, px, image, OUT * line, OUT * px, channel), inputs.storage_offset()
    )
    spread = torch.kron(B_T, B_T).to(inputs) @ seen.reshape(IN * IN, -1)
    product = torch.bmm(spread.view(IN * IN, -1, channels), transformed)
    gathered = torch.kron(A_T, A_T).to(inputs) @ product.view(IN * IN, -1)
    return gathered.view(OUT, OUT, *shape, -1)
