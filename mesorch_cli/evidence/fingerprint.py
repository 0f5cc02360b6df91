"""A fingerprint of what a photo shows: recompressed and resized copies keep it, up to a few bits."""

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 32  # pixels a side of the picture that is transformed
KEPT = 8  # frequencies a side; the first of the 64, the mean brightness, is left out
DIGITS = 16  # hexadecimal; the first bit is 0


def fingerprint(pixels: NDArray[np.unsignedinteger], orientation: int) -> str:
    """Return the signs of the 63 lowest frequencies of a photo against their median, as DIGITS hexadecimal digits.

    pixels: (H, W, 3) RGB uint8 or uint16, in the stored raster. orientation: EXIF, 1 to 8; it is applied first, so that a
    copy that was turned when it was saved has the same fingerprint. The perceptual hash of Zauner (2010), "Implementation
    and benchmarking of perceptual image hash functions", over the discrete cosine transform.
    """
    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)
    low = cv2.dct(np.ascontiguousarray(_upright(grey, orientation)))[:KEPT, :KEPT].ravel()[1:]
    bits = np.concatenate([[False], low > np.median(low)])
    return np.packbits(bits).tobytes().hex()


def _upright(square: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    """Turn a square as an orientation asks (see `orientation`)."""
    if orientation >= 5:
        square, orientation = square.T, orientation - 4  # 5; 6, 7 and 8 then do as 2, 3 and 4
    return {1: square, 2: square[:, ::-1], 3: square[::-1, ::-1], 4: square[::-1]}[orientation]
