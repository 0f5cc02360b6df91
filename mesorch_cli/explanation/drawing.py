"""What draws an explanation. It stands above this room: the colours are those of a report."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.explanation.scales import NetworkScale
from mesorch_cli.inference.parts import PartSamples


class Drawing(Protocol):
    """Gives PNG bytes, by file name where there are several."""

    def scales(
        self, samples: PartSamples, scales: Sequence[NetworkScale], gated: bool, limit: float
    ) -> dict[str, bytes]:
        """Draw each scale: its map, what it added to the logits (full colour at `limit`), and the gate's weight if gated."""
        ...

    def views(self, samples: PartSamples) -> dict[str, bytes]:
        """Draw the two frequency views."""
        ...

    def check(self, pixels: NDArray[np.unsignedinteger], map_: NDArray[np.float32], above: NDArray[np.bool_]) -> bytes:
        """Draw the map of a check over the photo, and what the usual analysis has above the threshold; all of its size."""
        ...
