"""Copies within a photo: a part that matches another part after a shift, rotation or scaling.

A copy-move may leave no other trace, as pasted and surrounding pixels share one history, but it matches its source.
Candidates come from points that look alike (`keypoints`, `movements`). Each is then compared with its counterpart pixel
by pixel. The windows of a house look alike, too, so everything must agree, including the fine grain.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.inference.witnesses.copies.keypoints import counterparts, find_keypoints
from mesorch_cli.inference.witnesses.copies.likeness import Grey, Windows, correlation, grain_of
from mesorch_cli.inference.witnesses.copies.movements import (
    TOLERANCE,
    Movement,
    distinct,
    moved_places,
    shared_movements,
)

LONGEST = 1280  # pixels; larger photos are shrunk, and a copy must be large enough to be seen there
APART = 0.03, 20.0  # share of the diagonal, and pixels; nearer points belong to the same thing and are no copy
WINDOW, GRAIN_WINDOW = 11, 15  # pixels a side, of the correlation of brightness and of grain
FLAT, GRAINLESS = 4.0, 0.5  # variances in grey levels squared below which a correlation says nothing
ALIKE, ALIKE_GRAIN = 0.7, 0.3  # correlations from which a pixel belongs to a copy
OPENING, CLOSING = 5, 15  # pixels
LEAST_INSIDE = 3  # matches that a part must contain
SAME_PAIR = 0.5  # intersection over union with an earlier one's counterpart: the same two parts, the other way round

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Features:
    """The measurements of a copy.

    matches: places inside that agree. brightness, grain: mean correlation over the part, -1..1. filled: share of the
    matches' hull that belongs to the part, 0..1. overlap: share of the part that its counterpart covers, 0..1. area:
    share of the picture. returned: whether the counterpart led back to the part.
    """

    matches: int
    brightness: float
    grain: float
    filled: float
    overlap: float
    area: float
    returned: bool


@dataclass(frozen=True)
class Copy:
    """Two matching parts of a photo. part, counterpart: (h, w) masks at the searched size.

    matrix: 2 x 3, takes (x, y, 1) of the part to the counterpart, in pixels of that size, counted from the middle of the
    first. This does not show which of the two was there first. source, target: (n,) complex places of points in part and
    counterpart that look alike, and which the matrix joins within TOLERANCE.
    """

    part: Mask
    counterpart: Mask
    matrix: NDArray[np.float64]
    features: Features
    source: NDArray[np.complex128]
    target: NDArray[np.complex128]

    @property
    def turn_degrees(self) -> float:
        return math.degrees(math.atan2(self.matrix[1, 0] - self.matrix[0, 1], self.matrix[0, 0] + self.matrix[1, 1]))

    @property
    def scale(self) -> float:
        return math.sqrt(abs(float(np.linalg.det(self.matrix[:, :2]))))


def find_copies(pixels: NDArray[np.unsignedinteger], doubled_below: int = 0) -> list[Copy]:
    """Find copies in (H, W, 3) RGB pixels of 8 or 16 bits, the best matched first.

    doubled_below: see `looked_at`. A picture that is narrower than the compared windows, as a very long photo is once it is
    shrunk, has none.
    """
    grey = looked_at(pixels, doubled_below)
    if min(grey.shape) < WINDOW:
        return []
    points = find_keypoints(grey)
    apart = max(APART[1], APART[0] * math.hypot(*grey.shape))
    pairs = counterparts(points, apart)
    if not len(pairs):
        return []
    searched = _Searched.of(grey.astype(np.float32))
    copies: list[Copy] = []
    for movement in shared_movements(points, pairs):
        found = verified(searched, movement)
        if found is not None and not _joined(copies, found):
            copies.append(found)
    return copies


def looked_at(pixels: NDArray[np.unsignedinteger], doubled_below: int = 0) -> NDArray[np.uint8]:
    """Return the grey picture (h, w) in which copies are searched: 8 bits, at most LONGEST pixels a side.

    doubled_below: a photo whose longest side has fewer pixels is searched at twice its size, up to LONGEST. Otherwise
    the compared windows would be as wide as a small copy is high, and few of its points would be found.
    """
    longest = max(pixels.shape[:2])
    factor = min(2.0 if longest < doubled_below else 1.0, LONGEST / longest)
    if factor < 1:
        size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    if pixels.dtype == np.uint16:
        pixels = pixels >> np.uint16(8)
    grey = cv2.cvtColor(pixels.astype(np.uint8, copy=False), cv2.COLOR_RGB2GRAY)
    if factor > 1:
        grey = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return np.asarray(grey, np.uint8)


@dataclass(frozen=True)
class _Searched:
    """The searched picture as every movement is compared with it."""

    brightness: Windows
    grain: Windows

    @classmethod
    def of(cls, picture: Grey) -> "_Searched":
        return cls(Windows.of(picture, WINDOW, FLAT), Windows.of(grain_of(picture), GRAIN_WINDOW, GRAINLESS))


def verified(searched: _Searched, movement: Movement) -> Copy | None:
    """Compare a picture with itself after a movement, pixel by pixel; None if nothing around the matches agrees."""
    picture = searched.brightness.picture
    height, width = picture.shape
    inside = _moved(np.ones((height, width), np.float32), movement, cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP) > 0
    moved = _Searched.of(_moved(picture, movement, cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, cv2.BORDER_REFLECT_101))
    likeness = correlation(searched.brightness, moved.brightness)
    grain = correlation(searched.grain, moved.grain)
    agreeing = ((likeness > ALIKE) & (grain > ALIKE_GRAIN) & inside).astype(np.uint8)
    alike = cv2.morphologyEx(agreeing, cv2.MORPH_OPEN, np.ones((OPENING, OPENING), np.uint8))
    alike = cv2.morphologyEx(alike, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (CLOSING, CLOSING)))

    _, labels = cv2.connectedComponents(alike)
    columns = np.clip(np.rint(movement.source.real).astype(int), 0, width - 1)
    rows = np.clip(np.rint(movement.source.imag).astype(int), 0, height - 1)
    at_matches = labels[rows, columns]
    kept = [
        label
        for label in np.unique(at_matches[at_matches > 0])
        if distinct(movement.source[at_matches == label]) >= LEAST_INSIDE
    ]
    if not kept:
        return None
    part = np.isin(labels, kept)
    counterpart = _moved(part.astype(np.float32), movement, cv2.INTER_NEAREST) > 0
    within = np.isin(at_matches, kept)
    measured = part & (likeness != 0)
    features = Features(
        matches=distinct(movement.source[within]),
        brightness=float(likeness[measured].mean()),
        grain=float(grain[measured].mean()),
        filled=_filled(part, columns[within], rows[within], likeness),
        overlap=float((part & counterpart).sum() / max(1, min(part.sum(), counterpart.sum()))),
        area=float(part.mean()),
        returned=False,
    )
    source, target = joined_places(part, counterpart, movement.matrix, movement.source, movement.target)
    return Copy(part, counterpart, movement.matrix, features, source, target)


def joined_places(
    part: Mask,
    counterpart: Mask,
    matrix: NDArray[np.float64],
    source: NDArray[np.complex128],
    target: NDArray[np.complex128],
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return the pairs of places that lie in part and counterpart, and which the matrix joins within TOLERANCE."""
    right = np.abs(moved_places(matrix, source) - target) < TOLERANCE
    right &= _inside(part, source) & _inside(counterpart, target)
    return source[right], target[right]


