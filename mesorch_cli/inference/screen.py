"""What tells a picture of a screen from a photo: small cells with an even ground, and levels that stand out exactly.

A camera leaves noise everywhere, and light falls off across every surface. What a program draws stands on grounds of one
exact colour, and lossy compression keeps such grounds. Both are measured in cells of the picture at its own size, since a
resize makes noise, and only where a cell shows something, so that neither clear sky nor a blank page counts.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.photo import eight_bits
from mesorch_cli.inference.screen_rule import RULE, ScreenMeasures

CELL = 16  # pixels a side
TILE, MOST_TILES = 256, 32  # pixels a side; at most so many, spread over the picture, are looked at
LEVELS = 256
TAIL = 0.02  # share of a cell's pixels left out at either end of its levels: the rest spans its contrast
SHOWN = 12  # levels of contrast from which a cell shows something
GROUND, EVEN = (
    0.4,
    1 / 16,
)  # a ground is even where this share of a cell's pixels lies within this share of its contrast
NEAR = 3  # levels: a level stands out by what it has more than any other that is so near

Pixels = NDArray[np.unsignedinteger]


def looks_like_screen(pixels: Pixels) -> bool:
    """Say whether (H, W, 3) RGB pixels of 8 or 16 bits look like a screenshot or a drawing."""
    measures = measure_screen(pixels)
    return measures is not None and RULE.catches(measures)


def measure_screen(pixels: Pixels) -> ScreenMeasures | None:
    """Measure (H, W, 3) RGB pixels of 8 or 16 bits, on their own grid; None for what has not one whole cell."""
    cells = shown = even = 0
    histogram = np.zeros(LEVELS, np.int64)
    for tile in _tiles(pixels):
        levels = _cells(np.asarray(cv2.cvtColor(eight_bits(tile), cv2.COLOR_RGB2GRAY), np.uint8))
        tail, ground = round(TAIL * CELL * CELL), round(GROUND * CELL * CELL)
        contrast = levels[:, -1 - tail] - levels[:, tail]
        showing = contrast >= SHOWN
        narrowest = (levels[:, ground:] - levels[:, :-ground]).min(axis=1)
        cells += len(levels)
        shown += int(showing.sum())
        even += int((showing & (narrowest <= EVEN * contrast)).sum())
        histogram += np.bincount(levels[showing].reshape(-1), minlength=LEVELS)
    if not cells:
        return None
    return ScreenMeasures(shown / cells, even / max(1, shown), standing_out(histogram))


def _tiles(pixels: Pixels) -> list[Pixels]:
    """Return whole cells of a picture in tiles: all of them, or MOST_TILES in equal steps along the rows."""
    height, width = (side // CELL * CELL for side in pixels.shape[:2])
    corners = [(top, left) for top in range(0, height, TILE) for left in range(0, width, TILE)]
    if len(corners) > MOST_TILES:
        corners = [corners[place] for place in np.linspace(0, len(corners) - 1, MOST_TILES).round().astype(int)]
    return [pixels[top : min(top + TILE, height), left : min(left + TILE, width)] for top, left in corners]


def _cells(grey: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return the levels of every cell of (h, w) grey pixels, sorted: (cells, CELL * CELL)."""
    rows, columns = grey.shape[0] // CELL, grey.shape[1] // CELL
    cells = grey.reshape(rows, CELL, columns, CELL).swapaxes(1, 2).reshape(-1, CELL * CELL)
    return np.sort(cells, axis=1, kind="stable").astype(np.int16)


def standing_out(histogram: NDArray[np.int64]) -> float:
    """Return the share of pixels by which levels exceed the highest of the NEAR levels on either side, 0..1.

    histogram: how many pixels have each level. A photo's levels pass into each other; a drawn colour stands alone.
    """
    total = int(histogram.sum())
    if not total:
        return 0.0
    padded = np.pad(histogram, NEAR)
    size = histogram.size
    near = np.max([padded[start : start + size] for start in range(2 * NEAR + 1) if start != NEAR], axis=0)
    return float(np.maximum(0, histogram - near).sum() / total)
