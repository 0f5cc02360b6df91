"""Shapes, areas and places of forged regions. Nothing favours the photo's centre: position must tell nothing."""

from collections.abc import Collection

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]

SMALLEST_SIDE = 12  # pixels of a region's box
LARGER_OFTEN = 0.75  # power of the uniform draw of areas; 1 would make every doubling equally common
LONGEST_SIDE = 0.95  # of the photo's
RECTANGLE_SHARE, ELLIPSE_SHARE, POLYGON_SHARE = 0.06, 0.12, 0.14  # the rest are organic outlines
HARMONICS = 6
OUTLINE_POINTS = 72
INSIDE_SHARE = 0.5  # of places anywhere inside the photo; the others are drawn towards its borders
OVERHANG = 0.3  # share of a box's side that may lie outside the photo
BORDER_PULL = 0.45  # parameter of the symmetric beta distribution of places: below 1 it favours both ends
PLACES_TRIED = 8  # for a region that should be off a photo's objects
HARDLY_COVERED = 0.05  # of such a region
HORIZONS = ("above", "below", "left", "right")
SNAP_BAND = 0.16  # of a region's smaller side: how far its outline may move to find an edge of the picture


def drawn_area(rng: np.random.Generator, area_range: tuple[float, float]) -> float:
    """Return a share of the photo within the range.

    On a logarithmic scale, the larger end is drawn somewhat more often: in 0.001..0.6, half are above 0.045, as among
    forgeries made by people.
    """
    low, high = area_range
    return float(low * (high / low) ** (rng.random() ** LARGER_OFTEN))


def outline(rng: np.random.Generator) -> tuple[Points, str]:
    """Return a star-shaped outline, (N, 2) as x and y in -1..1, and its kind."""
    kind = rng.random()
    if kind < RECTANGLE_SHARE:
        return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float), "rectangle"
    if kind < RECTANGLE_SHARE + ELLIPSE_SHARE:
        angle = np.linspace(0, 2 * np.pi, OUTLINE_POINTS, endpoint=False)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1), "ellipse"
    if kind < RECTANGLE_SHARE + ELLIPSE_SHARE + POLYGON_SHARE:
        corners = int(rng.integers(4, 9))
        angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(0, 2 * np.pi)
        radius, name = rng.uniform(0.5, 1.0, corners), "polygon"
    else:
        angle = np.linspace(0, 2 * np.pi, OUTLINE_POINTS, endpoint=False)
        radius, name = np.ones(OUTLINE_POINTS), "organic"
        for order in range(1, HARMONICS + 1):
            radius += rng.normal(0, 0.35 / order) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
        radius = np.maximum(radius, 0.2)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    low, high = points.min(axis=0), points.max(axis=0)
    stretched: Points = (points - low) / (high - low) * 2 - 1
    return stretched, name


def region(
    rng: np.random.Generator, height: int, width: int, share: float, silhouette: Mask | None = None
) -> tuple[Mask, str]:
    """Return a region of about `share` of a (height, width) photo in a box of its own, and the kind of its outline.

    silhouette: the mask of an object, filling its box; then the region has the shape of it.
    """
    if silhouette is not None:
        return _shaped_like(rng, height, width, share, silhouette), "silhouette"
    points, name = outline(rng)
    x, y = points.T
    filled = (
        abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 8
    )  # of its box, by the shoelace formula
    aspect = float(np.exp(rng.normal(0.0, 0.4)))
    side = float(np.sqrt(share * height * width / filled))
    most = (LONGEST_SIDE * height, LONGEST_SIDE * width)
    tall, wide = side * aspect, side / aspect
    if tall > most[0]:
        tall, wide = most[0], wide * tall / most[0]
    if wide > most[1]:
        wide, tall = most[1], tall * wide / most[1]
    box = np.array([np.clip(wide, SMALLEST_SIDE, most[1]), np.clip(tall, SMALLEST_SIDE, most[0])]).round().astype(int)
    mask = np.zeros((box[1], box[0]), np.uint8)
    cv2.fillPoly(mask, [((points + 1) / 2 * (box - 1)).round().astype(np.int32)], 1)
    return mask > 0, name


