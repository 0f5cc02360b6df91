"""A replaced background: known objects stay, and everything around them comes from another photo."""

import cv2
import numpy as np

from mesorch_cli.forge.compositing import Change, harmonised, paste
from mesorch_cli.forge.donors import Plane, mask_of
from mesorch_cli.forge.matte import matted
from mesorch_cli.forge.patch import Patch, Pixels, Step, chance, drawn
from mesorch_cli.forge.shapes import Mask, beyond_horizon, snapped

EDGES = {"hard": 0.08, "soft": 0.4, "feathered": 0.12, "matte": 0.4}
KEPT_AREA = (0.08, 0.9)  # share of the photo that is kept
LARGEST_FACTOR = 3.0  # of enlarging a donor; smaller donors make no background
BLURRED_SHARE, SNAPPED_SHARE = 0.25, 0.9


def background(rng: np.random.Generator, host: Pixels, donor: Pixels, plane: Plane | None) -> Change | None:
    """Return the photo with another background, None if its objects are too small or large, or the donor too small.

    The mask marks the new background. plane: the photo's objects; if none are known, everything on one side of a
    horizon is replaced, like a sky.
    """
    height, width = host.shape[:2]
    if plane is None:
        kept, parameters = ~beyond_horizon(rng, height, width), Step(kept="side of a horizon")
        if chance(rng, SNAPPED_SHARE):
            kept = snapped(host, kept)
    else:
        known = mask_of(plane)
        if known is None:
            return None
        kept, parameters = known, Step(kept="objects")
    if not KEPT_AREA[0] <= kept.mean() <= KEPT_AREA[1]:
        return None
    factor = max(height / donor.shape[0], width / donor.shape[1]) * drawn(rng, 1.0, 1.4)
    if factor > LARGEST_FACTOR:
        return None
    pixels, step = _window(rng, donor, height, width, factor)
    if chance(rng, BLURRED_SHARE):
        step["blur"] = drawn(rng, 0.6, 2.5)
        pixels = cv2.GaussianBlur(pixels, (0, 0), step["blur"]).astype(np.uint8)
    mask: Mask = ~kept
    patch, looks = harmonised(rng, Patch.of(pixels, mask), host)
    edge = list(EDGES)[int(rng.choice(len(EDGES), p=list(EDGES.values())))]
    if edge == "matte":
        radius = int(rng.integers(2, 9))
        parameters["matte"] = radius
        patch = Patch(patch.pixels, 1 - matted(host, kept.astype(np.float32), radius))
    change = paste(rng, host, patch, 0, 0, "own" if edge == "matte" else edge)
    if change is None:
        return None
    return Change(
        change.pixels, change.mask, parameters | {"background": step, "looks": looks, "paste": change.parameters}
    )


def _window(rng: np.random.Generator, donor: Pixels, height: int, width: int, factor: float) -> tuple[Pixels, Step]:
    """Return a window of the donor scaled to (height, width) pixels, mirrored half of the time."""
    rows, columns = min(donor.shape[0], round(height / factor)), min(donor.shape[1], round(width / factor))
    y, x = int(rng.integers(0, donor.shape[0] - rows + 1)), int(rng.integers(0, donor.shape[1] - columns + 1))
    part = np.ascontiguousarray(donor[y : y + rows, x : x + columns])
    mirrored = chance(rng, 0.5)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    pixels = cv2.resize(part[:, ::-1] if mirrored else part, (width, height), interpolation=how).astype(np.uint8)
    source = {"y": y, "x": x, "height": rows, "width": columns}
    return np.ascontiguousarray(pixels), {"source": source, "mirrored": mirrored}
