"""Removal: a region filled so that something seems never to have been there."""

import cv2
import numpy as np

from mesorch_cli.forge.compositing import Pixels, paste
from mesorch_cli.forge.shapes import Mask, outline, region_box

LARGEST_DIFFUSED = 6000  # pixels: the time of cv2.inpaint grows with them, and larger fills look smeared
DIFFUSION_MARGIN = 12  # pixels around the region that the filling looks at
RING = 11  # pixels of kernel: the surroundings that a candidate patch is compared on
CANDIDATES = 24


def diffused(rng: np.random.Generator, host: Pixels, mask: Mask, y: int, x: int) -> tuple[Pixels, Mask]:
    """Return the host with the region at (y, x) filled from its border by Telea's or the Navier-Stokes method."""
    margin = DIFFUSION_MARGIN
    top, left = max(0, y - margin), max(0, x - margin)
    window = np.s_[top : y + mask.shape[0] + margin, left : x + mask.shape[1] + margin]
    part = np.ascontiguousarray(host[window])
    flags = np.zeros(part.shape[:2], np.uint8)
    flags[y - top : y - top + mask.shape[0], x - left : x - left + mask.shape[1]] = mask
    how = int(rng.choice([cv2.INPAINT_TELEA, cv2.INPAINT_NS]))
    result, filled = host.copy(), np.zeros(host.shape[:2], bool)
    result[window] = cv2.inpaint(part, flags, float(rng.uniform(2, 5)), how)
    filled[window] = flags > 0
    return result, filled


def best_match(rng: np.random.Generator, host: Pixels, mask: Mask, y: int, x: int) -> tuple[int, int] | None:
    """Return (y, x) of the candidate patch whose surroundings look most like those of the region, None without any."""
    tall, wide = mask.shape
    grown = cv2.dilate(np.pad(mask, RING // 2).astype(np.uint8), np.ones((RING, RING), np.uint8))
    ring = (grown[RING // 2 : RING // 2 + tall, RING // 2 : RING // 2 + wide] > 0) & ~mask
    if ring.sum() < 10:
        ring = mask
    wanted = host[y : y + tall, x : x + wide][ring].astype(np.float32)
    best: tuple[float, int, int] | None = None
    for _ in range(CANDIDATES):
        other_y = int(rng.integers(0, host.shape[0] - tall + 1))
        other_x = int(rng.integers(0, host.shape[1] - wide + 1))
        if abs(other_y - y) < 0.5 * tall and abs(other_x - x) < 0.5 * wide:
            continue
        seen = host[other_y : other_y + tall, other_x : other_x + wide][ring]
        error = float(np.abs(seen - wanted).mean())
        if best is None or error < best[0]:
            best = (error, other_y, other_x)
    return None if best is None else best[1:]


def removal(rng: np.random.Generator, host: Pixels, area_range: tuple[float, float]) -> tuple[Pixels, Mask] | None:
    """Return the photo with a region filled and the mask of the filling, None if nothing fits.

    Small regions are diffused from their border (six in ten); the others get the patch of the same photo that
    continues the surroundings best.
    """
    height, width = host.shape[:2]
    tall, wide = region_box(rng, height, width, area_range)
    y, x = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    mask = outline(rng, tall, wide)
    if mask.sum() < LARGEST_DIFFUSED and rng.random() < 0.6:
        return diffused(rng, host, mask, y, x)
    found = best_match(rng, host, mask, y, x)
    if found is None:
        return None
    patch = host[found[0] : found[0] + tall, found[1] : found[1] + wide]
    return paste(rng, host, patch, mask, y, x)
