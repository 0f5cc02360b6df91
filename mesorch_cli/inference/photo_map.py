"""The map of a photo: the logits of its tiles blended within each scale, stretched to the photo's size and fused."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.backends.protocol import Backend
from mesorch_cli.inference.first_look import looks, thinned
from mesorch_cli.inference.fusion import Canvas, Fusion, sigmoid_in_place, stretched
from mesorch_cli.inference.passes import Pass
from mesorch_cli.inference.settings import Settings
from mesorch_cli.inference.tally import Tally
from mesorch_cli.inference.tile_logits import TileLogits, TileRun


class PhotoMap:
    """Makes the map of one photo, (height, width) pixels."""

    def __init__(self, backend: Backend, settings: Settings, height: int, width: int, tally: Tally) -> None:
        self._settings = settings
        self._height, self._width = height, width
        self._tally = tally
        self._run = TileRun(backend, settings.tile_batch, tally)

    def made(self, passes: Sequence[Pass]) -> tuple[Canvas, NDArray[np.bool_]]:
        """Return the map, (height, width) in 0..1, and which of its pixels were covered. For errors see `TileRun`."""
        height, width, rule = self._height, self._width, self._settings.first_look
        if self._tally.parts is not None:
            self._tally.parts.begin(height, width, passes)
        fusion = Fusion(height, width, [one.scale.weight for one in passes])
        first = looks(passes, rule)
        self._fuse(fusion, 0, passes[:first])
        others = passes[first:]
        if first and rule is not None:
            others = [thinned(one, fusion, height, width, rule) for one in others]
        self._fuse(fusion, first, others)
        map_, covered = fusion.finish()
        if self._settings.reference:
            np.nan_to_num(map_, copy=False, nan=0.0)
        else:
            sigmoid_in_place(map_)
        return map_, covered

    def _fuse(self, fusion: Fusion, first: int, passes: Sequence[Pass]) -> None:
        """Analyse some passes, the photo's `first`-th and those that follow, and add them to the map."""
        logits = self._run.logits(passes)
        for index, one in enumerate(passes, first):
            own = islice(logits, len(one.plan))
            for first_row, rows in self._photo_rows(index, one, own):
                fusion.add(index, first_row, rows)
            self._tally.left_out += len(one.left_out)

    def _photo_rows(self, index: int, one: Pass, logits: TileLogits) -> Iterator[tuple[int, Canvas]]:
        """Yield bands of one scale's map at the photo's size: logits, or probabilities of the reference analysis."""
        bands = blended(one, logits, self._tally)
        if one.flipped:
            bands = ((first_row, band[:, :, ::-1]) for first_row, band in bands)
        rows: Iterator[tuple[int, Canvas]] = ((first_row, band[0]) for first_row, band in bands)
        if self._tally.parts is not None:
            rows = self._tally.parts.taken(index, one, bands)
        if (one.plan.height, one.plan.width) == (self._height, self._width) and not self._settings.reference:
            yield from rows
            return
        canvas = np.empty((one.plan.height, one.plan.width), np.float32)
        for first_row, band in rows:
            canvas[first_row : first_row + band.shape[0]] = band
        if self._settings.reference:
            sigmoid_in_place(canvas)
        yield from stretched(canvas, self._height, self._width)


def blended(one: Pass, tile_logits: TileLogits, tally: Tally) -> Iterator[tuple[int, Canvas]]:
    """Yield (first row, band) of blended logits at the scale's size, each once no later tile touches it.

    Bands are (channels, rows, width), NaN where no tile gave anything.
    """
    plan = one.plan
    # The rows from `top` on that tiles still touch.
    summed = np.zeros((tally.channels, plan.tile_height, plan.width), np.float32)
    weight = np.zeros((1, plan.tile_height, plan.width), np.float32)
    top = row = 0
    for index, (tile, logits) in enumerate(tile_logits):
        if logits is not None:
            local = slice(tile.y - top, tile.y - top + tile.height)
            summed[:, local, tile.columns] += logits * plan.weights
            weight[:, local, tile.columns] += plan.weights
        tally.count()
        if (index + 1) % len(plan.xs) == 0:
            count = plan.finished_rows(row) - top
            with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: nothing covered the pixel
                yield top, summed[:, :count] / weight[:, :count]
            for buffer in (summed, weight):
                buffer[:, : buffer.shape[1] - count] = buffer[:, count:].copy()
                buffer[:, buffer.shape[1] - count :] = 0
            top += count
            row += 1
