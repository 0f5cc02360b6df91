"""Maps of several scales on one canvas: stretched to the photo's size, averaged by weight where they cover it.

Rows come in bands, so that only the photo's own canvas has its full size. A very large canvas is kept in a file.
NaN marks pixels that a scale left out.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.storage import zeros

BAND_PIXELS = 4_000_000  # rows are handled in bands of about this many pixels, 16 MB of float32

Canvas = NDArray[np.float32]


def bands(height: int, width: int) -> Iterator[slice]:
    """Yield row slices that together cover the canvas."""
    rows = max(1, BAND_PIXELS // width)
    for first in range(0, height, rows):
        yield slice(first, min(first + rows, height))


def stretched(canvas: Canvas, height: int, width: int) -> Iterator[tuple[int, Canvas]]:
    """Yield (first row, rows) of the canvas resized to height x width: bilinear, half-pixel centres, edges held."""
    wide = canvas
    if canvas.shape[1] != width:
        wide = cv2.resize(canvas, (width, canvas.shape[0])).astype(np.float32, copy=False)
    position = np.clip((np.arange(height) + 0.5) * canvas.shape[0] / height - 0.5, 0, canvas.shape[0] - 1)
    above = np.floor(position).astype(np.intp)
    below = np.minimum(above + 1, canvas.shape[0] - 1)
    share = (position - above).astype(np.float32)[:, None]
    for rows in bands(height, width):
        if canvas.shape[0] == height:
            yield rows.start, wide[rows]
        else:
            upper, band = wide[above[rows]], wide[below[rows]]
            band -= upper
            band *= share[rows]
            band += upper
            yield rows.start, band


class Fusion:
    """Weighted mean over the scales that covered each pixel."""

    def __init__(self, height: int, width: int, weights: Sequence[float]) -> None:
        self._sum: Canvas = zeros((height, width), np.float32)
        self._seen = zeros((height, width), np.uint8)  # bit i: scale i covered the pixel
        self._weights = tuple(weights)

    def add(self, scale: int, first_row: int, values: Canvas) -> None:
        """Add rows of scale `scale` (its place in the weights), (n, width) float32, NaN where it has nothing."""
        rows = slice(first_row, first_row + values.shape[0])
        covered = np.isfinite(values)
        if not covered.all():
            values = np.where(covered, values, np.float32(0))
        cv2.scaleAdd(values, self._weights[scale], self._sum[rows], self._sum[rows])
        self._seen[rows] |= covered.view(np.uint8) << np.uint8(scale)

    def highest(self, rows: slice, columns: slice) -> float:
        """Return the highest mean so far in a part, infinity if one of its pixels has none."""
        seen = self._seen[rows, columns]
        if not seen.all():
            return float("inf")
        return float((self._sum[rows, columns] / cv2.LUT(seen, self._totals())).max())

    def _totals(self) -> Canvas:
        """Return the weight of what covered a pixel by its bits, NaN for nothing."""
        combinations = np.arange(256)
        totals = sum(weight * (combinations >> scale & 1) for scale, weight in enumerate(self._weights))
        return np.where(np.asarray(totals) > 0, totals, np.nan).astype(np.float32)

    def finish(self) -> tuple[Canvas, NDArray[np.bool_]]:
        """Return the mean, NaN where no scale covered, and which pixels were covered. Ends this object's use."""
        table = self._totals()
        for rows in bands(*self._sum.shape):
            self._sum[rows] /= cv2.LUT(self._seen[rows], table)
            np.minimum(self._seen[rows], 1, out=self._seen[rows])
        return self._sum, self._seen.view(np.bool_)


def sigmoid_in_place(logits: Canvas) -> None:
    """Replace logits by probabilities, band by band. NaN becomes 0, as nothing was seen there."""
    for rows in bands(*logits.shape):
        band = logits[rows]
        np.negative(band, out=band)
        with np.errstate(over="ignore"):  # exp of a large number is inf, and 1 / (1 + inf) is 0 as it should be
            np.exp(band, out=band)
        band += 1
        np.reciprocal(band, out=band)
        np.nan_to_num(band, copy=False, nan=0.0)
