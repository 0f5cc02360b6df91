"""Photos with a part copied onto another place, and a rule that judges such parts."""

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

from mesorch_cli.network.rules import CopyRule

RULE = CopyRule(intercept=-9.0, matches=2.0, brightness=3.0, grain=2.0, filled=1.4, overlap=-4.6, returned=0.8)
PART = np.s_[20:120, 180:290]  # the face
FAR = (350, 380)  # row and column of the copy's upper left corner


def photo() -> NDArray[np.uint8]:
    return np.ascontiguousarray(data.astronaut())


def moved_by(turn: float, scale: float) -> NDArray[np.float64]:
    """Return the 2 x 3 matrix that takes (x, y, 1) of PART to its copy at FAR, turned by degrees about its middle."""
    rows, columns = PART
    middle = ((columns.start + columns.stop) / 2, (rows.start + rows.stop) / 2)
    matrix = cv2.getRotationMatrix2D(middle, turn, scale)
    matrix[:, 2] += (FAR[1] - columns.start, FAR[0] - rows.start)
    return np.asarray(matrix, np.float64)


def with_copy(turn: float = 0.0, scale: float = 1.0) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return a photo with its PART pasted, turned by degrees and scaled about its middle, and the mask of what changed."""
    pixels = photo()
    height, width = pixels.shape[:2]
    matrix = moved_by(turn, scale)
    mask = np.zeros((height, width), np.uint8)
    mask[PART] = 1
    moved = cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_CUBIC)
    placed = cv2.warpAffine(mask, matrix, (width, height), flags=cv2.INTER_NEAREST) > 0
    return np.where(placed[..., None], moved, pixels).astype(np.uint8), placed


def saved(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return pixels after a JPEG of this quality."""
    _, encoded = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR)[:, :, ::-1]).astype(np.uint8)
