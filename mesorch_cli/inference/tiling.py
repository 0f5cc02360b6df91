"""Where tiles are placed and how they blend: pure geometry, without network or pixels.

Frame: rows and columns of a canvas, in pixels, (height, width) in that order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import UsageError
from mesorch_cli.network.member import SIDE_MULTIPLE

WINDOW_FLOOR = 0.01  # so that no pixel's weights sum to zero, even in a corner


def starts(length: int, side: int, overlap: float) -> tuple[int, ...]:
    """Return the first pixels of the tiles along one axis: even steps, the first at 0, the last one ending at `length`.

    The fewest tiles whose neighbours share at least `overlap` of a side; one tile if `length` fits into it.
    """
    if length <= side:
        return (0,)
    step = max(1, int(side * (1.0 - overlap)))
    gaps = -(-(length - side) // step)
    return tuple(round(index * (length - side) / gaps) for index in range(gaps + 1))


def between(places: tuple[int, ...]) -> tuple[int, ...]:
    """Return places halfway between those of another grid; the ends stay, since tiles end where the canvas ends."""
    if len(places) == 1:
        return places
    middles = ((before + after) // 2 for before, after in pairwise(places))
    return (places[0], *middles, places[-1])


def window(side: int) -> NDArray[np.float32]:
    """Return the weights of a tile's pixels along one axis, (side,) float32 in WINDOW_FLOOR..1, symmetric.

    A raised cosine, as tiles agree least near their borders, where each sees only half of a pixel's surroundings.
    """
    phase = (np.arange(side) + 0.5) / side
    return (WINDOW_FLOOR + (1.0 - WINDOW_FLOOR) * np.sin(np.pi * phase) ** 2).astype(np.float32)


@dataclass(frozen=True)
class Tile:
    """A part of the canvas: `height` x `width` pixels from (y, x) on."""

    y: int
    x: int
    height: int
    width: int

    @property
    def rows(self) -> slice:
        return slice(self.y, self.y + self.height)

    @property
    def columns(self) -> slice:
        return slice(self.x, self.x + self.width)


@dataclass(frozen=True)
class Plan:
    """An even cover of a canvas by equal tiles.

    A canvas side shorter than a tile gets one tile of its own length; the network then sees it padded to
    `padded_height` or `padded_width`. shifted: inner tiles lie halfway between those of the usual cover.
    """

    height: int
    width: int
    side: int
    overlap: float
    shifted: bool = False

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise UsageError(f"A canvas of {self.height} x {self.width} pixels is too small. Expected at least 1 x 1.")
        if self.side < SIDE_MULTIPLE or self.side % SIDE_MULTIPLE:
            raise UsageError(f"Tiles of {self.side} pixels are impossible. Expected a multiple of {SIDE_MULTIPLE}.")
        if not 0.0 <= self.overlap <= 0.75:
            raise UsageError(f"An overlap of {self.overlap} is out of range. Expected 0 to 0.75 of a tile's side.")

    @cached_property
    def ys(self) -> tuple[int, ...]:
        return self._places(self.height)

    @cached_property
    def xs(self) -> tuple[int, ...]:
        return self._places(self.width)

    def _places(self, length: int) -> tuple[int, ...]:
        places = starts(length, self.side, self.overlap)
        return between(places) if self.shifted else places

    @property
    def tile_height(self) -> int:
        return min(self.side, self.height)

    @property
    def tile_width(self) -> int:
        return min(self.side, self.width)

    @property
    def padded_height(self) -> int:
        return -(-self.tile_height // SIDE_MULTIPLE) * SIDE_MULTIPLE

    @property
    def padded_width(self) -> int:
        return -(-self.tile_width // SIDE_MULTIPLE) * SIDE_MULTIPLE

    def __len__(self) -> int:
        return len(self.ys) * len(self.xs)

    def __iter__(self) -> Iterator[Tile]:
        """Yield the tiles row by row."""
        for y in self.ys:
            for x in self.xs:
                yield Tile(y, x, self.tile_height, self.tile_width)

    @cached_property
    def weights(self) -> NDArray[np.float32]:
        """The blend window of every tile, (tile_height, tile_width) float32; all ones where one tile is the canvas."""
        vertical = window(self.tile_height) if len(self.ys) > 1 else np.ones(self.tile_height, np.float32)
        horizontal = window(self.tile_width) if len(self.xs) > 1 else np.ones(self.tile_width, np.float32)
        return np.outer(vertical, horizontal)

    def finished_rows(self, row: int) -> int:
        """Return how many canvas rows no tile of a row of tiles after `row` (from 0) touches."""
        return self.height if row + 1 == len(self.ys) else self.ys[row + 1]
