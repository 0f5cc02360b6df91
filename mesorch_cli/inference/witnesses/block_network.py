"""What the small networks over a photo's 8 x 8 blocks share: how they compare blocks, and how their file is read.

They run on NumPy, so that the same numbers come out with and without PyTorch.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from mesorch_cli.errors import WeightsError
from mesorch_cli.files.hashing import sha256_bytes

EPSILON = 1e-5  # of the normalisation

Values = NDArray[np.float32]
Tensors = dict[str, Values]


def compared(state: Values, tensors: Tensors, dilations: tuple[int, ...]) -> Values:
    """Return the logit of each block, (M, N) float32, after a chain of convolutions with growing reach.

    state: (M, N, C), what is known of each block alone; it is overwritten. Each convolution also sees the mean and the
    largest value of every channel over the whole photo. tensors: `norms`, `convs` and `ctx` of each convolution, and `head`.
    """
    rows, columns, channels = state.shape
    state = state.reshape(-1, channels)
    for index, dilation in enumerate(dilations):
        normed = _normed(state, tensors[f"norms.{index}.weight"], tensors[f"norms.{index}.bias"])
        np.maximum(normed, 0, out=normed)
        whole = np.concatenate([normed.mean(axis=0, dtype=np.float64).astype(np.float32), normed.max(axis=0)])
        added = _convolved(normed.reshape(rows, columns, channels), tensors[f"convs.{index}.weight"], dilation).reshape(
            -1, channels
        )
        added += tensors[f"convs.{index}.bias"] + linear(tensors, f"ctx.{index}", whole)
        state += np.maximum(added, 0, out=added)
    head = np.maximum(state, 0) @ tensors["head.weight"][0, :, 0, 0] + tensors["head.bias"][0]
    return np.asarray(head.reshape(rows, columns), np.float32)


def linear(tensors: Tensors, name: str, values: Values) -> Values:
    """Return values (..., in) through the layer of a name, (..., out)."""
    return np.asarray(values @ tensors[f"{name}.weight"].T + tensors[f"{name}.bias"], np.float32)


def read_network(file: Path, otherwise: str) -> tuple[Tensors, str]:
    """Return the tensors of a network that comes with the tool, as float32, and the SHA-256 of its file.

    otherwise: how to do without it. Raises WeightsError if the file is missing or damaged.
    """
    try:
        data = file.read_bytes()
        tensors = {name: np.asarray(tensor, np.float32) for name, tensor in load(data).items()}
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"Cannot read {file} ({error}). It belongs to the tool: install mesorch again, or {otherwise}."
        ) from error
    return tensors, sha256_bytes(data)


def _normed(state: Values, weight: Values, bias: Values) -> Values:
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(state.reshape(len(state), -1)))
    normed = state - np.float32(mean)
    normed *= weight / np.float32(np.sqrt(deviation**2 + EPSILON))
    normed += bias
    return normed


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
