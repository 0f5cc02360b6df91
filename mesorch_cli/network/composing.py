"""A decoder chain and its head as one linear map per feature pixel, as everything between them is linear.

A level of the chain is a transposed convolution of kernel 4, stride 2, padding 1: the input pixel i adds its kernel at
the output pixels 2i - 1 .. 2i + 2, and whatever falls outside 0 .. 2N - 1 is dropped. Levels chained, a feature pixel
adds a patch of 3 * 2^n - 2 pixels, at a stride of 2^n, to a map of one channel. As every level drops its own outermost
pixels, the first and last rows and columns of the features have patches of their own. Inside, all patches are the same.

Everything is NumPy in float64, so every runtime gets the same values, whatever its own sums would round to.

Shape legend: C feature channels, n levels, P = 3 * 2^n - 2 patch side, s = 2^n stride, E edge kinds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

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
REACHED = 3  # the kinds that a tap lands on; a grid of more than one pixel has no ONLY


def patch_side(levels: int) -> int:
    """Return the side of the patch that a pixel contributes after `levels` levels."""
    return 3 * (1 << levels) - 2


def edge_kinds(length: int) -> list[tuple[slice, int]]:
    """Split an axis of `length` pixels into runs of one kind."""
    if length == 1:
        return [(slice(0, 1), ONLY)]
    runs = [(slice(0, 1), FIRST), (slice(length - 1, length), LAST)]
    return [*runs, (slice(1, length - 1), INSIDE)] if length > 2 else runs


@dataclass(frozen=True)
class Composed:
    """A chain of `levels` levels with its head.

    patches: (E, E, C, P, P) of a feature pixel, by the kind of its row and column. spreads: for each level, the last
    one first, the patch (E, E, p, p) that its bias adds at every pixel of its output. constant: the head's bias.
    """

    levels: int
    patches: Array
    spreads: tuple[Array, ...]
    constant: float


def compose(levels: Sequence[tuple[Array, Array]], head: Array, constant: float) -> Composed:
    """Compose a chain. levels: weight (C, D, 4, 4) and bias (D) of each, from the features on. head: (D) of the last."""
    patches = np.broadcast_to(head[:, None, None], (EDGES, EDGES, len(head), 1, 1))
    spreads = []
    for weight, bias in reversed(levels):
        # A bias is the same at every pixel of the level's output, so it passes through the patches of later levels.
        spreads.append(np.einsum("c,yxcpq->yxpq", bias, patches))
        patches = _prepend(weight, patches)
    return Composed(len(levels), patches, tuple(spreads), constant)


def _prepend(weight: Array, patches: Array) -> Array:
    """Compose a level with what follows it.

    weight: (C, D, 4, 4) of the level's transposed convolution. patches: (E, E, D, P, P) of a pixel of its output.
    Returns (E, E, C, 2P + 2, 2P + 2) of a pixel of its input, at twice the stride.
    """
    before, after, side = weight.shape[0], weight.shape[1], patches.shape[-1]
    stride = (side + 2) // 3  # of the levels that follow, in pixels of the map
    # Channels come last on the way, so that whole rows of memory are added.
    composed = np.zeros((EDGES, EDGES, side + 3 * stride, side + 3 * stride, before))
    reached = patches[:REACHED, :REACHED].transpose(0, 1, 3, 4, 2).reshape(-1, after)
    by_tap = np.ascontiguousarray(weight.transpose(2, 3, 1, 0))
    for tap_y in range(TAPS):
        for tap_x in range(TAPS):
            moved = (reached @ by_tap[tap_y, tap_x]).reshape(REACHED, REACHED, side, side, before)
            top, left = tap_y * stride, tap_x * stride
            for row in range(EDGES):
                for column in range(EDGES):
                    lands_y, lands_x = LANDS_ON[row][tap_y], LANDS_ON[column][tap_x]
                    if lands_y is not None and lands_x is not None:
                        window = composed[row, column, top : top + side, left : left + side]
                        window += moved[lands_y, lands_x]
    return composed.transpose(0, 1, 4, 2, 3)


def bias_map(composed: Composed, rows: int, columns: int) -> Array:
    """Return what the biases add to the map of rows x columns feature pixels, (s rows, s columns)."""
    size = (rows << composed.levels, columns << composed.levels)
    total = np.full(size, composed.constant)
    for follows, spread in enumerate(composed.spreads):
        stride, side = 1 << follows, patch_side(follows)
        margin = (side - stride) // 2
        canvas = np.zeros((size[0] + 2 * margin, size[1] + 2 * margin))
        for band, row_kind in edge_kinds(size[0] // stride):
            for strip, column_kind in edge_kinds(size[1] // stride):
                for y in range(band.start, band.stop):
                    for x in range(strip.start, strip.stop):
                        place = canvas[y * stride : y * stride + side, x * stride : x * stride + side]
                        place += spread[row_kind, column_kind]
        total += canvas[margin : margin + size[0], margin : margin + size[1]]
    return total
