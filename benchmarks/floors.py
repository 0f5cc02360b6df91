"""What a map is worth that knows nothing: floors that every localiser should be printed beside."""

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ERROR_LEVEL_QUALITY = 90
ERROR_LEVEL_BLUR = 0.01  # of the long side: neighbours vote, as an examiner's eye does


def ones(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Everything is equally suspicious."""
    return np.ones(rgb.shape[:2], np.float32)


def centre(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The middle is suspicious: a Gaussian with a deviation of a quarter of each side, (H, W) in 0..1."""
    height, width = rgb.shape[:2]
    y = np.exp(-0.5 * ((np.arange(height) - (height - 1) / 2) / (height / 4)) ** 2)
    x = np.exp(-0.5 * ((np.arange(width) - (width - 1) / 2) / (width / 4)) ** 2)
    return np.outer(y, x).astype(np.float32)


def error_level(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How much each place changes when the photo is saved once more as JPEG of quality 90, (H, W) in 0..1."""
    data = io.BytesIO()
    Image.fromarray(rgb).save(data, "JPEG", quality=ERROR_LEVEL_QUALITY)
    again = np.asarray(Image.open(data).convert("RGB"))
    difference = np.abs(rgb.astype(np.float32) - again).max(axis=2)
    smooth = cv2.GaussianBlur(difference, (0, 0), max(1.0, ERROR_LEVEL_BLUR * max(rgb.shape[:2])))
    return (smooth / max(float(smooth.max()), 1e-6)).astype(np.float32)


FLOORS = {"all ones": ones, "centre prior": centre, "error-level analysis": error_level}
