"""Recognisable points of a photo, and which of them look like another point of the same photo.

SIFT (Lowe 2004), compared by RootSIFT (Arandjelovic and Zisserman 2012); a point may have several counterparts, as in
the generalised nearest-neighbour test of Amerini et al. 2011. Coordinates are (x, y) in pixels of the searched picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

CONTRAST, EDGE = 0.015, 12.0  # SIFT's limits, with half its usual contrast, because skies and walls are copied, too
CELLS = 24  # cells a side into which the picture is divided, and over which points are spread evenly
MOST_POINTS = 4000
ROWS_AT_ONCE = 512  # of the table of similarities: 8 MB at the most points
CANDIDATES = 10  # nearest neighbours that are examined
SAME_PLACE = 8.0  # pixels: candidates closer than this are one place seen twice
RATIO = 0.8  # of distances: a counterpart is this much nearer than the next place
LEAST_SIMILARITY = 0.5  # cosine of two descriptors

Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Keypoints:
    """n points: place (n,) complex x + iy, size in pixels, angle in radians, descriptors (n, 128) of length 1."""

    place: NDArray[np.complex64]
    size: Vector
    angle: Vector
    descriptors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.place)


def find_keypoints(grey: NDArray[np.uint8]) -> Keypoints:
    """Find points in a grey picture (H, W), at most MOST_POINTS, the strongest of every part of it."""
    sift = cv2.SIFT.create(contrastThreshold=CONTRAST, edgeThreshold=EDGE)
    found = sift.detect(grey, None)
    found = [found[index] for index in spread(found, grey.shape)]
    found, descriptors = sift.compute(grey, found)
    if descriptors is None or not len(found):
        nothing = np.zeros(0, np.float32)
        return Keypoints(nothing.astype(np.complex64), nothing, nothing, np.zeros((0, 128), np.float32))
    rooted = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-9))
    values = np.array([(point.pt[0], point.pt[1], point.size, point.angle) for point in found], np.float32)
    place = (values[:, 0] + 1j * values[:, 1]).astype(np.complex64)
    return Keypoints(place, values[:, 2], np.deg2rad(values[:, 3]).astype(np.float32), rooted.astype(np.float32))


def spread(points: Sequence[cv2.KeyPoint], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return which points to keep, in their order: the strongest of each cell, as many per cell as the limit allows."""
    if len(points) <= MOST_POINTS:
        return np.arange(len(points))
    values = np.array([(point.pt[0], point.pt[1], point.response) for point in points], np.float64)
    cell = (values[:, 1] * CELLS // shape[0]).astype(int) * CELLS + (values[:, 0] * CELLS // shape[1]).astype(int)
    order = np.lexsort((np.arange(len(points)), -values[:, 2], cell))
    sorted_cells = cell[order]
    rank = np.arange(len(points)) - np.searchsorted(sorted_cells, sorted_cells)
    per_cell = np.cumsum(np.bincount(rank))
    deepest = int(np.searchsorted(per_cell, MOST_POINTS, side="right"))
    return np.sort(order[rank < max(1, deepest)])


def counterparts(points: Keypoints, apart: float) -> NDArray[np.intp]:
    """Return pairs (m, 2) of points that look alike and are at least `apart` pixels apart."""
    if len(points) < CANDIDATES + 1:
        return np.zeros((0, 2), np.intp)
    pairs = []
    for first in range(0, len(points), ROWS_AT_ONCE):
        rows = slice(first, min(first + ROWS_AT_ONCE, len(points)))
        similarity = points.descriptors[rows] @ points.descriptors.T
        similarity[np.abs(points.place[rows, None] - points.place[None, :]) < apart] = -1.0
        chosen = _chosen(similarity, points.place)
        chosen[:, 0] += first
        pairs.append(chosen)
    return np.concatenate(pairs)


def _chosen(similarity: NDArray[np.float32], place: NDArray[np.complex64]) -> NDArray[np.intp]:
    """Return (row, column) of counterparts: the nearest place, or the nearest two, if much nearer than the next."""
    rows = np.arange(len(similarity))
    near = np.argpartition(-similarity, CANDIDATES - 1, axis=1)[:, :CANDIDATES]
    near = np.take_along_axis(near, np.argsort(-np.take_along_axis(similarity, near, 1), axis=1, kind="stable"), 1)
    values = np.take_along_axis(similarity, near, 1)
    distance = np.sqrt(np.maximum(2.0 - 2.0 * values, 0.0))

    other = np.abs(place[near] - place[near[:, :1]]) >= SAME_PLACE
    second = np.where(other.any(axis=1), other.argmax(axis=1), CANDIDATES - 1)
    third_mask = other & (np.abs(place[near] - place[near[rows, second]][:, None]) >= SAME_PLACE)
    third = np.where(third_mask.any(axis=1), third_mask.argmax(axis=1), CANDIDATES - 1)

    real = values[:, 0] >= LEAST_SIMILARITY
    one = real & (distance[:, 0] < RATIO * distance[rows, second])
    two = real & ~one & (values[rows, second] >= LEAST_SIMILARITY)
    two &= distance[rows, second] < RATIO * distance[rows, third]
    return np.concatenate(
        [
            np.stack([rows[one], near[one, 0]], axis=1),
            np.stack([rows[two], near[two, 0]], axis=1),
            np.stack([rows[two], near[rows[two], second[two]]], axis=1),
        ]
    )
