"""What a JPEG's 8 x 8 blocks show of how they were compressed: the input of the history network.

The coefficients come from the decoded brightness on the file's own grid. The same photo on a grid shifted by half a
block shows what its coefficients would be without quantisation. The strength of the edges between pixels at each of the
eight positions of a row and a column shows grids other than the file's.

Shape legend: M N rows and columns of whole blocks, F frequencies, L levels, P planes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.photo import Pixels
from mesorch_cli.inference.witnesses.block_statistics import BlockStatistics, bands, transformed
from mesorch_cli.inference.witnesses.blocks import BLOCK

FREQUENCIES = (
    (0, 1), (1, 0), (2, 0), (1, 1), (0, 2), (0, 3), (1, 2), (2, 1), (3, 0), (4, 0),
    (3, 1), (2, 2), (1, 3), (0, 4), (0, 5), (1, 4), (2, 3), (3, 2), (4, 1), (5, 0),
)  # fmt: skip
LEVELS = 24  # quantised coefficients without sign: 0 to 22, and the rest
PLANES = 4 * BLOCK + 5
FEWEST_SIDE = 12  # blocks of a side; fewer say nothing
AROUND_BLOCKS = 5  # blocks a side over which the edges are averaged

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


def traces(pixels: Pixels, steps: NDArray[np.int64], measured: BlockStatistics) -> Traces:
    """Return the traces of a JPEG of at least FEWEST_SIDE blocks a side.

    pixels: (H, W, 3) RGB uint8 as the file decodes, in its own raster. steps: its (8, 8) steps of brightness. measured:
    its blocks.
    """
    rows, columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
    levels = np.empty((rows, columns, len(FREQUENCIES)), np.uint8)
    planes = np.empty((rows, columns, PLANES), np.float32)
    own = np.zeros((len(FREQUENCIES), LEVELS), np.int64)
    shifted = np.zeros_like(own)
    for first, last, inside, band in bands(pixels, rows):
        part = slice(first, last)
        coefficients = transformed(band[inside : inside + (last - first) * BLOCK])
        levels[part] = _levels(coefficients, steps)
        own += _counts(levels[part])
        shifted += _counts(_levels(transformed(band[inside + BLOCK // 2 :, BLOCK // 2 :], last - first), steps))
        planes[part, :, -5:-2] = _activities(coefficients, steps)
    planes[..., : 2 * BLOCK] = measured.edges
    planes[..., 2 * BLOCK : 4 * BLOCK] = measured.edges_around(AROUND_BLOCKS)
    planes[..., -2], planes[..., -1] = measured.noise, measured.clipped
    log_steps = np.log(steps[_ROWS, _COLUMNS]).astype(np.float32)
    return Traces(levels, _shares(own), _shares(shifted), planes, log_steps)


def _levels(coefficients: Planes, steps: NDArray[np.int64]) -> NDArray[np.uint8]:
    quantised = np.rint(coefficients[..., _ROWS, _COLUMNS] / steps[_ROWS, _COLUMNS].astype(np.float32))
    return np.asarray(np.clip(quantised, 0, LEVELS - 1), np.uint8)


def _counts(levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    frequencies = levels.shape[-1]
    places = levels.reshape(-1, frequencies) + np.arange(frequencies) * LEVELS
    return np.bincount(places.ravel(), minlength=frequencies * LEVELS).reshape(frequencies, LEVELS)


def _shares(counts: NDArray[np.int64]) -> Planes:
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), np.float32)


def _activities(coefficients: Planes, steps: NDArray[np.int64]) -> Planes:
    """Return the share of higher coefficients that are not 0, and the logarithms of the mean high and low one, (m, n, 3)."""
    high, low = coefficients[..., _HIGH], coefficients[..., _ROWS, _COLUMNS]
    kept = (np.rint(high / steps[_HIGH].astype(np.float32)) > 0).mean(axis=2)
    return np.stack([kept, np.log1p(high.mean(axis=2)), np.log1p(low.mean(axis=2))], axis=2).astype(np.float32)
