"""A composed decoder as 3x3 convolutions and a pixel shuffle, which every runtime has at any size.

A feature pixel adds a patch of 3s - 2 map pixels at a stride of s, centred on its own block of s x s, and reaches only
the neighbouring blocks. Seen from the map, every block is a sum over 3 x 3 feature pixels: a convolution to s * s
channels. The chain's crop after every level affects the outermost pixels only within their own blocks, so the
difference is added there.

Shape legend: C feature channels, s = 2^n stride, P = 3s - 2 patch side.
"""

from collections.abc import Iterable

import numpy as np

from mesorch_cli.network.composing import FIRST, INSIDE, LAST, Array, Composed, bias_map

PLACE = {FIRST: 0, INSIDE: 1, LAST: 2}  # in 3 x 3 blocks
CONVOLUTION_INSIDE = "inside"


def edge_name(row: int, column: int) -> str:
    """Return the name of the convolution that an edge adds."""
    return f"edges.{row}{column}"


def block_kernels(patches: Array, stride: int) -> Array:
    """Turn patches (C, P, P) into the kernel (s * s, C, 3, 3) of a convolution that gives the blocks of the map."""
    framed = np.pad(patches, ((0, 0), (1, 1), (1, 1)))
    blocks = framed.reshape(-1, 3, stride, 3, stride)  # C, block row, row in it, block column, column in it
    # The block below a pixel reads the pixel above it, so the kernel is the reversed patch.
    return blocks.transpose(2, 4, 0, 1, 3).reshape(stride * stride, -1, 3, 3)[:, :, ::-1, ::-1]


def block_biases(composed: Composed) -> Array:
    """Return the biases' contribution, (3, 3, s * s), by kind of block row and column (first, inside, last)."""
    stride = 1 << composed.levels
    blocks = bias_map(composed, 3, 3).reshape(3, stride, 3, stride)
    return blocks.transpose(0, 2, 1, 3).reshape(3, 3, -1)


def signed_sum(terms: Iterable[tuple[int, Array]]) -> Array:
    """Return the sum of arrays, each added (1) or taken away (-1), in their order; the first is added."""
    (_, first), *others = terms
    total = first.copy()
    for sign, array in others:
        if sign > 0:
            total += array
        else:
            total -= array
    return total


def shuffled(composed: Composed) -> dict[str, tuple[Array, Array]]:
    """Return kernel and bias of every convolution of a decoder, by name: `inside`, and one for each edge and corner.

    Along an axis with a single pixel, only the kernel's middle is kept.
    """
    stride, patches = 1 << composed.levels, composed.patches
    biases = block_biases(composed)
    made = {CONVOLUTION_INSIDE: (block_kernels(patches[INSIDE, INSIDE], stride), biases[1, 1])}
    if composed.levels < 2:
        return made  # one level crops nothing that could have returned
    for row in (FIRST, INSIDE, LAST):
        for column in (FIRST, INSIDE, LAST):
            if (row, column) == (INSIDE, INSIDE):
                continue
            # The extra contribution where a border row meets a border column, beyond that of each alone.
            kinds = [(row, column, 1), (row, INSIDE, -1), (INSIDE, column, -1), (INSIDE, INSIDE, 1)]
            if INSIDE in (row, column):
                kinds = [(row, column, 1), (INSIDE, INSIDE, -1)]
            added = signed_sum((sign, patches[y, x]) for y, x, sign in kinds)
            bias = signed_sum((sign, biases[PLACE[y], PLACE[x]]) for y, x, sign in kinds)
            kernel = block_kernels(added, stride)
            if row != INSIDE:
                kernel = kernel[:, :, 1:2]
            if column != INSIDE:
                kernel = kernel[:, :, :, 1:2]
            made[edge_name(row, column)] = (kernel, bias)
    return made
