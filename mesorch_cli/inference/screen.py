"""What tells a picture of a screen or a scanned text from a photo: even grounds, exact levels, dark print on one paper.

A camera leaves noise everywhere, and light falls off across every surface. What a program draws stands on grounds of one
exact colour, and lossy compression keeps such grounds. Both are measured in cells of the picture at its own size, since a
resize makes noise, and only where a cell shows something, so that neither clear sky nor a blank page counts.

A scanner adds noise, and no level is exact any more. What is left of a document is its paper: nearly all cells have a ground
of about the same level, and what stands out from the noise is dark print on that ground. Photos have neither.
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
# A ground is even where the one share of a cell's pixels lies within the other share of the cell's contrast.
GROUND, EVEN = 0.4, 1 / 16
NEAR = 3  # levels: a level stands out by what it has more than any other that is so near
QUIET = 0.2  # of all cells, this share has at most the noise of the picture
OUTER = 0.1  # share of a cell's pixels left out at either end of its levels where its noise is measured
SIGMAS = 2.56  # of normal noise: what lies between its outer tenths
ABOVE = 8  # a cell stands out from the noise if its contrast is so many times its sigma,
LEAST = 40  # and at least so many levels
PRINT = 0.3  # a cell is print if the lighter half of its pixels lies within this share of its contrast
GROUND_AT = 0.75  # of a cell's pixels, from dark to light: the level of its ground
PAPER = 38  # levels about that of the paper: 0.15 of all
TOLD = (TAIL, OUTER, 0.5, GROUND_AT, 1 - OUTER, 1 - TAIL)  # places in a cell's levels by which print is told

Pixels = NDArray[np.unsignedinteger]
Levels = NDArray[np.int16]


def looks_like_screen(pixels: Pixels) -> bool:
    """Say whether (H, W, 3) RGB pixels of 8 or 16 bits look like a screenshot, a drawing or a scanned text."""
    measures = measure_screen(pixels)
    return measures is not None and RULE.catches(measures)


def measure_screen(pixels: Pixels) -> ScreenMeasures | None:
    """Measure (H, W, 3) RGB pixels of 8 or 16 bits, on their own grid; None for what has not one whole cell."""
    cells = shown = even = 0
    histogram = np.zeros(LEVELS, np.int64)
    told: list[Levels] = []
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
        told.append(levels[:, [round(at * (CELL * CELL - 1)) for at in TOLD]])
    if not cells:
        return None
    return ScreenMeasures(
        shown / cells, even / max(1, shown), standing_out(histogram), *_printed(np.concatenate(told).astype(np.float32))
    )


def _printed(told: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Return `inked`, `printed`, `paper` and `light` of ScreenMeasures. told: (cells, len(TOLD)) levels of each cell."""
    darkest, dark, middle, ground, light, lightest = told.T
    noise = float(np.quantile(light - dark, QUIET)) / SIGMAS
    contrast = lightest - darkest
    inked = contrast >= max(LEAST, ABOVE * noise)
    printed = inked & (lightest - middle <= PRINT * contrast)
    sheet = printed | ~inked
    level = float(np.median(ground[sheet])) if sheet.any() else 0.0
    paper = np.abs(ground - level) <= PAPER
    share = float(printed.sum()) / max(1, int(inked.sum()))
    return float(inked.mean()), share, float(paper.mean()), level / (LEVELS - 1)


def _tiles(pixels: Pixels) -> list[Pixels]:
    """Return whole cells of a picture in tiles: all of them, or MOST_TILES in equal steps along the rows."""
    height, width = (side // CELL * CELL for side in pixels.shape[:2])
    corners = [(top, left) for top in range(0, height, TILE) for left in range(0, width, TILE)]
    if len(corners) > MOST_TILES:
        corners = [corners[place] for place in np.linspace(0, len(corners) - 1, MOST_TILES).round().astype(int)]
    return [pixels[top : min(top + TILE, height), left : min(left + TILE, width)] for top, left in corners]


def _cells(grey: NDArray[np.uint8]) -> Levels:
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
