"""A decoder chain and its 1x1 head in PyTorch, as the one linear map that `composing` makes of them.

Shape legend: B batch, C feature channels, N M feature rows and columns, n levels, P = 3 * 2^n - 2 patch side, E edge
kinds.
"""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mesorch_cli.network.composing import INSIDE, Array, Composed, compose, edge_kinds, patch_side


class FoldedDecoder(nn.Module):
    """A decoder chain and its 1x1 head: features (B, C, N, M) in, map (B, 1, 2^n N, 2^n M) out.

    It equals the chain up to rounding from the order of sums, also at the borders.
    """

    patches: Tensor

    def __init__(self, chain: Sequence[nn.ConvTranspose2d], head: nn.Conv2d) -> None:
        super().__init__()
        assert head.bias is not None
        device = head.weight.device
        composed = compose(
            [(_plain(level.weight), _plain(cast(Tensor, level.bias))) for level in chain],
            _plain(head.weight).reshape(-1),
            float(head.bias),
        )
        self.levels = composed.levels
        for follows, spread in enumerate(composed.spreads):
            self.register_buffer(f"bias_{follows}", _tensor(spread).to(device), persistent=False)
        # (E, E, P * P, C): one matrix product turns feature pixels into patches.
        flat = composed.patches.reshape(*composed.patches.shape[:3], -1).swapaxes(2, 3)
        self.register_buffer("patches", _tensor(flat).to(device), persistent=False)
        self.register_buffer("constant", torch.full((1, 1, 1, 1), composed.constant, device=device), persistent=False)

    def composed(self) -> Composed:
        """Return the linear map, as this network holds it."""
        side = patch_side(self.levels)
        spreads = tuple(_plain(self.get_buffer(f"bias_{follows}")) for follows in range(self.levels))
        patches = _plain(self.patches).swapaxes(2, 3)
        return Composed(
            self.levels, patches.reshape(*patches.shape[:3], side, side), spreads, float(self.get_buffer("constant"))
        )

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


def _plain(tensor: Tensor) -> Array:
    return cast(Array, tensor.detach().double().cpu().numpy())


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(values.astype("float32", order="C"))
