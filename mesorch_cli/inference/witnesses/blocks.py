"""How evidence by 8 x 8 block of a JPEG enters a photo's map."""

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.fusion import stretched
from mesorch_cli.inference.witnesses.witness import Map

BLOCK = 8  # pixels
SMALLEST_PROBABILITY = 1e-6  # of the map, before its logit is taken
LARGEST_LOGIT = 60.0


def add_blocks(map_: Map, blocks: NDArray[np.float32], *, network: float, slope: float, offset: float) -> None:
    """Make each logit of a map (H, W) `network` times its own plus `slope` times its block's value plus `offset`, in place.

    blocks: (M, N), one value for each whole block, interpolated between their centres. Pixels beyond the last whole
    block go with it. The work is done band by band.
    """
    height, width = map_.shape
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    whole = np.pad(blocks, ((0, rows - blocks.shape[0]), (0, columns - blocks.shape[1])), "edge")
    for first, band in stretched(whole, rows * BLOCK, columns * BLOCK):
        own = map_[first : first + band.shape[0]]
        bounded = np.clip(own, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY).astype(np.float64)
        logit = network * np.log(bounded / (1.0 - bounded))
        logit += slope * band[: own.shape[0], :width] + offset
        own[...] = 1.0 / (1.0 + np.exp(-np.clip(logit, -LARGEST_LOGIT, LARGEST_LOGIT)))
