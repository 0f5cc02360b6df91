"""A folded decoder as one 3x3 convolution and a pixel shuffle, see `blocks`.

Shape legend: B batch, C feature channels, N M feature rows and columns, s = 2^n stride.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from mesorch_cli.network.blocks import CONVOLUTION_INSIDE, shuffled
from mesorch_cli.network.composing import FIRST, INSIDE, LAST, Array
from mesorch_cli.network.decoding import FoldedDecoder

SIDES = (FIRST, LAST)


class ShuffledDecoder(nn.Module):
    """A folded decoder: features (B, C, N, M) in, map (B, 1, s N, s M) out; a single row or column is enough."""

    def __init__(self, decoder: FoldedDecoder) -> None:
        super().__init__()
        self.stride = 1 << decoder.levels
        made = {name: _convolution(*values) for name, values in shuffled(decoder.composed()).items()}
        self.inside = made.pop(CONVOLUTION_INSIDE)
        self.edges = nn.ModuleDict({name.removeprefix("edges."): edge for name, edge in made.items()})

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


def _convolution(kernel: Array, bias: Array) -> nn.Conv2d:
    size = (kernel.shape[2], kernel.shape[3])
    made = nn.Conv2d(kernel.shape[1], kernel.shape[0], size, padding=(size[0] // 2, size[1] // 2))
    made.weight = nn.Parameter(torch.from_numpy(kernel.astype("float32", order="C")))
    made.bias = nn.Parameter(torch.from_numpy(bias.astype("float32")))
    return made.requires_grad_(False)
