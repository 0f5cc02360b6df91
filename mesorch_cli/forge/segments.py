"""Finds something like an object in a photo without marked objects."""

import cv2
import numpy as np

from mesorch_cli.forge.patch import Pixels
from mesorch_cli.forge.shapes import Mask

WORKING_SIDE = 64  # pixels of the longer side of a window while it is searched
ROUNDS = 2  # of GrabCut (Rother et al. 2004)
TRIES = 3
SMALLEST_WINDOW = 40  # pixels
CORE, LIKELY, BORDER = (
    0.22,
    0.72,
    0.9,
)  # of half a window: surely, probably an object; farther: surely not
FILLED = (0.12, 0.75)  # share of its window that an object fills; anything else is a failure
SMOOTHING = 1.2  # sigma, in pixels of the working size, of a found outline


def segmented(rng: np.random.Generator, pixels: Pixels, sides: tuple[float, float]) -> Mask | None:
    """Return the mask (H, W) of one connected thing that stands out from its surroundings, None if none was found.

    The search uses windows anywhere in the photo, with sides as shares of the photo's within `sides`.
    """
    height, width = pixels.shape[:2]
    for _ in range(TRIES):
        rows = max(min(SMALLEST_WINDOW, height), int(rng.uniform(*sides) * height))
        columns = max(min(SMALLEST_WINDOW, width), int(rng.uniform(*sides) * width))
        y, x = int(rng.integers(0, height - rows + 1)), int(rng.integers(0, width - columns + 1))
        found = _found(rng, pixels[y : y + rows, x : x + columns])
        if found is not None:
            mask = np.zeros((height, width), bool)
            mask[y : y + rows, x : x + columns] = found
            return mask
    return None


def _found(rng: np.random.Generator, window: Pixels) -> Mask | None:
    rows, columns = window.shape[:2]
    factor = min(1.0, WORKING_SIDE / max(rows, columns))
    size = (max(8, round(columns * factor)), max(8, round(rows * factor)))
    small = cv2.resize(np.ascontiguousarray(window), size, interpolation=cv2.INTER_AREA)
    at_y = np.abs((np.arange(size[1]) + 0.5) / size[1] * 2 - 1)[:, None]
    at_x = np.abs((np.arange(size[0]) + 0.5) / size[0] * 2 - 1)[None, :]
    distance = np.hypot(at_y, at_x)
    guess = np.full((size[1], size[0]), cv2.GC_PR_BGD, np.uint8)
    guess[distance < LIKELY] = cv2.GC_PR_FGD
    guess[distance < CORE] = cv2.GC_FGD
    guess[np.maximum(at_y, at_x) > BORDER] = cv2.GC_BGD
    cv2.setRNGSeed(int(rng.integers(1, 2**31 - 1)))  # GrabCut's clusters start at random from OpenCV's generator
    cv2.grabCut(small, guess, (0, 0, 1, 1), np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_MASK)
    object_like = ((guess == cv2.GC_FGD) | (guess == cv2.GC_PR_FGD)).astype(np.uint8)
    object_like = cv2.morphologyEx(object_like, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)).astype(np.uint8)
    count, numbered, stats, _ = cv2.connectedComponentsWithStats(object_like)
    if count < 2:
        return None
    largest = (numbered == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())).astype(np.uint8)
    outlines, _ = cv2.findContours(largest, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(largest, outlines, -1, 1, cv2.FILLED)
    if not FILLED[0] < largest.mean() < FILLED[1]:
        return None
    smooth = cv2.GaussianBlur(largest.astype(np.float32), (0, 0), SMOOTHING)
    return np.asarray(cv2.resize(smooth, (columns, rows), interpolation=cv2.INTER_CUBIC) > 0.5)
