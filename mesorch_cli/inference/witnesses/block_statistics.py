"""Statistics of a photo's 8 x 8 blocks that more than one witness uses: coefficients, edges and noise, band by band.

Shape legend: M N rows and columns of whole blocks.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.photo import Pixels, eight_bits
from mesorch_cli.inference.witnesses.blocks import BLOCK, clipped_share, dct_basis, exact_brightness

BAND_ROWS = 64  # rows of blocks that are transformed at once
AROUND = BLOCK  # pixels beyond a band that its filters use
EDGE_LIMIT = 6.0  # grey levels: an edge between two pixels counts no more
NOISE_SIGMA = 1.0  # pixels; noise is what a blur of this width removes
LEAST_NOISE = 0.05  # grey levels, under the logarithm

MOST_BLOCKS = 800_000  # of a photo, 51 megapixels; more would take more than a gigabyte

Planes = NDArray[np.float32]


@dataclass(frozen=True)
class BlockStatistics:
    """What is known of every block, float32.

    edges: (M, N, 16), how much stronger the edges after its 8 columns and 8 rows are than their neighbours. noise: (M, N),
    logarithm of the median of what a blur removes. clipped: (M, N), share of pixels that are black or white, 0..1.
    """

    edges: Planes
    noise: Planes
    clipped: Planes

    @classmethod
    def of(cls, pixels: Pixels) -> "BlockStatistics":
        """Measure a photo, (H, W, 3) RGB."""
        pixels = eight_bits(pixels)
        rows, columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
        edges = np.empty((rows, columns, 2 * BLOCK), np.float32)
        noise, clipped = np.empty((rows, columns), np.float32), np.empty((rows, columns), np.float32)
        for first, last, inside, band in bands(pixels, rows):
            own = slice(inside // BLOCK, inside // BLOCK + last - first)
            edges[first:last] = edge_excess(band)[own]
            noise[first:last] = noise_levels(band)[own]
            clipped[first:last] = clipped_share(pixels[first * BLOCK : last * BLOCK, : columns * BLOCK])
        return cls(edges, noise, clipped)

    def edges_around(self, blocks: int) -> Planes:
        """Return the edges averaged over the neighbourhood of so many blocks a side, (M, N, 16)."""
        averaged = np.empty_like(self.edges)
        for plane in range(self.edges.shape[2]):
            averaged[..., plane] = cv2.blur(self.edges[..., plane].copy(), (blocks, blocks))
        return averaged


def can_be_measured(pixels: Pixels, fewest_side: int) -> bool:
    """Return whether a photo has at least so many blocks a side, and not more blocks than fit into memory."""
    rows, columns = (int(side) // BLOCK for side in pixels.shape[:2])
    return min(rows, columns) >= fewest_side and rows * columns <= MOST_BLOCKS


def bands(pixels: Pixels, rows: int) -> Iterator[tuple[int, int, int, Planes]]:
    """Yield (first block row, last, pixel row at which the first begins, brightness with some rows around)."""
    for first in range(0, rows, BAND_ROWS):
        last = min(first + BAND_ROWS, rows)
        top = max(0, first * BLOCK - AROUND)
        bottom = min(pixels.shape[0], last * BLOCK + AROUND)
        yield first, last, first * BLOCK - top, exact_brightness(pixels[top:bottom])


def whole_blocks(plane: Planes, most_rows: int | None = None) -> Planes:
    """Return the whole blocks of a plane, (m, n, 8, 8)."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    rows = rows if most_rows is None else min(rows, most_rows)
    cut = plane[: rows * BLOCK, : columns * BLOCK]
    return cut.reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3)


def transformed(plane: Planes, most_rows: int | None = None) -> Planes:
    """Return the magnitudes of the orthonormal DCT-II of every whole block, (m, n, 8, 8)."""
    basis = dct_basis()
    return np.abs(basis @ (whole_blocks(plane, most_rows) @ basis.T))


def edge_excess(plane: Planes) -> Planes:
    """Return by block (m, n, 16) how much stronger the edges after its 8 columns and 8 rows are than their neighbours."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    plane = plane[: rows * BLOCK, : columns * BLOCK]
    return np.concatenate([_edges_after(plane), _edges_after(plane.T).transpose(1, 0, 2)], axis=2)


def _edges_after(plane: Planes) -> Planes:
    height, width = plane.shape
    step = np.zeros((height, width + 2), np.float32)  # one column without an edge on either side
    step[:, 1:width] = np.abs(np.diff(plane, axis=1))
    here, beside = step[:, 1:-1], step[:, :-2] + step[:, 2:]
    excess = np.clip(here - 0.5 * beside, -EDGE_LIMIT, EDGE_LIMIT) / (1.0 + 0.25 * (here + beside))
    return np.asarray(excess.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK).mean(axis=1), np.float32)


def noise_levels(plane: Planes) -> Planes:
    """Return the logarithm of the median of what a blur removes, by block, (m, n)."""
    residual = np.abs(plane - cv2.GaussianBlur(plane, (0, 0), NOISE_SIGMA))
    blocks = whole_blocks(np.asarray(residual, np.float32))
    ordered = np.sort(blocks.reshape(*blocks.shape[:2], BLOCK * BLOCK), axis=2)  # faster than `median`, which divides
    middle = BLOCK * BLOCK // 2
    median = (ordered[..., middle - 1] + ordered[..., middle]) / np.float32(2)
    return np.asarray(np.log(LEAST_NOISE + median), np.float32)