def _shaped_like(rng: np.random.Generator, height: int, width: int, share: float, silhouette: Mask) -> Mask:
    rows, columns = silhouette.shape
    factor = float(np.sqrt(share * height * width / max(1, int(silhouette.sum()))))
    factor = min(factor, LONGEST_SIDE * height / rows, LONGEST_SIDE * width / columns)
    size = (max(SMALLEST_SIDE, round(columns * factor)), max(SMALLEST_SIDE, round(rows * factor)))
    size = (min(size[0], width), min(size[1], height))
    shaped = silhouette[:, ::-1] if rng.random() < 0.5 else silhouette
    return np.asarray(cv2.resize(shaped.astype(np.float32), size, interpolation=cv2.INTER_LINEAR) > 0.5)


def place(
    rng: np.random.Generator, height: int, width: int, box: tuple[int, int], cut: Collection[str] = ()
) -> tuple[int, int]:
    """Return (y, x) of the corner of a box (rows, columns) in a photo; the box may hang over the photo's border.

    Half of them lie anywhere inside; the others are drawn towards the borders, since a large region that must lie
    inside would cover the centre every time. A side named in `cut` is put at the photo's border of that name.
    """
    inside = rng.random() < INSIDE_SHARE
    found = []
    for length, side, low, high in ((height, box[0], "top", "bottom"), (width, box[1], "left", "right")):
        over = 0.0 if inside else OVERHANG * side
        first, last = -over, length - side + over
        share = rng.uniform() if inside else rng.beta(BORDER_PULL, BORDER_PULL)
        at = first + (last - first) * share if last > first else (length - side) / 2
        if high in cut:
            at = length - side + rng.uniform(0, 0.12) * side
        elif low in cut:
            at = -rng.uniform(0, 0.12) * side
        found.append(round(at))
    return found[0], found[1]


def place_off(rng: np.random.Generator, mask: Mask, avoided: Mask | None, height: int, width: int) -> tuple[int, int]:
    """Return (y, x) of a region's box inside a photo: the first of several places off `avoided`, or least on it."""
    best: tuple[float, int, int] | None = None
    for _ in range(1 if avoided is None else PLACES_TRIED):
        y = int(rng.integers(0, height - mask.shape[0] + 1))
        x = int(rng.integers(0, width - mask.shape[1] + 1))
        if avoided is None:
            return y, x
        covered = avoided[y : y + mask.shape[0], x : x + mask.shape[1]] & mask
        found = (float(covered.sum() / max(1, int(mask.sum()))), y, x)
        best = found if best is None else min(best, found)
        if best[0] <= HARDLY_COVERED:
            break
    assert best is not None
    return best[1:]


def beyond_horizon(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Return all of a photo (H, W) on one side of a wavy line across it: mostly what is above, as a sky."""
    side = HORIZONS[int(rng.choice(len(HORIZONS), p=(0.6, 0.14, 0.13, 0.13)))]
    along, across = (width, height) if side in ("above", "below") else (height, width)
    x = np.arange(along) / along
    line = np.full(along, rng.uniform(0.2, 0.75)) + rng.normal(0, 0.08) * (x - 0.5)
    for order in range(1, HARMONICS + 1):
        line += rng.normal(0, 0.014 / order) * np.cos(2 * np.pi * order * x + rng.uniform(0, 2 * np.pi))
    mask = np.arange(across)[:, None] < line[None] * across
    if side in ("below", "right"):
        mask = mask[::-1]
    return np.ascontiguousarray(mask if side in ("above", "below") else mask.T)


def snapped(pixels: NDArray[np.uint8], mask: Mask) -> Mask:
    """Return a region whose outline was moved, within a narrow band, to the edges of the picture it lies in.

    Done by watershed from the region's core and from outside of it; the core always stays, the outside never joins. A
    region that reaches the border of the picture mostly still does.
    """
    inner = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    outer = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 3) if not mask.all() else np.zeros_like(inner)
    band = SNAP_BAND * min(mask.shape)
    markers = np.zeros(mask.shape, np.int32)
    markers[inner > min(band, 0.6 * float(inner.max()))] = 1
    markers[outer > band] = 2
    border = np.ones(mask.shape, np.bool_)
    border[1:-1, 1:-1] = False
    markers[border & ~mask] = 2
    # The watershed never gives a border pixel to a region, so there is one more pixel around.
    around = cv2.copyMakeBorder(pixels, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    grown = cv2.watershed(around, np.pad(markers, 1, "edge"))
    return np.asarray(grown[1:-1, 1:-1] == 1)


def window_of(mask: Mask, margin: int = 0) -> tuple[slice, slice] | None:
    """Return the smallest window around a mask, `margin` pixels larger if there is room; None if it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if rows.size == 0:
        return None
    return (
        slice(max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin),
        slice(max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin),
    )
