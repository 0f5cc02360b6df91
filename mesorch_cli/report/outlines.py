"""Lines on a picture: outlines of a map, strong ones bright and weak ones dim, numbers of regions, joined places."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.regions import SMALLEST_SHARE, WEAK_MEAN, Region
from mesorch_cli.report.joins import Join

STRONG, WEAK, INK = (255, 255, 255), (150, 150, 150), (32, 32, 32)
JOINED = (255, 208, 63)  # a blue that the colours of the map do not have
LINK_OPACITY, INSIDE_OPACITY = 0.5, 0.25  # of a thin line between places, and within them, where pixels are looked at
SHIFT = 4  # binary places of a pixel, of the ends of thin lines
FONT = cv2.FONT_HERSHEY_SIMPLEX

Probability = NDArray[np.float32]
Picture = NDArray[np.uint8]


def outline(picture: Picture, chance: Probability, threshold: float) -> None:
    """Draw the contours of `chance`, the map at the picture's size, where it exceeds the threshold.

    A weak outline belongs to a weak region, or to a speck that is too small for one.
    """
    above = (chance > threshold).view(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(above, connectivity=8, ltype=cv2.CV_32S)
    areas = stats[:, cv2.CC_STAT_AREA]
    means = np.bincount(labels.ravel(), chance.ravel(), count) / np.maximum(areas, 1)
    strong = (means >= WEAK_MEAN) & (areas >= SMALLEST_SHARE * chance.size)
    strong[0] = False  # parts below the threshold
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


def join(picture: Picture, joins: Sequence[Join], width: int, height: int) -> None:
    """Draw the outlines or boxes of every join, and its links or a line from the middle of each place to the next.

    joins: in pixels of a raster of width x height.
    """
    scale = np.array([picture.shape[1] / width, picture.shape[0] / height])
    thickness = max(1, round(max(picture.shape[:2]) / 700))
    for one in joins:
        # The middle of a picture's pixel has whole coordinates for OpenCV, its corners have not.
        outlines = [np.rint(np.array(corners) * scale - 0.5).astype(np.int32) for corners in one.outlines]
        _link(picture, [(np.array(start) * scale, np.array(end) * scale) for start, end in one.links], outlines)
        firsts = [np.array([box.x, box.y]) * scale for box in one.boxes]
        lasts = [np.array([box.x + box.width, box.y + box.height]) * scale - 1 for box in one.boxes]
        middles = [np.array(middle) * scale - 0.5 for middle in one.middles]
        for colour, line in ((INK, thickness + 2), (JOINED, thickness)):
            cv2.polylines(picture, outlines, True, colour, line, cv2.LINE_AA)
            for first, last in zip(firsts, lasts, strict=True):
                cv2.rectangle(picture, _pixel(first), _pixel(last), colour, line)
            for start, end in pairwise(middles):
                cv2.line(picture, _pixel(start), _pixel(end), colour, line, cv2.LINE_AA)


def _link(
    picture: Picture,
    links: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    outlines: Sequence[NDArray[np.int32]],
) -> None:
    """Draw thin, translucent lines between points of a picture, no denser where they cross, fainter within outlines."""
    drawn, thickness = np.zeros(picture.shape[:2], np.uint8), max(1, round(max(picture.shape[:2]) / 1000))
    for ends in links:
        start, end = (tuple(np.rint((end - 0.5) * (1 << SHIFT)).astype(int).tolist()) for end in ends)
        cv2.line(drawn, start, end, 255, thickness, cv2.LINE_AA, SHIFT)
    touched = drawn > 0
    within = cv2.fillPoly(np.zeros_like(drawn), outlines, 1)[touched]
    opacity = (drawn[touched] * np.where(within, INSIDE_OPACITY, LINK_OPACITY) / 255)[:, None]
    picture[touched] = np.rint(picture[touched] * (1 - opacity) + np.array(JOINED, np.float32) * opacity)


def _pixel(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
