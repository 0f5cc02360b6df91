"""Copy-move: a part of the photo once more in the same photo. The mask is that of the copies, not of their source."""

import numpy as np

from mesorch_cli.forge.compositing import Pixels, paste, resampled, turned
from mesorch_cli.forge.shapes import Mask, outline, place, region_box

COPIES = (0.8, 0.15, 0.05)  # shares of one, two and three copies
LARGEST_SIDE = 0.6  # of the photo's
PLACES_TRIED = 8


def copy_move(rng: np.random.Generator, host: Pixels, area_range: tuple[float, float]) -> tuple[Pixels, Mask] | None:
    """Return the photo with copies of one of its regions and the mask of the copies, None if none came out.

    Half of the copies are moved only; the others are also scaled, mirrored or rotated. Copies keep off their source.
    """
    height, width = host.shape[:2]
    tall, wide = region_box(rng, height, width, area_range)
    tall, wide = min(tall, int(height * LARGEST_SIDE)), min(wide, int(width * LARGEST_SIDE))
    from_y, from_x = int(rng.integers(0, height - tall + 1)), int(rng.integers(0, width - wide + 1))
    source = host[from_y : from_y + tall, from_x : from_x + wide]
    shape = outline(rng, tall, wide)
    result, copied = host, np.zeros((height, width), bool)
    for _ in range(int(rng.choice([1, 2, 3], p=COPIES))):
        patch, mask = source, shape
        if rng.random() < 0.5:
            if rng.random() < 0.6:
                patch, mask = resampled(rng, patch, mask, float(rng.uniform(0.6, 1.5)))
            patch, mask = turned(rng, patch, mask)
        y = x = 0
        for _ in range(PLACES_TRIED):
            y, x = place(rng, height, width, *mask.shape)
            if abs(y - from_y) > 0.6 * tall or abs(x - from_x) > 0.6 * wide:
                break
        pasted = paste(rng, result, patch, mask, y, x)
        if pasted is not None:
            result, new = pasted
            copied |= new
    return (result, copied) if copied.any() else None
