"""What the logits of a photo were made of, blended and fused as the logits themselves are, on every so many pixels.

Blending and fusion are linear, so the sum of the parts is the photo's map of logits, up to rounding.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.backends.protocol import Tiles
from mesorch_cli.inference.fusion import Canvas, Fusion
from mesorch_cli.inference.passes import Pass

MOST_SAMPLES = 1_000_000  # pixels of a part; with 31 parts of float32 that is 124 MB
VIEW_CHANNELS = 6  # the high- and the low-frequency view, three colours each


@dataclass(frozen=True)
class PartSamples:
    """The parts of a photo at pixels (first + step * i) of rows and columns; (h, w) samples, NaN where nothing was seen.

    maps, weights, products: (S, h, w) float32, of each scale its map in logits, the gate's weight and their product.
    views: (6, h, w) float32 in 0..1, the high- and the low-frequency view in RGB, as the finest scale of the photo saw them.
    """

    step: int
    first: int
    maps: Canvas
    weights: Canvas
    products: Canvas
    views: Canvas

    def of(self, whole: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return the samples of something of the photo's size."""
        return whole[self.first :: self.step, self.first :: self.step]


class Parts:
    """Collects the parts while a photo is analysed.

    run: gives logits and parts of tiles, see `Explaining`. maps: how many the network has.
    """

    def __init__(self, run: Callable[[Tiles, int], NDArray[np.float32]], maps: int) -> None:
        self.run = run
        self.maps = maps
        self.channels = 1 + 3 * maps + VIEW_CHANNELS
        self._fusions: list[Fusion] = []

    def begin(self, height: int, width: int, passes: Sequence[Pass]) -> None:
        """Make room for a photo of this size."""
        self._size = (height, width)
        self._step = max(1, int(np.ceil(np.sqrt(height * width / MOST_SAMPLES))))
        self._first = min(self._step // 2, height - 1, width - 1)
        self._rows = np.arange(self._first, height, self._step)
        self._columns = np.arange(self._first, width, self._step)
        weights = [one.scale.weight for one in passes]
        self._last = len(passes) - 1
        self._fusions = [Fusion(len(self._rows), len(self._columns), weights) for _ in range(self.channels - 1)]

    def taken(self, index: int, one: Pass, bands: Iterator[tuple[int, Canvas]]) -> Iterator[tuple[int, Canvas]]:
        """Keep the parts of bands (1 + n, rows, width) of the `index`-th scale of the photo; yield (first row, logits)."""
        plan = one.plan
        same = (plan.height, plan.width) == self._size
        canvas = None if same else np.empty((self.channels - 1, plan.height, plan.width), np.float32)
        for top, band in bands:
            if canvas is not None:
                canvas[:, top : top + band.shape[1]] = band[1:]
            else:
                inside = np.flatnonzero((self._rows >= top) & (self._rows < top + band.shape[1]))
                if len(inside):
                    self._add(index, int(inside[0]), band[1:, self._rows[inside] - top][:, :, self._columns])
            yield top, band[0]
        if canvas is not None:
            self._add(index, 0, self._resampled(canvas))

    def _add(self, index: int, first_row: int, values: Canvas) -> None:
        for channel, fusion in enumerate(self._fusions):
            # Views are pictures, not sums: those of a squashed photo would blur those of the finest.
            if index == self._last or channel < 3 * self.maps:
                fusion.add(index, first_row, values[channel])

    def _resampled(self, canvas: Canvas) -> Canvas:
        """Return the samples of a scale of another size: bilinear, half-pixel centres, edges held, as `stretched` does."""
        for axis, places, size in ((2, self._columns, self._size[1]), (1, self._rows, self._size[0])):
            length = canvas.shape[axis]
            position = np.clip((places + 0.5) * length / size - 0.5, 0, length - 1)
            before = np.floor(position).astype(np.intp)
            after = np.minimum(before + 1, length - 1)
            share = (position - before).astype(np.float32).reshape([-1 if at == axis else 1 for at in range(3)])
            canvas = np.take(canvas, before, axis) * (1 - share) + np.take(canvas, after, axis) * share
        return canvas

    def finish(self) -> PartSamples:
        """Return what was collected. Ends this object's use."""
        parts = np.stack([fusion.finish()[0] for fusion in self._fusions])
        self._fusions = []
        maps, weights, products = (parts[index * self.maps : (index + 1) * self.maps] for index in range(3))
        return PartSamples(self._step, self._first, maps, weights, products, parts[3 * self.maps :])
