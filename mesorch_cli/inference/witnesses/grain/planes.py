"""What the finest detail of a photo looks like, by block of 8 x 8 pixels: the input of the grain network.

Unlike the compression history, this needs no JPEG. Every step that a photo goes through changes its finest detail: noise,
sharpening and blur change how strong each frequency is, a JPEG removes high frequencies and leaves edges at its grid,
demosaicing leaves a pattern of two pixels, and a tone curve leaves gaps and peaks in the histogram. Where a part of the
photo went through other steps than the rest, these numbers differ.

Shape legend: M N rows and columns of whole blocks, P planes.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.photo import Pixels, eight_bits
from mesorch_cli.inference.witnesses.block_statistics import BlockStatistics, bands, transformed, whole_blocks
from mesorch_cli.inference.witnesses.blocks import BLOCK

FEWEST_SIDE = 8  # blocks of a side; fewer say nothing
COEFFICIENTS = BLOCK * BLOCK - 1
EDGES = 2 * BLOCK
PHASES = 4  # positions of a pixel in a pattern of 2 x 2
COLOURS = 3
PLANES = COEFFICIENTS + 2 * EDGES + PHASES + COLOURS + 8
AROUND_BLOCKS = 5  # blocks a side over which the edges are averaged
EDGE_SCALE = 4.0  # brings the edges to the size of the other planes
LEAST = 0.25  # grey levels, under a logarithm
COARSE_SIGMA = 2.0  # pixels
LEVEL_SCALE = 64.0  # grey levels
PEAK_LIMIT = 3.0  # natural logarithm of how much more often a level occurs than its neighbours
AROUND_LEVELS = 5  # levels of the histogram, to either side of one and with it

Values = NDArray[np.float16]
Planes = NDArray[np.float32]


def grain_planes(pixels: Pixels, measured: BlockStatistics) -> Values:
    """Return the planes of a photo of at least FEWEST_SIDE blocks a side, (M, N, P) float16.

    pixels: (H, W, 3) RGB. measured: its blocks. The planes: logarithms of 63 DCT coefficients of brightness; the edges at
    8 columns and 8 rows, and the same averaged over the neighbourhood; logarithms of the second differences at the four
    positions of a 2 x 2 pattern, less their mean, and this mean; for each colour how much the histogram peaks at the
    block's levels; the noise, and the detail between two blurs; the second differences of red and of blue against green;
    brightness; saturation; and the share of clipped pixels.
    """
    rows, columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
    pixels = eight_bits(pixels)
    peaks = _peaks(pixels)
    planes = np.empty((rows, columns, PLANES), np.float16)
    for first, last, inside, band in bands(pixels, rows):
        part = slice(first, last)
        height = (last - first) * BLOCK
        own = pixels[first * BLOCK : last * BLOCK, : columns * BLOCK]
        coefficients = transformed(band[inside : inside + height]).reshape(last - first, columns, -1)[..., 1:]
        planes[part, :, :COEFFICIENTS] = np.log(LEAST + coefficients)
        around = pixels[max(0, first * BLOCK - BLOCK) : last * BLOCK + BLOCK]
        rest = [
            *_phases(band, inside, height),
            *(_mean(np.take(peak, own[..., colour])) for colour, peak in enumerate(peaks)),
            measured.noise[part],
            _coarse(band, inside, height),
            *_chroma(around, inside, height),
            (_mean(band[inside : inside + height]) - 128.0) / LEVEL_SCALE,
            _mean(_colour(own)) / LEVEL_SCALE,
            measured.clipped[part],
        ]
        planes[part, :, COEFFICIENTS + 2 * EDGES :] = np.stack(rest, axis=2)
    planes[..., COEFFICIENTS : COEFFICIENTS + EDGES] = measured.edges * EDGE_SCALE
    planes[..., COEFFICIENTS + EDGES : COEFFICIENTS + 2 * EDGES] = measured.edges_around(AROUND_BLOCKS) * EDGE_SCALE
    return planes


def _mean(plane: NDArray[np.floating] | NDArray[np.uint8]) -> Planes:
    """Return the mean of every whole block, (m, n)."""
    rows, columns = plane.shape[0] // BLOCK, plane.shape[1] // BLOCK
    return cv2.resize(  # the same as a mean, and faster
        np.asarray(plane[: rows * BLOCK, : columns * BLOCK], np.float32), (columns, rows), interpolation=cv2.INTER_AREA
    ).astype(np.float32, copy=False)


def _second_difference(plane: Planes) -> Planes:
    """Return the magnitude of what a pixel differs by from the mean of its four neighbours."""
    return np.asarray(np.abs(plane - cv2.filter2D(plane, -1, _NEIGHBOURS, borderType=cv2.BORDER_REFLECT_101)))


_NEIGHBOURS = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32)


def _phases(band: Planes, inside: int, height: int) -> list[Planes]:
    """Return four planes about the positions in a 2 x 2 pattern, and the logarithm of the mean of all."""
    difference = whole_blocks(_second_difference(band)[inside : inside + height])
    logs = [np.log(LEAST + difference[:, :, y::2, x::2].mean(axis=(2, 3))) for y in (0, 1) for x in (0, 1)]
    mean = np.mean(logs, axis=0)
    return [*(log - mean for log in logs), mean]


def _coarse(band: Planes, inside: int, height: int) -> Planes:
    """Return the logarithm of the mean detail between two blurs, of one and of two pixels."""
    fine, coarse = (cv2.GaussianBlur(band, (0, 0), sigma) for sigma in (1.0, COARSE_SIGMA))
    return np.asarray(np.log(LEAST + _mean(np.abs(fine - coarse)[inside : inside + height])))


def _chroma(pixels: NDArray[np.uint8], inside: int, height: int) -> list[Planes]:
    """Return the logarithms of the mean second difference of red and of blue against green."""
    green = pixels[..., 1].astype(np.float32)
    against = (_second_difference(pixels[..., colour] - green) for colour in (0, 2))
    return [np.log(LEAST + _mean(one[inside : inside + height])) for one in against]


def _colour(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the highest value of a pixel less its lowest; over planes, as NumPy is slow over three values."""
    red, green, blue = (pixels[..., colour] for colour in range(COLOURS))
    highest = np.maximum(np.maximum(red, green), blue)
    return np.asarray(highest - np.minimum(np.minimum(red, green), blue))


def _peaks(pixels: NDArray[np.uint8]) -> list[Planes]:
    """Return for each colour how much more often than its neighbours each of the 256 levels occurs, as a logarithm."""
    found = []
    for colour in range(COLOURS):
        counts = cv2.calcHist([np.ascontiguousarray(pixels[..., colour])], [0], None, [256], [0, 256]).ravel()
        padded = np.pad(counts, AROUND_LEVELS // 2, "reflect")
        around = np.convolve(padded, np.ones(AROUND_LEVELS) / AROUND_LEVELS, "valid")
        peak = np.log((counts + 1.0) / (around + 1.0))
        found.append(np.clip(peak, -PEAK_LIMIT, PEAK_LIMIT).astype(np.float32))
    return found
