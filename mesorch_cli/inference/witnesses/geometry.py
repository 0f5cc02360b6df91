"""The exact shape of a finding, where boxes say too little: outlines of its places, and points that belong together."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MOST_LINKS = 24  # of a finding; more would hide what they join
MOST_OUTLINES = 8  # of a place: the largest of its parts
MOST_CORNERS = 64  # of all outlines of a place, so that a record stays small
DEVIATION, COARSER = 1.0, 1.25  # pixels of the mask, for its simplification; times so much until corners are few enough
HALF_DIAGONAL = math.sqrt(0.5)  # of a pixel

Corner = tuple[int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Geometry:
    """Outlines and links of a finding, in pixels of the stored raster, whose upper left corner is (0, 0), like a box.

    outlines: (role of a place, corners (x, y) in turn), closed, without holes, the largest of a place first. links: a point
    (x, y) in the first place and the one in the second that belongs to it, spread over the place: a part of them is
    spread, too. tolerance: pixels; no outlined pixel lies further outside of its outline, and no corner further outside of
    the place.
    """

    outlines: tuple[tuple[str, tuple[Corner, ...]], ...]
    links: tuple[tuple[Point, Point], ...]
    tolerance: float


def outlined(mask: NDArray[np.bool_], width: int, height: int) -> tuple[tuple[tuple[Corner, ...], ...], float]:
    """Return the outlines of a mask (h, w), at most MOST_OUTLINES with MOST_CORNERS together, and their tolerance.

    width, height: of the raster that the mask covers, in whose pixels corners and tolerance are. The outlines run half a
    pixel of the mask outside of it, so that a line drawn along them hides nothing inside.
    """
    around = cv2.dilate(np.pad(mask, 2).astype(np.uint8), np.ones((3, 3), np.uint8))
    found, _ = cv2.findContours(around, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contours = sorted(found, key=lambda contour: -cv2.contourArea(contour))[:MOST_OUTLINES]
    deviation = DEVIATION
    simple = [_simplified(contour, deviation) for contour in contours]
    while sum(map(len, simple)) > MOST_CORNERS:
        deviation *= COARSER
        simple = [_simplified(contour, deviation) for contour in contours]
    across, down = width / mask.shape[1], height / mask.shape[0]
    # From the contour to a pixel of the mask it is half a diagonal, and as much to the next whole pixel of the raster.
    bound = (2 * deviation + HALF_DIAGONAL) * max(across, down) + HALF_DIAGONAL
    return tuple(_scaled(corners, across, down, width, height) for corners in simple), math.ceil(10 * bound) / 10


def _simplified(contour: NDArray[np.integer | np.floating], deviation: float) -> NDArray[np.float64]:
    """Return (n, 2) corners, n at least 3, of a polygon from which no point of the contour is further than twice deviation.

    Douglas and Peucker's algorithm keeps to the deviation itself; OpenCV's removes further corners at the end.
    """
    corners = cv2.approxPolyDP(contour, deviation, closed=True).reshape(-1, 2).astype(np.float64)
    if len(corners) >= 3:
        return corners
    first, last = complex(*corners[0]), complex(*corners[-1])  # of something thin: the line gets an edge around it
    along = deviation * ((last - first) / abs(last - first) if last != first else 1)
    edge = (first - along * (1 + 1j), last + along * (1 - 1j), last + along * (1 + 1j), first - along * (1 - 1j))
    return np.array([(corner.real, corner.imag) for corner in edge])


def _scaled(
    corners: NDArray[np.float64], across: float, down: float, width: int, height: int
) -> tuple[tuple[int, int], ...]:
    """Return corners in a padded mask, counted from the middle of its first pixel, as corners in the raster."""
    scaled = np.rint((corners - 2 + 0.5) * (across, down))
    return tuple((min(max(int(x), 0), width), min(max(int(y), 0), height)) for x, y in scaled)


def spread_out(places: NDArray[np.complex128], most: int, apart: float) -> list[int]:
    """Return which of (n,) complex places to keep: at most `most`, and none closer than `apart` to another.

    The first is in the middle, and each further one is the place furthest from all before. No place is therefore further
    from a kept one than the kept ones are from each other, unless no more may be kept than the first.
    """
    if not len(places):
        return []
    middle = complex(np.median(places.real), np.median(places.imag))
    kept = [int(np.abs(places - middle).argmin())]
    distance = np.abs(places - places[kept[0]])
    while len(kept) < most and distance.max() >= apart:
        kept.append(int(distance.argmax()))
        distance = np.minimum(distance, np.abs(places - places[kept[-1]]))
    return kept
