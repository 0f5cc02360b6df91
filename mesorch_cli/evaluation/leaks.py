"""Properties that separate tampered from authentic files without the picture. They void image figures of a set.

The published example: on CASIA v1 the JPEG quantisation tables alone reach an image AUC of .997.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mesorch_cli.evaluation.calibration import FOLDS, folds
from mesorch_cli.evaluation.detection_curve import detection_curve
from mesorch_cli.evidence.photo import Photo

SEED = 1
PRIOR = 1.0  # pseudo-count of photos of each class for every value
NOTABLE = 0.7  # AUC from which a property of the file is called a leak
FEWEST = 10  # photos per class: with fewer, an AUC says nothing


@dataclass(frozen=True)
class FileFacts:
    """A file's properties besides its pixels: quantisation tables, raster size, bits per pixel, and metadata."""

    tables: str
    raster: str
    metadata: str
    bits_per_pixel: float

    @classmethod
    def of(cls, photo: Photo) -> "FileFacts":
        jpeg = photo.metadata.get("jpeg") or {}
        decode = photo.decode
        present = sorted(name for name, value in photo.metadata.items() if value and name not in {"jpeg", "notes"})
        software = photo.metadata.get("software") or ""
        return cls(
            tables=f"{decode.format} {jpeg.get('subsampling', '')} {jpeg.get('quantisation', '')}",
            raster=f"{decode.width} x {decode.height}",
            metadata=f"{', '.join(present)}; {software}",
            bits_per_pixel=8 * photo.size_bytes / (decode.width * decode.height),
        )


@dataclass(frozen=True)
class Leak:
    """How well one property of the files separates the classes: AUC 0.5 means not at all, 1 completely."""

    of: str
    auc: float

    @property
    def notable(self) -> bool:
        return self.auc >= NOTABLE


def leaks(facts: Sequence[FileFacts], tampered: Sequence[bool]) -> list[Leak]:
    """Return the leaks of a set; an empty list with fewer than 10 photos in a class.

    A categorical property (tables, raster, metadata) scores a photo by the share of tampered ones among photos of the
    other folds with the same value, so that no photo scores itself. Bits per pixel count in either direction.
    """
    truth = np.asarray(tampered, bool)
    if min(truth.sum(), (~truth).sum()) < FEWEST:
        return []
    fold = folds(truth, SEED)
    result = []
    for name, values in {
        "quantisation tables": [one.tables for one in facts],
        "size of the raster": [one.raster for one in facts],
        "metadata": [one.metadata for one in facts],
    }.items():
        result.append(Leak(name, detection_curve(_by_value(values, truth, fold), truth).auc))
    density = detection_curve(np.array([one.bits_per_pixel for one in facts]), truth).auc
    result.append(Leak("bits per pixel", max(density, 1 - density)))
    return result


def _by_value(
    values: Sequence[str],
    truth: np.ndarray[tuple[int], np.dtype[np.bool_]],
    fold: np.ndarray[tuple[int], np.dtype[np.intp]],
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    score = np.empty(truth.size)
    for number in range(FOLDS):
        others = fold != number
        seen = Counter(value for value, other in zip(values, others, strict=True) if other)
        forged = Counter(value for value, other, true in zip(values, others, truth, strict=True) if other and true)
        for place in np.flatnonzero(~others).tolist():  # an unseen value scores the same in every fold
            value = values[place]
            score[place] = (forged[value] + PRIOR) / (seen[value] + 2 * PRIOR)
    return score
