"""State dicts as the published code would save them, with deterministic values: the other side of the parity fixtures."""

import ast
import zlib
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PARITY = Path(__file__).parent / "fixtures" / "parity"
PHOTOS = ("astronaut", "coffee", "chelsea")
HEAD_SCALE = {"mesorch": 4.0, "mesorch_p": 1.0}


def fill(key: str, shape: tuple[int, ...], head_scale: float) -> NDArray[np.float32]:
    """Return the values that the reference run had in tensor `key`, seeded by its name, scaled to keep signals alive."""
    noise = np.random.RandomState(zlib.crc32(key.encode())).standard_normal(shape)
    fan_in = float(np.prod(shape[1:]))
    if key.endswith(".gamma"):
        values = 0.3 + 0.05 * noise
    elif len(shape) == 1:
        values = 1.0 + 0.1 * noise if key.endswith(".weight") else 0.05 * noise
    elif key.startswith("inverse."):
        values = head_scale * noise / np.sqrt(fan_in)
    elif key.startswith("upsample."):
        values = noise / np.sqrt(shape[0] * shape[2] * shape[3] / 4.0)
    else:
        values = noise / np.sqrt(fan_in)
    return values.astype(np.float32)


def published_state(name: str) -> dict[str, Tensor]:
    """Return the state dict of `mesorch` or `mesorch_p` under the published names, unused tensors included."""
    rows = (line.split("\t") for line in (PARITY / f"{name}_official_keys.tsv").read_text().splitlines())
    return {key: torch.from_numpy(fill(key, ast.literal_eval(shape), HEAD_SCALE[name])) for key, shape, _ in rows}


def photo(name: str) -> NDArray[np.uint8]:
    """Return a fixture photo as (512, 512, 3) uint8 RGB."""
    return cv2.cvtColor(cv2.imread(str(PARITY / f"{name}_512.png")), cv2.COLOR_BGR2RGB)
