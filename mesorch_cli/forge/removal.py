"""Removal: a region is filled as if something had never been there."""

import cv2
import numpy as np

from mesorch_cli.forge.compositing import Change, paste
from mesorch_cli.forge.donors import Plane, mask_of, picked_object
from mesorch_cli.forge.filling import by_blocks, diffused, one_patch
from mesorch_cli.forge.patch import Patch, Pixels, Step, chance
from mesorch_cli.forge.shapes import Mask, drawn_area, place_off, region, window_of

LARGEST_DIFFUSED = 6000  # pixels; a diffusion's time grows with them, and larger fills look smeared
DIFFUSED_SHARE = 0.4  # of holes that are small enough
BLOCKS_SHARE = 0.65  # of the others
OBJECT_SHARE = 0.4  # of photos with known objects
GROWN = (1, 6)  # pixels around an object that are erased, too


def removal(
    rng: np.random.Generator,
    host: Pixels,
    plane: Plane | None,
    area_range: tuple[float, float],
    silhouette: Mask | None = None,
) -> Change | None:
    """Return the photo with a region filled from the photo around it, None if nothing fits.

    plane: the photo's objects, if known; then often one of them is removed. silhouette: the shape of the hole
    otherwise, any if None.
    """
    hole, y, x, parameters = _hole(rng, host, plane, area_range, silhouette)
    if hole is None:
        return None
    box = {"y": y, "x": x, "height": hole.shape[0], "width": hole.shape[1]}
    if hole.sum() < LARGEST_DIFFUSED and chance(rng, DIFFUSED_SHARE):
        pixels, how = diffused(rng, host, hole, y, x)
        change = paste(rng, host, Patch.of(pixels, hole), y, x, "hard")
    else:
        filled = (by_blocks if chance(rng, BLOCKS_SHARE) else one_patch)(rng, host, hole, y, x)
        if filled is None:
            return None
        pixels, how = filled
        change = paste(rng, host, Patch.of(pixels, hole), y, x)
    if change is None:
        return None
    return Change(change.pixels, change.mask, parameters | {"hole": box} | how | {"paste": change.parameters})


def _hole(
    rng: np.random.Generator,
    host: Pixels,
    plane: Plane | None,
    area_range: tuple[float, float],
    silhouette: Mask | None,
) -> tuple[Mask | None, int, int, Step]:
    """Return the hole in its box, the place of the box, and how it was chosen."""
    height, width = host.shape[:2]
    if plane is not None and chance(rng, OBJECT_SHARE):
        picked = picked_object(rng, plane)
        if picked is None:
            return None, 0, 0, {}
        grown = int(rng.integers(GROWN[0], GROWN[1] + 1))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * grown + 1, 2 * grown + 1))
        mask = cv2.dilate((picked[0] > 0.5).astype(np.uint8), kernel) > 0
        window = window_of(mask)
        if window is None:
            return None, 0, 0, {}
        return mask[window], window[0].start, window[1].start, picked[1] | {"grown": grown}
    mask, shape = region(rng, height, width, drawn_area(rng, area_range), silhouette)
    y, x = place_off(rng, mask, None if plane is None else mask_of(plane), height, width)
    return mask, y, x, {"shape": shape}
