"""The history network: from traces to the logit, by block, that its compression differs from the rest of the photo.

A first part turns the histograms of a photo into a table: what each level of each frequency says there. It is a learned
form of the likelihoods that the witness of double quantisation writes down by hand. Every block adds up what its levels
say. A second part, convolutions with growing reach and two numbers a channel about the whole photo, compares blocks
with each other. It runs on NumPy, so that the same numbers come out with and without PyTorch.

Trained by configs/history (see docs/history.md).
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.witnesses.block_network import Values, compared, linear, read_network
from mesorch_cli.inference.witnesses.blocks import BLOCK
from mesorch_cli.inference.witnesses.history.traces import FREQUENCIES, LEVELS, PLANES, Traces

FILE = Path(__file__).with_name("network.safetensors")
CHANNELS, SAID = 40, 16  # of the convolutions; numbers that a level says
DILATIONS = (1, 2, 4, 8, 1)
EDGE_SCALE = 4.0  # brings the edges to the size of the other planes
LOG_STEP_SCALE = 3.0


@dataclass(frozen=True)
class HistoryNetwork:
    """The network: its tensors by name, and the SHA-256 of their file."""

    tensors: dict[str, Values]
    sha256: str

    def logits(self, seen: Traces) -> Values:
        """Return the logit of each block, (M, N) float32."""
        rows, columns = seen.levels.shape[:2]
        planes = seen.planes.reshape(-1, PLANES).copy()
        planes[:, : 4 * BLOCK] *= EDGE_SCALE
        planes -= planes.mean(axis=0, dtype=np.float64).astype(np.float32)
        stem = self._of("stem.weight")[:, :, 0, 0]
        state = _said_by(seen.levels, self._table(seen)) @ stem[:, :SAID].T
        state += planes @ stem[:, SAID:].T
        state += self._of("stem.bias") + linear(self.tensors, "qctx", seen.log_steps / LOG_STEP_SCALE)
        return compared(state.reshape(rows, columns, CHANNELS), self.tensors, DILATIONS)

    def _table(self, seen: Traces) -> Values:
        """Return what each level says in this photo, (F, L, SAID), with mean 0 over the photo's own blocks."""
        frequencies = len(FREQUENCIES)
        steps = seen.log_steps[:, None] / LOG_STEP_SCALE
        known = np.concatenate(
            [np.sqrt(seen.own), np.sqrt(seen.shifted), steps, np.eye(frequencies, dtype=np.float32)], axis=1
        )
        for index in (0, 2):
            known = np.maximum(linear(self.tensors, f"table.{index}", known), 0)
        table = linear(self.tensors, "table.4", known).reshape(frequencies, LEVELS, SAID) + self._of("static")
        return np.asarray(table - (table * seen.own[..., None]).sum(axis=1, keepdims=True), np.float32)

    def _of(self, name: str) -> Values:
        return self.tensors[name]


def _said_by(levels: NDArray[np.uint8], table: Values) -> Values:
    """Return the sum of what a block's levels say, (M N, SAID), over the root of the number of frequencies."""
    flat = levels.reshape(-1, levels.shape[-1])
    total = np.zeros((len(flat), table.shape[-1]), np.float32)
    for frequency in range(flat.shape[1]):
        total += table[frequency][flat[:, frequency]]
    return total / np.float32(np.sqrt(flat.shape[1]))


@lru_cache(maxsize=1)
def history_network() -> HistoryNetwork:
    """Return the network that comes with the tool. Raises WeightsError if its file is missing or damaged."""
    return HistoryNetwork(*read_network(FILE, "leave out the compression history with --no-history"))
