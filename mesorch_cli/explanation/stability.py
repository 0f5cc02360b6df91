"""Whether regions stay when the same photo is analysed in another way: grid moved, resized, saved again, mirrored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.evidence.isolation.isolated_reader import process_reader
from mesorch_cli.evidence.photo import Photo, eight_bits
from mesorch_cli.explanation.facts import KEPT, WITHIN, OutcomePart
from mesorch_cli.inference.detection import Detection
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.passes import Variation
from mesorch_cli.inference.regions import Region, components
from mesorch_cli.inference.tally import OnProgress

RESIZED = 0.98  # of each side
QUALITY = 90
LONGEST_JPEG = 65_500  # pixels; what libjpeg writes

Mask = NDArray[np.bool_]


class NotPossibleError(Exception):
    """A check that this photo does not allow; the text says why."""


@dataclass(frozen=True)
class Check:
    """One way to vary the analysis. run: gives the detection of the varied photo; raises NotPossibleError."""

    name: str
    title: str
    run: Callable[[Detector, Photo, Detection, OnProgress | None], Detection]


def _shifted(detector: Detector, photo: Photo, usual: Detection, on_progress: OnProgress | None) -> Detection:
    if usual.tiles + usual.tiles_left_out == len(usual.scales):
        raise NotPossibleError("one tile covers the photo, so there is no grid to move")
    return detector.detect(photo.pixels, on_progress, steps=photo.steps, variation=Variation(shifted=True))


def _resized(detector: Detector, photo: Photo, _usual: Detection, on_progress: OnProgress | None) -> Detection:
    height, width = photo.pixels.shape[:2]
    size = (max(1, round(width * RESIZED)), max(1, round(height * RESIZED)))
    smaller = np.asarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA), photo.pixels.dtype)
    return detector.detect(smaller, on_progress)


def _resaved(detector: Detector, photo: Photo, _usual: Detection, on_progress: OnProgress | None) -> Detection:
    if max(photo.pixels.shape[:2]) > LONGEST_JPEG:
        raise NotPossibleError(f"a JPEG has at most {LONGEST_JPEG} pixels a side")
    ok, data = cv2.imencode(".jpg", eight_bits(photo.pixels)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not ok:
        raise ValueError(f"pixels of {photo.pixels.shape} cannot be saved as JPEG")
    return detector.detect_photo(process_reader().read("resaved", data=data.tobytes()), on_progress)


def _mirrored(detector: Detector, photo: Photo, _usual: Detection, on_progress: OnProgress | None) -> Detection:
    return detector.detect(photo.pixels, on_progress, steps=photo.steps, variation=Variation(mirrored=True))


CHECKS = (
    Check("shifted", "Tile grid moved by half a tile", _shifted),
    Check("resized", f"Resized to {RESIZED:.0%}", _resized),
    Check("resaved", f"Saved at JPEG quality {QUALITY}", _resaved),
    Check("mirrored", "Mirrored", _mirrored),
)


@dataclass(frozen=True)
class RegionPixels:
    """The pixels of a region: a box of the photo, and which pixels of the box are the region's."""

    box: tuple[slice, slice]
    mask: Mask


def places_of(regions: Sequence[Region], above: Mask) -> list[RegionPixels]:
    """Return the pixels of regions that were found in the pixels above the threshold."""
    labels, stats, _ = components(above)
    of_stats: dict[tuple[int, ...], list[int]] = {}
    for label in range(1, len(stats)):
        of_stats.setdefault(tuple(stats[label].tolist()), []).append(label)
    places = []
    for region in regions:
        label = of_stats[region.x, region.y, region.width, region.height, region.area_px].pop(0)
        box = np.s_[region.y : region.y + region.height, region.x : region.x + region.width]
        places.append(RegionPixels(box, labels[box] == label))
    return places


def outcomes(places: Sequence[RegionPixels], above: Mask, again: Mask) -> list[OutcomePart]:
    """Return what is left of each region. above, again: pixels above the threshold before and now, of the photo's size."""
    labels, stats, _ = components(again)
    before = np.bincount(labels[above], minlength=len(stats))
    found = []
    for place in places:
        inside = labels[place.box][place.mask]
        patches = np.unique(inside[inside > 0])
        kept = float(np.count_nonzero(inside)) / inside.size
        area = int(stats[patches, cv2.CC_STAT_AREA].sum())
        within = float(before[patches].sum()) / area if area else 0.0
        survives = kept >= KEPT and within >= WITHIN
        found.append(OutcomePart(kept=round(kept, 4), within=round(within, 4), survives=survives))
    return found


def at_photo_size(map_: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Return a map at the photo's size."""
    if map_.shape == (height, width):
        return map_
    return cv2.resize(map_, (width, height), interpolation=cv2.INTER_LINEAR).astype(np.float32, copy=False)
