"""A folded decoder as one 3x3 convolution and a pixel shuffle, which every runtime has at any size.

A feature pixel adds a patch of 3s - 2 map pixels at a stride of s, centred on its own block of s x s, and reaches only
the neighbouring blocks. Seen from the map, every block is a sum over 3 x 3 feature pixels: a convolution to s * s
channels. The chain's crop after every level affects the outermost pixels only within their own blocks, so the
difference is added there.

Shape legend: B batch, C feature channels, N M feature rows and columns, s = 2^n stride, P = 3s - 2 patch side.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mesorch_cli.network.decoding import FIRST, INSIDE, LAST, FoldedDecoder

SIDES = (FIRST, LAST)


def block_kernels(patches: Tensor, stride: int) -> Tensor:
    """Turn patches (P * P, C) into the kernel (s * s, C, 3, 3) of a convolution that gives the blocks of the map."""
    side = 3 * stride - 2
    framed = functional.pad(patches.T.reshape(-1, side, side), (1, 1, 1, 1))
    blocks = framed.reshape(-1, 3, stride, 3, stride)  # C, block row, row in it, block column, column in it
    # The block below a pixel reads the pixel above it, so the kernel is the reversed patch.
    return blocks.permute(2, 4, 0, 1, 3).flatten(0, 1).flip(2, 3).contiguous()


def block_biases(decoder: FoldedDecoder) -> Tensor:
    """Return the biases' contribution, (3, 3, s * s), by kind of block row and column (first, inside, last)."""
    stride = 1 << decoder.levels
    blocks = decoder.bias_map(3, 3).reshape(3, stride, 3, stride)
    return blocks.permute(0, 2, 1, 3).flatten(2)


class ShuffledDecoder(nn.Module):
    """A folded decoder: features (B, C, N, M) in, map (B, 1, s N, s M) out; a single row or column is enough."""

    def __init__(self, decoder: FoldedDecoder) -> None:
        super().__init__()
        self.stride = 1 << decoder.levels
        patches = decoder.patches
        self.inside = self._convolution(patches[INSIDE, INSIDE], block_biases(decoder)[1, 1])
        place = {FIRST: 0, INSIDE: 1, LAST: 2}
        biases = block_biases(decoder)
        self.edges = nn.ModuleDict()
        if decoder.levels < 2:
            return  # one level crops nothing that could have returned
        for row in (FIRST, INSIDE, LAST):
            for column in (FIRST, INSIDE, LAST):
                if (row, column) == (INSIDE, INSIDE):
                    continue
                # The extra contribution where a border row meets a border column, beyond that of each alone.
                kinds = [(row, column, 1), (row, INSIDE, -1), (INSIDE, column, -1), (INSIDE, INSIDE, 1)]
                if INSIDE in (row, column):
                    kinds = [(row, column, 1), (INSIDE, INSIDE, -1)]
                added = sum((sign * patches[y, x] for y, x, sign in kinds), torch.zeros_like(patches[0, 0]))
                bias = sum((sign * biases[place[y], place[x]] for y, x, sign in kinds), torch.zeros_like(biases[0, 0]))
                self.edges[f"{row}{column}"] = self._convolution(added, bias, row, column)

    def _convolution(self, patches: Tensor, bias: Tensor, row: int = INSIDE, column: int = INSIDE) -> nn.Conv2d:
        """Return the convolution. Along an axis with a single pixel, only the kernel's middle is kept."""
        kernel = block_kernels(patches, self.stride)
        if row != INSIDE:
            kernel = kernel[:, :, 1:2]
        if column != INSIDE:
            kernel = kernel[:, :, :, 1:2]
        size = (kernel.shape[2], kernel.shape[3])
        made = nn.Conv2d(kernel.shape[1], kernel.shape[0], size, padding=(size[0] // 2, size[1] // 2))
        made.weight, made.bias = nn.Parameter(kernel.contiguous()), nn.Parameter(bias.clone())
        return made.requires_grad_(False)

    def forward(self, features: Tensor) -> Tensor:
        blocks = self.inside(features)
        if self.edges:
            rows, columns = features.shape[2], features.shape[3]
            device, dtype = features.device, blocks.dtype
            at_row = torch.arange(rows, device=device)[:, None]
            at_column = torch.arange(columns, device=device)
            row_of = {FIRST: (at_row == 0).to(dtype), LAST: (at_row == rows - 1).to(dtype)}
            column_of = {FIRST: (at_column == 0).to(dtype), LAST: (at_column == columns - 1).to(dtype)}
            end = {FIRST: slice(0, 1), LAST: slice(-1, None)}
            for side in SIDES:
                strip = features[:, :, end[side]]
                added = self.edges[f"{side}{INSIDE}"](strip)
                for corner in SIDES:
                    added = added + self.edges[f"{side}{corner}"](strip[:, :, :, end[corner]]) * column_of[corner]
                blocks = blocks + added * row_of[side]
                blocks = blocks + self.edges[f"{INSIDE}{side}"](features[:, :, :, end[side]]) * column_of[side]
        return functional.pixel_shuffle(blocks, self.stride)
