"""The 8 x 8 blocks of a JPEG: what they are made of, and how evidence by block enters a photo's map."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.fusion import sigmoid_in_place, stretched

BLOCK = 8  # pixels
SMALLEST_PROBABILITY = 1e-6  # of the map, before its logit is taken
LARGEST_LOGIT = 60.0
DARKEST, BRIGHTEST = 1, 254  # pixels at or beyond count as clipped

Map = NDArray[np.float32]


def exact_brightness(pixels: NDArray[np.unsignedinteger]) -> NDArray[np.float32]:
    """Return the luma of JFIF, float32 (H, W), without rounding. pixels: (H, W, 3) RGB."""
    return np.asarray(pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32))


@lru_cache
def dct_basis() -> NDArray[np.float32]:
    """Return the orthonormal DCT-II of 8 points, (8 orders, 8 points) float32."""
    order, point = np.arange(BLOCK)[:, None], np.arange(BLOCK)
    basis = np.cos(np.pi / BLOCK * (point + 0.5) * order) * np.sqrt(2 / BLOCK)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float32)


def clipped_share(pixels: NDArray[np.unsignedinteger]) -> NDArray[np.float32]:
    """Return the share of each whole block's pixels, (M, N) in 0..1, that are black or white in any channel."""
    rows, columns = pixels.shape[0] // BLOCK, pixels.shape[1] // BLOCK
    inside = pixels[: rows * BLOCK, : columns * BLOCK]
    between = cv2.inRange(np.ascontiguousarray(inside), (DARKEST + 1,) * 3, (BRIGHTEST - 1,) * 3)  # 255 if not clipped
    by_column = (between == 0).reshape(rows, BLOCK, columns * BLOCK).sum(axis=1, dtype=np.uint8)
    counts = by_column.reshape(rows, columns, BLOCK).sum(axis=2, dtype=np.uint8)
    return np.asarray(counts / np.float32(BLOCK * BLOCK), np.float32)


def add_blocks(map_: Map, blocks: Map, *, network: float, slope: float, offset: float) -> None:
    """Make each logit of a map (H, W) `network` times its own plus `slope` times its block's value plus `offset`, in place.

    blocks: (M, N), one value for each whole block, interpolated between their centres. Pixels beyond the last whole
    block go with it. The work is done band by band. Raises ValueError for a value that is not finite: it would turn into
    "nothing is to be seen here".
    """
    if not np.isfinite(blocks).all():
        raise ValueError("the evidence of a block is not finite")
    height, width = map_.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    whole = np.pad(blocks, ((0, rows - blocks.shape[0]), (0, columns - blocks.shape[1])), "edge")
    for first, band in stretched(whole, rows * BLOCK, columns * BLOCK):
        own = map_[first : first + band.shape[0]]
        np.clip(own, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY, out=own)
        np.divide(own, 1.0 - own, out=own)
        np.log(own, out=own)
        own *= network
        band = band[: own.shape[0], :width]
        own += slope * band + offset
        np.clip(own, -LARGEST_LOGIT, LARGEST_LOGIT, out=own)
        sigmoid_in_place(own)
