"""The grain network: from the planes of a photo to the logit, by block, that its finest detail differs from the rest.

A first layer sees the planes of a block less their mean over the photo, and the means and deviations of the whole photo,
in units of what is usual within photos. Convolutions with growing reach then compare cells of 2 x 2 blocks with each other.

Trained by configs/grain (see docs/grain.md).
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from mesorch_cli.inference.witnesses.block_network import Tensors, Values, compared, linear, read_network
from mesorch_cli.inference.witnesses.grain import planes as grain

FILE = Path(__file__).with_name("network.safetensors")
CELL = 2  # blocks a side, over which the first layer's values are averaged
HIDDEN, CHANNELS = 96, 48
DILATIONS = (1, 2, 4, 8, 1)
ROWS_AT_ONCE = 8  # of cells, so that the first layer's values stay in the cache


@dataclass(frozen=True)
class GrainNetwork:
    """The network: its tensors by name, and the SHA-256 of their file."""

    tensors: Tensors
    sha256: str

    def logits(self, planes: grain.Values) -> Values:
        """Return the logit of each block, (M, N) float32. planes: (M, N, P) float16, of `grain_planes`.

        The network sees whole cells of 2 x 2 blocks. A block's logit is interpolated between the cells' centres.
        """
        mean, deviation = _statistics(planes)
        typical, spread = self.tensors["typical"], self.tensors["spread"]
        of_the_photo = linear(self.tensors, "photo", np.concatenate([(mean - typical) / spread, deviation / spread]))
        rows, columns = (side // CELL for side in planes.shape[:2])
        state = np.empty((rows, columns, CHANNELS), np.float32)
        for first in range(0, rows, ROWS_AT_ONCE):
            part = planes[first * CELL : min(first + ROWS_AT_ONCE, rows) * CELL, : columns * CELL].astype(np.float32)
            hidden = linear(self.tensors, "stem", (part - mean) / spread)
            hidden += of_the_photo
            np.maximum(hidden, 0, out=hidden)
            cells = hidden.reshape(-1, CELL, columns, CELL, HIDDEN).mean(axis=(1, 3))
            state[first : first + ROWS_AT_ONCE] = linear(self.tensors, "project", cells)
        return _by_block(compared(state, self.tensors, DILATIONS), *planes.shape[:2])


def _by_block(cells: Values, rows: int, columns: int) -> Values:
    """Return the values of cells for every block, (rows, columns). Beyond the last whole cell, they are those of its last."""
    whole = cv2.resize(cells, (cells.shape[1] * CELL, cells.shape[0] * CELL), interpolation=cv2.INTER_LINEAR)
    return np.pad(whole, ((0, rows - whole.shape[0]), (0, columns - whole.shape[1])), "edge").astype(
        np.float32, copy=False
    )


def _statistics(planes: grain.Values) -> tuple[Values, Values]:
    """Return mean and standard deviation of each plane over all blocks, (P) each."""
    total, squared = np.zeros(grain.PLANES), np.zeros(grain.PLANES)
    for row in planes:
        values = row.astype(np.float64)
        total += values.sum(axis=0)
        squared += np.square(values, out=values).sum(axis=0)
    count = planes.shape[0] * planes.shape[1]
    mean = total / count
    deviation = np.sqrt(np.maximum(squared / count - mean**2, 0))
    return mean.astype(np.float32), deviation.astype(np.float32)


@lru_cache(maxsize=1)
def grain_network() -> GrainNetwork:
    """Return the network that comes with the tool. Raises WeightsError if its file is missing or damaged."""
    return GrainNetwork(*read_network(FILE, "leave out the grain with --no-grain"))
