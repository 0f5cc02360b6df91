"""What a JPEG's 8 x 8 blocks show of how they were compressed: the input of the history network.

The coefficients come from the decoded brightness on the file's own grid. The same photo on a grid shifted by half a
block shows what its coefficients would be without quantisation. The strength of the edges between pixels at each of the
eight positions of a row and a column shows grids other than the file's.

Shape legend: M N rows and columns of whole blocks, F frequencies, L levels, P planes.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.photo import Pixels
from mesorch_cli.inference.witnesses.blocks import BLOCK, clipped_share, dct_basis, exact_brightness

FREQUENCIES = (
    (0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0), (4, 0),
    (3, 1), (2, 2), (1, 3), (0, 4), (0, 5), (1, 4), (2, 3), (3, 2), (4, 1), (5, 0),
)  # fmt: skip
LEVELS = 24  # quantised coefficients without sign: 0 to 22, and the rest
PLANES = 4 * BLOCK + 5
FEWEST_SIDE = 12  # blocks of a side; fewer say nothing
MOST_BLOCKS = 800_000  # of a photo, 51 megapixels; more would take more than a gigabyte
BAND_ROWS = 64  # rows of blocks that are transformed at once
AROUND = BLOCK  # pixels beyond a band that its filters use
AROUND_BLOCKS = 5  # blocks a side over which the edges are averaged
EDGE_LIMIT = 6.0  # grey levels: an edge between two pixels counts no more
NOISE_SIGMA = 1.0  # pixels; noise is what a blur of this width removes
LEAST_NOISE = 0.05  # grey levels, under the logarithm

Planes = NDArray[np.float32]
_ROWS, _COLUMNS = (np.array(places) for places in zip(*FREQUENCIES, strict=True))
_HIGH = np.ones((BLOCK, BLOCK), bool)
_HIGH[0, 0] = False
_HIGH[_ROWS, _COLUMNS] = False


@dataclass(frozen=True)
class Traces:
    """The traces of a JPEG.

    levels: (M, N, F) uint8, each block's quantised coefficients without sign, at most L - 1. own, shifted: (F, L)
    float32, how often each level occurs on the file's grid and on the shifted one, 0..1. planes: (M, N, P) float32: the
    edges at 8 columns and 8 rows, the same averaged over the neighbourhood, the share of higher coefficients that are
    not 0, the logarithms of the mean high and low coefficient and of the noise, and the share of clipped pixels.
    log_steps: (F,) float32, natural logarithms of the file's steps.
    """

    levels: NDArray[np.uint8]
    own: Planes
    shifted: Planes
    planes: Planes
    log_steps: Planes


def traces(pixels: Pixels, steps: NDArray[np.int64]) -> Traces | None:
    """Return the traces of a JPEG, None if it is too small or too large for them.

    pixels: (H, W, 3) RGB uint8 as the file decodes, in its own raster. steps: its (8, 8) steps of brightness.
    """
    rows, columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
    if min(rows, columns) < FEWEST_SIDE or rows * columns > MOST_BLOCKS:
        return None
    levels = np.empty((rows, columns, len(FREQUENCIES)), np.uint8)
    planes = np.empty((rows, columns, PLANES), np.float32)
    own = np.zeros((len(FREQUENCIES), LEVELS), np.int64)
    shifted = np.zeros_like(own)
    for first, last, inside, band in _bands(pixels, rows):
        part = slice(first, last)
        coefficients = _transformed(band[inside : inside + (last - first) * BLOCK])
        levels[part] = _levels(coefficients, steps)
        own += _counts(levels[part])
        shifted += _counts(_levels(_transformed(band[inside + BLOCK // 2 :, BLOCK // 2 :], last - first), steps))
        planes[part, :, : 2 * BLOCK] = _edges(band)[inside // BLOCK :][: last - first]
        planes[part, :, -5:-2] = _activities(coefficients, steps)
        planes[part, :, -2] = _noise(band)[inside // BLOCK :][: last - first]
        planes[part, :, -1] = clipped_share(pixels[first * BLOCK : last * BLOCK, : columns * BLOCK])
    for plane in range(2 * BLOCK):
        planes[..., 2 * BLOCK + plane] = cv2.blur(planes[..., plane].copy(), (AROUND_BLOCKS, AROUND_BLOCKS))
    log_steps = np.log(steps[_ROWS, _COLUMNS]).astype(np.float32)
    return Traces(levels, _shares(own), _shares(shifted), planes, log_steps)


def _bands(pixels: Pixels, rows: int) -> Iterator[tuple[int, int, int, Planes]]:
    """Yield (first block row, last, pixel row at which the first begins, brightness with some rows around)."""
    for first in range(0, rows, BAND_ROWS):
        last = min(first + BAND_ROWS, rows)
        top = max(0, first * BLOCK - AROUND)
        bottom = min(pixels.shape[0], last * BLOCK + AROUND)
        yield first, last, first * BLOCK - top, exact_brightness(pixels[top:bottom])


def _blocks(plane: Planes, most_rows: int | None = None) -> Planes:
    """Return the whole blocks of a plane, (m, n, 8, 8)."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    rows = rows if most_rows is None else min(rows, most_rows)
    cut = plane[: rows * BLOCK, : columns * BLOCK]
    return cut.reshape(rows, BLOCK, columns, BLOCK).transpose(0, 2, 1, 3)


def _transformed(plane: Planes, most_rows: int | None = None) -> Planes:
    """Return the magnitudes of the orthonormal DCT-II of every whole block, (m, n, 8, 8)."""
    basis = dct_basis()
    return np.abs(basis @ (_blocks(plane, most_rows) @ basis.T))


def _levels(coefficients: Planes, steps: NDArray[np.int64]) -> NDArray[np.uint8]:
    quantised = np.rint(coefficients[..., _ROWS, _COLUMNS] / steps[_ROWS, _COLUMNS].astype(np.float32))
    return np.asarray(np.clip(quantised, 0, LEVELS - 1), np.uint8)


def _counts(levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    frequencies = levels.shape[-1]
    places = levels.reshape(-1, frequencies) + np.arange(frequencies) * LEVELS
    return np.bincount(places.ravel(), minlength=frequencies * LEVELS).reshape(frequencies, LEVELS)


def _shares(counts: NDArray[np.int64]) -> Planes:
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), np.float32)


def _edges(plane: Planes) -> Planes:
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


def _activities(coefficients: Planes, steps: NDArray[np.int64]) -> Planes:
    """Return the share of higher coefficients that are not 0, and the logarithms of the mean high and low one, (m, n, 3)."""
    high, low = coefficients[..., _HIGH], coefficients[..., _ROWS, _COLUMNS]
    kept = (np.rint(high / steps[_HIGH].astype(np.float32)) > 0).mean(axis=2)
    return np.stack([kept, np.log1p(high.mean(axis=2)), np.log1p(low.mean(axis=2))], axis=2).astype(np.float32)


def _noise(plane: Planes) -> Planes:
    """Return the logarithm of the median of what a blur removes, by block, (m, n)."""
    residual = np.abs(plane - cv2.GaussianBlur(plane, (0, 0), NOISE_SIGMA))
    blocks = _blocks(np.asarray(residual, np.float32))
    ordered = np.sort(blocks.reshape(*blocks.shape[:2], BLOCK * BLOCK), axis=2)  # faster than `median`, which divides
    middle = BLOCK * BLOCK // 2
    median = (ordered[..., middle - 1] + ordered[..., middle]) / np.float32(2)
    return np.asarray(np.log(LEAST_NOISE + median), np.float32)
