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

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from mesorch_cli.errors import WeightsError
from mesorch_cli.files.hashing import sha256_bytes
from mesorch_cli.inference.witnesses.blocks import BLOCK
from mesorch_cli.inference.witnesses.history.traces import FREQUENCIES, LEVELS, PLANES, Traces

FILE = Path(__file__).with_name("network.safetensors")
CHANNELS, SAID = 40, 16  # of the convolutions; numbers that a level says
DILATIONS = (1, 2, 4, 8, 1)
EDGE_SCALE = 4.0  # brings the edges to the size of the other planes
LOG_STEP_SCALE = 3.0
EPSILON = 1e-5  # of the normalisation

Values = NDArray[np.float32]


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
        state += self._of("stem.bias") + self._linear("qctx", seen.log_steps / LOG_STEP_SCALE)
        for index, dilation in enumerate(DILATIONS):
            normed = self._normed(f"norms.{index}", state)
            np.maximum(normed, 0, out=normed)
            whole = np.concatenate([normed.mean(axis=0, dtype=np.float64).astype(np.float32), normed.max(axis=0)])
            added = _convolved(
                normed.reshape(rows, columns, CHANNELS), self._of(f"convs.{index}.weight"), dilation
            ).reshape(-1, CHANNELS)
            added += self._of(f"convs.{index}.bias") + self._linear(f"ctx.{index}", whole)
            state += np.maximum(added, 0, out=added)
        head = np.maximum(state, 0) @ self._of("head.weight")[0, :, 0, 0] + self._of("head.bias")[0]
        return np.asarray(head.reshape(rows, columns), np.float32)

    def _table(self, seen: Traces) -> Values:
        """Return what each level says in this photo, (F, L, SAID), with mean 0 over the photo's own blocks."""
        frequencies = len(FREQUENCIES)
        steps = seen.log_steps[:, None] / LOG_STEP_SCALE
        known = np.concatenate(
            [np.sqrt(seen.own), np.sqrt(seen.shifted), steps, np.eye(frequencies, dtype=np.float32)], axis=1
        )
        for index in (0, 2):
            known = np.maximum(self._linear(f"table.{index}", known), 0)
        table = self._linear("table.4", known).reshape(frequencies, LEVELS, SAID) + self._of("static")
        return np.asarray(table - (table * seen.own[..., None]).sum(axis=1, keepdims=True), np.float32)

    def _of(self, name: str) -> Values:
        return self.tensors[name]

    def _linear(self, name: str, values: Values) -> Values:
        return np.asarray(values @ self._of(f"{name}.weight").T + self._of(f"{name}.bias"), np.float32)

    def _normed(self, name: str, state: Values) -> Values:
        mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(state.reshape(len(state), -1)))
        scale = self._of(f"{name}.weight") / np.float32(np.sqrt(deviation**2 + EPSILON))
        normed = state - np.float32(mean)
        normed *= scale
        normed += self._of(f"{name}.bias")
        return normed


def _said_by(levels: NDArray[np.uint8], table: Values) -> Values:
    """Return the sum of what a block's levels say, (M N, SAID), over the root of the number of frequencies."""
    flat = levels.reshape(-1, levels.shape[-1])
    total = np.zeros((len(flat), table.shape[-1]), np.float32)
    for frequency in range(flat.shape[1]):
        total += table[frequency][flat[:, frequency]]
    return total / np.float32(np.sqrt(flat.shape[1]))


def _convolved(state: Values, weight: Values, dilation: int) -> Values:
    """Return a 3 x 3 convolution of (M, N, C) with weights (out, in, 3, 3), zeros beyond the border.

    Row by row of the picture, what each output adds up lies side by side: one product, and all of it stays in the cache.
    """
    rows, columns, channels = state.shape
    padded = np.pad(state, ((dilation, dilation), (dilation, dilation), (0, 0)))
    flat = np.ascontiguousarray(weight.transpose(2, 3, 1, 0).reshape(9 * channels, -1))
    seen = np.empty((columns, 9, channels), np.float32)
    total = np.empty((rows, columns, len(weight)), np.float32)
    for row in range(rows):
        for place in range(9):
            above, left = row + place // 3 * dilation, place % 3 * dilation
            seen[:, place] = padded[above, left : left + columns]
        np.matmul(seen.reshape(columns, -1), flat, out=total[row])
    return total


@lru_cache(maxsize=1)
def history_network() -> HistoryNetwork:
    """Return the network that comes with the tool. Raises WeightsError if its file is missing or damaged."""
    try:
        data = FILE.read_bytes()
        tensors = {name: np.asarray(tensor, np.float32) for name, tensor in load(data).items()}
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"Cannot read {FILE} ({error}). It belongs to the tool: install mesorch again, or leave out the compression "
            "history with --no-history."
        ) from error
    return HistoryNetwork(tensors, sha256_bytes(data))
