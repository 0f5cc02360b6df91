"""Connected parts of the map above the threshold, as an examiner would list them."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.storage import allocate

SMALLEST_SHARE = 0.0002  # of the photo; smaller specks are noise in the map, not findings
SMALLEST_PIXELS = 16
MOST_LISTED = 50
WEAK_MEAN = 0.2  # a region with a lower mean is weak: listed last, drawn dimmer and without a number


@dataclass(frozen=True)
class Region:
    """One connected region (8 neighbours), in pixels of the stored raster.

    share: of the photo's area. mean, peak: of the map inside, 0..1.
    """

    x: int
    y: int
    width: int
    height: int
    area_px: int
    share: float
    centroid_x: float
    centroid_y: float
    mean: float
    peak: float

    @property
    def weak(self) -> bool:
        return self.mean < WEAK_MEAN


def components(above: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float64]]:
    """Return the connected parts of a mask (8 neighbours): labels (H, W), 0 outside; OpenCV's statistics; centroids."""
    labels: NDArray[np.int32] = allocate(above.shape, np.int32)
    _, _, stats, centroids = cv2.connectedComponentsWithStats(
        above.view(np.uint8), labels, connectivity=8, ltype=cv2.CV_32S
    )
    return labels, np.asarray(stats), np.asarray(centroids)


def find_regions(map_: NDArray[np.float32], threshold: float) -> tuple[tuple[Region, ...], int]:
    """Return the regions where the map exceeds the threshold, by weight and weak ones last, and their total number.

    At most MOST_LISTED are returned; specks below SMALLEST_SHARE of the photo and SMALLEST_PIXELS are ignored.
    """
    above = np.greater(map_, np.float32(threshold), out=allocate(map_.shape, np.bool_))
    labels, stats, centroids = components(above)
    smallest = max(SMALLEST_PIXELS, round(SMALLEST_SHARE * map_.size))
    regions = []
    for label in range(1, len(stats)):
        x, y, width, height, area = (int(value) for value in stats[label])
        if area < smallest:
            continue
        box = np.s_[y : y + height, x : x + width]
        inside = map_[box][labels[box] == label]
        regions.append(
            Region(
                x,
                y,
                width,
                height,
                area,
                area / map_.size,
                round(float(centroids[label][0]), 2),
                round(float(centroids[label][1]), 2),
                float(inside.mean(dtype=np.float64)),
                float(inside.max()),
            )
        )
    regions.sort(key=lambda region: (region.weak, -region.area_px * region.mean, region.y, region.x))
    return tuple(regions[:MOST_LISTED]), len(regions)
