"""What every backend is: tiles in, logits out."""

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Tiles = NDArray[np.uint8 | np.uint16]
MOST_LANES = 8  # each holds the tensors of a tile


class Backend(Protocol):
    """A network behind one call. `name` and `device` go into the record, `runtime` too: package -> version, and the
    `threads` where the runtime was given a number, because another one moves last bits.

    tile_batch: how many tiles suit a call. lanes: how many calls from different threads suit the device at the same
    time. bits: of the pixels that it takes; 8 where the file's graph starts at uint8.
    """

    name: str
    device: str
    tile_batch: int
    lanes: int
    bits: int
    runtime: dict[str, str]

    def __call__(self, tiles: Tiles, at_once: int = 1) -> NDArray[np.float32]:
        """Return logits (B, 1, H, W) float32 of RGB tiles (B, H, W, 3), uint8, or uint16 if `bits` is 16.

        at_once: calls that run at the same time, this one among them: they share the processor's threads evenly. Raises
        MemoryError where so many tiles do not fit at once.
        """
        ...


@runtime_checkable
class Explaining(Protocol):
    """A backend that also gives what its logits were made of."""

    def explained(self, tiles: Tiles, at_once: int = 1) -> NDArray[np.float32]:
        """Return (B, 1 + n, H, W) float32: the logits of a plain call, to the last bit, and n channels of parts."""
        ...
