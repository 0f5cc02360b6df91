"""A decoder chain and its head as one linear map per feature pixel, as everything between them is linear.

A level of the chain is a transposed convolution of kernel 4, stride 2, padding 1: the input pixel i adds its kernel at
the output pixels 2i - 1 .. 2i + 2, and whatever falls outside 0 .. 2N - 1 is dropped. Levels chained, a feature pixel
adds a patch of 3 * 2^n - 2 pixels, at a stride of 2^n, to a map of one channel. As every level drops its own outermost
pixels, the first and last rows and columns of the features have patches of their own. Inside, all patches are the same.

Shape legend: B batch, C feature channels, N M feature rows and columns, n levels, P = 3 * 2^n - 2 patch side, E edge
kinds.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

TAPS = 4  # kernel side of a level
FIRST, INSIDE, LAST, ONLY = range(4)  # position of a pixel along an axis; ONLY: the axis has a single pixel
EDGES = 4
# For each kind of pixel and tap: the kind of pixel in the next grid that the tap reaches; None: it is dropped.
LANDS_ON: dict[int, tuple[int | None, ...]] = {
    FIRST: (None, FIRST, INSIDE, INSIDE),
    INSIDE: (INSIDE, INSIDE, INSIDE, INSIDE),
    LAST: (INSIDE, INSIDE, LAST, None),
    ONLY: (None, FIRST, LAST, None),
}


def patch_side(levels: int) -> int:
    """Return the side of the patch that a pixel contributes after `levels` levels."""
    return 3 * (1 << levels) - 2


def prepend_level(weight: Tensor, patches: Tensor) -> Tensor:
    """Compose a level with what follows it.

    weight: (C, D, 4, 4) of the level's transposed convolution. patches: (E, E, D, P, P) of a pixel of its output, by
    the kind of its row and column. Returns (E, E, C, 2P + 2, 2P + 2) of a pixel of its input, at twice the stride.
    """
    before, after, side = weight.shape[0], weight.shape[1], patches.shape[-1]
    stride = (side + 2) // 3  # of the levels that follow, in pixels of the map
    composed = weight.new_zeros(EDGES, EDGES, before, side + 3 * stride, side + 3 * stride)
    flat = patches.reshape(EDGES * EDGES, after, side * side)
    for tap_y in range(TAPS):
        for tap_x in range(TAPS):
            moved = (weight[:, :, tap_y, tap_x] @ flat).view(EDGES, EDGES, before, side, side)
            top, left = tap_y * stride, tap_x * stride
            for row in range(EDGES):
                for column in range(EDGES):
                    lands_y, lands_x = LANDS_ON[row][tap_y], LANDS_ON[column][tap_x]
                    if lands_y is not None and lands_x is not None:
                        window = composed[row, column, :, top : top + side, left : left + side]
                        window += moved[lands_y, lands_x]
    return composed


def edge_kinds(length: int) -> list[tuple[slice, int]]:
    """Split an axis of `length` pixels into runs of one kind."""
    if length == 1:
        return [(slice(0, 1), ONLY)]
    runs = [(slice(0, 1), FIRST), (slice(length - 1, length), LAST)]
    return [*runs, (slice(1, length - 1), INSIDE)] if length > 2 else runs


class FoldedDecoder(nn.Module):
    """A decoder chain and its 1x1 head: features (B, C, N, M) in, map (B, 1, 2^n N, 2^n M) out.

    It equals the chain up to rounding from the order of sums, also at the borders.
    """

    patches: Tensor

    def __init__(self, chain: Sequence[nn.ConvTranspose2d], head: nn.Conv2d) -> None:
        super().__init__()
        weight = head.weight.detach()
        assert head.bias is not None
        self.levels = len(chain)
        patches = weight.reshape(1, 1, -1, 1, 1).expand(EDGES, EDGES, -1, 1, 1)
        for follows, level in enumerate(reversed(chain)):
            assert level.bias is not None
            # A bias is the same at every pixel of the level's output, so it passes through the patches of later levels.
            spread = torch.einsum("c,yxcpq->yxpq", level.bias.detach(), patches)
            self.register_buffer(f"bias_{follows}", spread.contiguous(), persistent=False)
            patches = prepend_level(level.weight.detach(), patches)
        edges = patches.shape[:3]
        # (E, E, P * P, C): one matrix product turns feature pixels into patches.
        self.register_buffer("patches", patches.reshape(*edges, -1).transpose(2, 3).contiguous(), persistent=False)
        self.register_buffer("constant", head.bias.detach().reshape(1, 1, 1, 1).clone(), persistent=False)

    def _assemble(self, columns: Tensor, levels: int, rows: int, width: int) -> Tensor:
        """Sum patches (B, P * P, rows * width) to a map (B, 1, 2^levels rows, 2^levels width)."""
        stride, side = 1 << levels, patch_side(levels)
        size = (stride * rows, stride * width)
        return functional.fold(columns, size, kernel_size=side, stride=stride, padding=(side - stride) // 2)

    def bias_map(self, rows: int, width: int) -> Tensor:
        """Return the biases' contribution, (1, 1, 2^n rows, 2^n width), which depends only on the size."""
        total: Tensor = self.get_buffer("constant").float()
        for follows in range(self.levels):
            spread = self.get_buffer(f"bias_{follows}").float()
            grid_rows, grid_width = rows << (self.levels - follows), width << (self.levels - follows)
            columns = spread.new_empty(spread.shape[-1] * spread.shape[-2], grid_rows, grid_width)
            for band, row_kind in edge_kinds(grid_rows):
                for strip, column_kind in edge_kinds(grid_width):
                    columns[:, band, strip] = spread[row_kind, column_kind].reshape(-1, 1, 1)
            total = total + self._assemble(columns.flatten(1)[None], follows, grid_rows, grid_width)
        return total

    def forward(self, features: Tensor) -> Tensor:
        batch, _, rows, width = features.shape
        pixels = features.flatten(2)
        columns = (self.patches[INSIDE, INSIDE] @ pixels).view(batch, -1, rows, width)
        for band, row_kind in edge_kinds(rows):
            for strip, column_kind in edge_kinds(width):
                if (row_kind, column_kind) != (INSIDE, INSIDE):
                    part = features[:, :, band, strip]
                    edge = self.patches[row_kind, column_kind] @ part.flatten(2)
                    columns[:, :, band, strip] = edge.view(batch, -1, *part.shape[2:])
        assembled = self._assemble(columns.flatten(2).float(), self.levels, rows, width)
        return assembled + self.bias_map(rows, width)
