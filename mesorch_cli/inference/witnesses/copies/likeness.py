"""How much two pictures of the same size look alike around every pixel: the correlation in a square window."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

GRAIN_SIGMA = 1.5  # pixels; grain is what a blur of this width removes

Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Windows:
    """A picture (H, W) with what its windows alone say, so that it can be compared with several others.

    mean: of the window around every pixel. spread: its variance, at least the limit of flatness. flat: whether the
    variance is below that limit. side: of the window, in pixels.
    """

    picture: Grey
    mean: Grey
    spread: Grey
    flat: NDArray[np.bool_]
    side: int

    @classmethod
    def of(cls, picture: Grey, side: int, limit: float) -> "Windows":
        """Return the windows of a picture. limit: variance below which a window is flat."""
        mean = _mean(picture, side)
        variance = _mean(picture * picture, side)
        variance -= mean * mean
        return cls(picture, mean, np.maximum(variance, np.float32(limit)), variance < limit, side)


def correlation(first: Windows, second: Windows) -> Grey:
    """Return the correlation around every pixel, -1..1; 0 where either picture is flat. Both have windows of one side."""
    product = _mean(first.picture * second.picture, first.side)
    product -= first.mean * second.mean
    spread = first.spread * second.spread
    product /= np.sqrt(spread, out=spread)
    product[first.flat | second.flat] = 0
    return product


def grain_of(picture: Grey) -> Grey:
    """Return what a slight blur removes."""
    return np.asarray(picture - cv2.GaussianBlur(picture, (0, 0), GRAIN_SIGMA), np.float32)


def _mean(picture: Grey, side: int) -> Grey:
    return np.asarray(cv2.boxFilter(picture, -1, (side, side), borderType=cv2.BORDER_REFLECT_101), np.float32)
