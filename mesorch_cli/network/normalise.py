"""ImageNet normalisation, the form in which the networks take pixels."""

import numpy as np
from numpy.typing import NDArray

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of RGB in 0..1
IMAGENET_STD = (0.229, 0.224, 0.225)


def normalise(rgb: NDArray[np.uint8 | np.uint16]) -> NDArray[np.float32]:
    """Map RGB pixels (..., H, W, 3) to the network's input (..., 3, H, W), float32.

    uint8 and uint16 are taken over their full range: 255 and 65535 are both white.
    """
    white = np.float32(np.iinfo(rgb.dtype).max)
    mean = np.array(IMAGENET_MEAN, np.float32) * white
    std = np.array(IMAGENET_STD, np.float32) * white
    normalised = (rgb.astype(np.float32) - mean) / std
    return np.ascontiguousarray(np.moveaxis(normalised, -1, -3))