def _inside(mask: Mask, places: NDArray[np.complex128]) -> NDArray[np.bool_]:
    columns = np.clip(np.rint(places.real).astype(int), 0, mask.shape[1] - 1)
    rows = np.clip(np.rint(places.imag).astype(int), 0, mask.shape[0] - 1)
    return np.asarray(mask[rows, columns])


def _moved(picture: Grey, movement: Movement, how: int, border: int = cv2.BORDER_CONSTANT) -> Grey:
    """Return a picture moved on its own grid; `how` is OpenCV's."""
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(cv2.warpAffine(picture, movement.matrix, size, flags=how, borderMode=border), np.float32)


def _filled(part: Mask, columns: NDArray[np.intp], rows: NDArray[np.intp], likeness: Grey) -> float:
    """Return the share of the matches' hull, flat pixels apart, that belongs to the part."""
    hull = cv2.convexHull(np.stack([columns, rows], axis=1).astype(np.int32))
    drawn = cv2.fillConvexPoly(np.zeros(part.shape, np.uint8), hull, 1).astype(bool) & (likeness != 0)
    return float((drawn & part).sum() / max(1, drawn.sum()))


def _joined(copies: list[Copy], found: Copy) -> bool:
    """Return whether a copy leads back to the part of an earlier one, and note it."""
    for index, earlier in enumerate(copies):
        both = (earlier.counterpart & found.part).sum()
        if both > SAME_PAIR * (earlier.counterpart | found.part).sum():
            features = Features(**{**vars(earlier.features), "returned": True})
            part, counterpart = earlier.part | found.counterpart, earlier.counterpart | found.part
            source, target = (
                np.concatenate(places) for places in ((earlier.source, found.target), (earlier.target, found.source))
            )
            places = joined_places(part, counterpart, earlier.matrix, source, target)
            copies[index] = Copy(part, counterpart, earlier.matrix, features, *places)
            return True
    return False
