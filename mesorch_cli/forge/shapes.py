"""Shapes and places of forged regions. Nothing here prefers the centre of a photo: position must be worth nothing."""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

SMALLEST_SIDE = 12  # pixels of a region's box
FULL_BOX_SHARE, ELLIPSE_SHARE, POLYGON_SHARE = 0.12, 0.18, 0.2  # the rest are organic outlines
HARMONICS = 6
OUTLINE_POINTS = 72


def region_box(rng: np.random.Generator, height: int, width: int, area_range: tuple[float, float]) -> tuple[int, int]:
    """Return (height, width) of a region's box; the area is log-uniform over `area_range`, shares of the photo.

    More than half of the draws come from the middle of that range (on a log scale), where most real edits lie.
    """
    low, high = np.log(area_range[0]), np.log(area_range[1])
    if rng.random() < 0.6:
        low, high = low + 0.3 * (high - low), high - 0.1 * (high - low)
    area = float(np.exp(rng.uniform(low, high)))
    aspect = float(np.exp(rng.normal(0.0, 0.4)))
    side = float(np.sqrt(area * height * width * 1.5))  # an outline fills about two thirds of its box
    tall, wide = side * aspect, side / aspect
    return int(np.clip(tall, SMALLEST_SIDE, 0.95 * height)), int(np.clip(wide, SMALLEST_SIDE, 0.95 * width))


def outline(rng: np.random.Generator, height: int, width: int) -> Mask:
    """Return a region that fills a box of (height, width): a rectangle, an ellipse, a polygon or an organic blob."""
    mask = np.zeros((height, width), np.uint8)
    kind = rng.random()
    if kind < FULL_BOX_SHARE:
        mask[:] = 1
        return mask > 0
    if kind < FULL_BOX_SHARE + ELLIPSE_SHARE:
        cv2.ellipse(mask, (width // 2, height // 2), (int(width * 0.48), int(height * 0.48)), 0, 0, 360, 1, -1)
        return mask > 0
    if kind < FULL_BOX_SHARE + ELLIPSE_SHARE + POLYGON_SHARE:
        corners = int(rng.integers(3, 9))
        angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + rng.uniform(0, 2 * np.pi)
        radius = rng.uniform(0.5, 1.0, corners)
    else:
        angle = np.linspace(0, 2 * np.pi, OUTLINE_POINTS, endpoint=False)
        radius = np.ones(OUTLINE_POINTS)
        for order in range(1, HARMONICS + 1):
            radius += rng.normal(0, 0.35 / order) * np.cos(order * angle + rng.uniform(0, 2 * np.pi))
        radius = np.maximum(radius, 0.2)
    radius = radius / radius.max()
    points = np.stack(
        [width / 2 + radius * np.cos(angle) * width * 0.49, height / 2 + radius * np.sin(angle) * height * 0.49], axis=1
    )
    cv2.fillPoly(mask, [points.astype(np.int32)], 1)
    return mask > 0


def place(rng: np.random.Generator, height: int, width: int, box_height: int, box_width: int) -> tuple[int, int]:
    """Return (y, x) of a box's corner in a photo, uniform; three in ten may hang over the photo's border by a third."""
    if rng.random() < 0.3:
        over_y, over_x = box_height // 3, box_width // 3
    else:
        over_y = over_x = 0
    return (
        int(rng.integers(-over_y, max(1, height - box_height + over_y + 1))),
        int(rng.integers(-over_x, max(1, width - box_width + over_x + 1))),
    )
