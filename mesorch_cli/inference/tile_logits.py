"""Tiles through the network: in batches, several calls at once, with logits in the order of the plan."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import WeightsError
from mesorch_cli.evidence.photo import eight_bits
from mesorch_cli.inference.backends.protocol import Backend, Tiles
from mesorch_cli.inference.fusion import Canvas
from mesorch_cli.inference.lanes import in_order
from mesorch_cli.inference.passes import Pass, Pixels, is_featureless
from mesorch_cli.inference.tally import Tally
from mesorch_cli.inference.tiling import Plan, Tile

# In the order of the plan, (channels, height, width), the logits first; None: the tile is featureless or left out.
TileLogits = Iterator[tuple[Tile, Canvas | None]]
SHORT_OF_MEMORY = "fewer tiles at once: out of memory"


@dataclass(frozen=True)
class _Batch:
    """Tiles of one scale that go through the network together."""

    of: Pass
    tiles: tuple[Tile, ...]


class TileRun:
    """The network at work on the tiles of one photo. batch: tiles of a call, None for what suits the network."""

    def __init__(self, backend: Backend, batch: int | None, tally: Tally) -> None:
        self._backend = backend
        self._size = batch or backend.tile_batch
        self._tally = tally

    def logits(self, passes: Sequence[Pass]) -> TileLogits:
        """Yield every tile of every pass, in order, with its logits.

        Raises MemoryError where not even one tile fits, and WeightsError where a graph gives logits of another shape.
        """
        batches = []
        for one in passes:
            tiles = tuple(one.plan)
            batches += [_Batch(one, tiles[first : first + self._size]) for first in range(0, len(tiles), self._size)]
        lanes = min(self._backend.lanes, len(batches))
        done = in_order(
            lambda batch: self._batch_logits(batch, lanes),
            batches,
            lanes,
            on_short=lambda: self._tally.flags.add(SHORT_OF_MEMORY),
        )
        for results in done:
            yield from results

    def _batch_logits(self, batch: _Batch, at_once: int) -> list[tuple[Tile, Canvas | None]]:
        """Return the tiles of a batch with their logits. at_once: calls like this one that run at the same time."""
        one = batch.of
        crops = [one.pixels[tile.rows, tile.columns] for tile in batch.tiles]
        wanted = [index for index, tile in enumerate(batch.tiles) if tile not in one.left_out]
        useful = [index for index in wanted if not is_featureless(crops[index])]
        results: list[Canvas | None] = [None] * len(crops)
        if len(useful) < len(wanted):
            self._tally.flags.add("featureless tiles")
        if useful:
            taken = np.stack([self._taken(crops[index], one.plan) for index in useful])
            for index, logits in zip(useful, self._logits(taken, at_once), strict=True):
                cropped = logits[:, : one.plan.tile_height, : one.plan.tile_width]
                if np.isfinite(cropped[0]).all():
                    results[index] = cropped
                else:
                    self._tally.flags.add("non-finite logits")
        return list(zip(batch.tiles, results, strict=True))

    def _logits(self, batch: Tiles, at_once: int) -> NDArray[np.float32]:
        """Return the logits of a batch, in halves if memory is short, which is flagged."""
        parts = self._tally.parts
        try:
            run = self._backend if parts is None else parts.run
            logits = run(batch, at_once)
        except MemoryError:
            if len(batch) == 1:
                raise
        else:
            expected = (len(batch), self._tally.channels, *batch.shape[1:3])
            if logits.shape != expected:  # a foreign graph may return anything
                raise WeightsError(
                    f"The weights gave logits of shape {logits.shape} for tiles of shape {batch.shape}. Expected "
                    f"{expected}. Get the file again, or make it with `mesorch export`."
                )
            return logits
        self._tally.flags.add(SHORT_OF_MEMORY)
        middle = len(batch) // 2
        return np.concatenate([self._logits(half, at_once) for half in (batch[:middle], batch[middle:])])

    def _taken(self, crop: Pixels, plan: Plan) -> Pixels:
        """Return a crop in the form that the network takes."""
        padded = _padded(crop, plan)
        return padded if self._backend.bits == 16 else eight_bits(padded)


def _padded(crop: Pixels, plan: Plan) -> Pixels:
    """Pad a crop by reflection to the plan's size, before normalisation, so that the network never sees zeros."""
    below, right = plan.padded_height - crop.shape[0], plan.padded_width - crop.shape[1]
    if below == right == 0:
        return crop
    return cv2.copyMakeBorder(np.ascontiguousarray(crop), 0, below, 0, right, cv2.BORDER_REFLECT_101)  # type: ignore[return-value]
