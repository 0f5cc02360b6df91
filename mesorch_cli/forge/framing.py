"""Brings photos of any size to the working size: shrunk as a whole, as on the web, or cropped at native resolution."""

import numpy as np

from mesorch_cli.forge.life import Life
from mesorch_cli.forge.patch import chance

WHOLE_SHARE = 0.65  # of oversized photos that are shrunk; of the others, a native window is kept
SMALLEST_OF_LIMIT = 0.6  # a shrunk photo has at least this share of the allowed longest side
GRID = 8  # pixels: native windows start on the JPEG grid of their photo


def framed(life: Life, longest: int, shortest: int = 1) -> None:
    """Bring a photo to at most `longest` pixels a side. One that fits already is unchanged.

    A panorama stays longer if its short side would otherwise have fewer than `shortest` pixels.
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
