"""Small photos for the tests of this room."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

HOST: NDArray[np.uint8] = cv2.resize(data.astronaut(), (203, 197), interpolation=cv2.INTER_AREA)
DONOR: NDArray[np.uint8] = cv2.resize(data.coffee(), (180, 240), interpolation=cv2.INTER_AREA)
AREAS = (0.005, 0.4)


def disc(rows: int, columns: int, y: int, x: int, radius: float) -> NDArray[np.bool_]:
    """Return a disc as a mask."""
    at_y, at_x = np.indices((rows, columns))
    return np.hypot(at_y - y, at_x - x) < radius


def square(rows: int, columns: int, y: slice, x: slice) -> NDArray[np.bool_]:
    """Return a rectangle as a mask."""
    mask = np.zeros((rows, columns), bool)
    mask[y, x] = True
    return mask
