"""The outlines of a map on a picture: strong regions bright, weak ones dim, and the numbers that the record gives them."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.regions import SMALLEST_SHARE, WEAK_MEAN, Region

STRONG, WEAK, INK = (255, 255, 255), (150, 150, 150), (32, 32, 32)
FONT = cv2.FONT_HERSHEY_SIMPLEX

Probability = NDArray[np.float32]
Picture = NDArray[np.uint8]


def outline(picture: Picture, chance: Probability, threshold: float) -> None:
    """Draw the contours of `chance`, the map at the picture's size, where it exceeds the threshold.

    A weak outline is that of a weak region, or of a speck that is too small for one.
    """
    above = (chance > threshold).view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(above, connectivity=8, ltype=cv2.CV_32S)
    areas = stats[:, cv2.CC_STAT_AREA]
    means = np.bincount(labels.ravel(), chance.ravel(), count) / np.maximum(areas, 1)
    strong = (means >= WEAK_MEAN) & (areas >= SMALLEST_SHARE * chance.size)
    strong[0] = False  # what lies below the threshold
    thickness = max(1, round(max(picture.shape[:2]) / 700))
    weakly = _contours(above & ~strong[labels])
    strongly = _contours(strong[labels])
    cv2.drawContours(picture, weakly, -1, WEAK, 1)
    cv2.drawContours(picture, strongly, -1, INK, thickness + 2)
    cv2.drawContours(picture, strongly, -1, STRONG, thickness)


def _contours(shown: NDArray[np.integer | np.bool_]) -> Sequence[NDArray[np.int32]]:
    return cv2.findContours(shown.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)[0]  # type: ignore[return-value]


def number(picture: Picture, regions: Sequence[Region], width: int, height: int) -> None:
    """Write the number of every strong region above the upper left corner of its box, within the picture.

    regions: in the order of the record, in pixels of a raster of width x height.
    """
    size = max(0.5, max(picture.shape[:2]) / 1600)
    for place, region in enumerate(regions, start=1):
        if region.weak:
            continue
        (across, along), _ = cv2.getTextSize(str(place), FONT, size, 1)
        x = max(2, min(round(region.x * picture.shape[1] / width), picture.shape[1] - across - 4))
        y = max(along + 4, min(round(region.y * picture.shape[0] / height) - 6, picture.shape[0] - 4))
        cv2.rectangle(picture, (x - 3, y - along - 4), (x + across + 3, y + 4), INK, cv2.FILLED)
        cv2.putText(picture, str(place), (x, y), FONT, size, STRONG, 1, cv2.LINE_AA)
