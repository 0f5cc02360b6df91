"""Bringing photos of any size to one that is worked on: shrunk as a whole, as shown on the web, or cut out natively."""

import numpy as np

from mesorch_cli.forge.life import Life
from mesorch_cli.forge.patch import chance

WHOLE_SHARE = 0.65  # of the photos that are too large: shrunk whole; of the others a native window is kept
SMALLEST_OF_LIMIT = 0.6  # a shrunk photo has at least this share of the longest side that is allowed
GRID = 8  # pixels: native windows start on the JPEG grid of their photo


def framed(life: Life, longest: int, shortest: int = 1) -> None:
    """Bring a photo to at most `longest` pixels a side; one that fits already is left as it is.

    A panorama stays longer where it would otherwise be shrunk to fewer than `shortest` pixels on its short side.
    """
    height, width = life.pixels.shape[:2]
    if max(height, width) <= longest:
        return
    rng = life.rng
    if chance(rng, WHOLE_SHARE):
        life.resize(float(rng.uniform(SMALLEST_OF_LIMIT, 1.0)) * longest / max(height, width), shortest=shortest)
        return
    y, x = _start(rng, height, longest), _start(rng, width, longest)
    life.crop(y, x, min(height, longest), min(width, longest))


def _start(rng: np.random.Generator, length: int, longest: int) -> int:
    return int(rng.integers(0, max(0, length - longest) // GRID + 1)) * GRID
