"""The two ways to compare a map with a mask: as published, at 512 x 512, and at the mask's own pixels."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evaluation.metrics import Confusion, confusion, counts_above, ranking
from mesorch_cli.evidence.photo import Pixels

PAPER_SIDE = 512  # pixels; the published protocol squashes every photo and mask to this
PAPER_EPSILON = 1e-8
# Curves are counted at these thresholds: even steps, finer at the ends, where most pixels of most photos are.
ENDS = np.array([0.0002, 0.0005, 0.001, 0.002, 0.003])
THRESHOLDS: NDArray[np.float64] = np.concatenate([ENDS, np.arange(1, 200) / 200, 1 - ENDS[::-1]])
ASPECT_TOLERANCE = 0.01  # of a side: a mask may be a scaled version of its photo's raster, but no other picture

ProtocolName = Literal["native", "paper"]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class PixelFigures:
    """One map against one mask.

    counts: at the given threshold. auc, average_precision: rank-based; nan where a class is absent.
    true_positive, false_positive: at each of THRESHOLDS. scored, tampered: pixels. permuted_f1: the larger F1 of the
    decision and its opposite, or None if not wanted. It uses the truth and therefore flatters.
    """

    counts: Confusion
    auc: float
    average_precision: float
    true_positive: tuple[int, ...]
    false_positive: tuple[int, ...]
    scored: int
    tampered: int
    permuted_f1: float | None = None

    def counts_at(self, place: int) -> Confusion:
        """Return the counts at THRESHOLDS[place]."""
        true_positive, false_positive = self.true_positive[place], self.false_positive[place]
        return Confusion(
            true_positive,
            false_positive,
            self.tampered - true_positive,
            self.scored - self.tampered - false_positive,
        )


@dataclass(frozen=True)
class Protocol:
    """How maps are compared with masks.

    native: at the mask's own pixels; a map of another size is stretched bilinearly. paper: photo and mask squashed to
    512 x 512 (mask by nearest neighbour), one reference pass, F1 and IoU with the published epsilon. no_score_band:
    pixels on either side of the mask's outline that are not scored, as hand-drawn outlines are inexact; native only.
    permuted: also the permuted F1. Raises UsageError for a band under `paper`.
    """

    name: ProtocolName = "native"
    no_score_band: int = 0
    permuted: bool = False

    def __post_init__(self) -> None:
        if self.no_score_band < 0:
            raise UsageError(f"A no-score band of {self.no_score_band} pixels is impossible. Expected 0 or more.")
        if self.name == "paper" and self.no_score_band:
            raise UsageError("The paper protocol scores every pixel. Use --no-score-band with the native protocol.")

    def prepared(self, pixels: Pixels) -> Pixels:
        """Return the pixels for the engine: (H, W, 3), or (512, 512, 3) under `paper`."""
        if self.name == "native":
            return pixels
        return cv2.resize(pixels, (PAPER_SIDE, PAPER_SIDE), interpolation=cv2.INTER_LINEAR)  # type: ignore[return-value]

    def compare(self, map_: NDArray[np.float32], mask: Mask, threshold: float) -> PixelFigures:
        """Compare the engine's map of `prepared` pixels with the mask (H, W) in its file.

        Raises InputError for a mask whose sides do not fit the map's.
        """
        if self.name == "paper":
            mask = _resized(mask, PAPER_SIDE, PAPER_SIDE)
        elif map_.shape != mask.shape:
            map_ = _fitted(map_, mask)
        if self.no_score_band:
            kept = scored_pixels(mask, self.no_score_band)
            map_, mask = map_[kept], mask[kept]
        ranks = ranking(map_, mask)
        true_positive, false_positive = counts_above(map_, mask, THRESHOLDS)
        counts = confusion(map_, mask, threshold)
        return PixelFigures(
            counts=counts,
            auc=ranks.auc,
            average_precision=ranks.average_precision,
            true_positive=tuple(true_positive.tolist()),
            false_positive=tuple(false_positive.tolist()),
            scored=mask.size,
            tampered=int(np.count_nonzero(mask)),
            permuted_f1=max(self.f1(counts), self.f1(counts.complement)) if self.permuted else None,
        )

    def f1(self, counts: Confusion) -> float:
        """Return F1: exactly, or under `paper` with the published epsilon (an empty mask gives 0 there)."""
        if self.name == "native":
            return counts.f1
        precision = counts.true_positive / (counts.true_positive + counts.false_positive + PAPER_EPSILON)
        recall = counts.true_positive / (counts.true_positive + counts.false_negative + PAPER_EPSILON)
        return 2 * precision * recall / (precision + recall + PAPER_EPSILON)

    def iou(self, counts: Confusion) -> float:
        """Return IoU: exactly, or under `paper` with the published epsilon."""
        if self.name == "native":
            return counts.iou
        union = counts.true_positive + counts.false_positive + counts.false_negative
        return counts.true_positive / (union + PAPER_EPSILON)


def scored_pixels(mask: Mask, band: int) -> Mask:
    """Return where a mask is scored: not within `band` pixels of its outline (square neighbourhood).

    If nothing of a small mask would be left, it is scored whole, but the band outside it is still left out.
    """
    size = 2 * band + 1
    # A separable filter, whose cost does not grow with the square of the band.
    plain = mask.astype(np.uint8)
    kernel = np.ones((1, size), np.uint8), np.ones((size, 1), np.uint8)
    grown, shrunk = plain, plain
    for part in kernel:
        grown = cv2.dilate(grown, part).astype(np.uint8)
        shrunk = cv2.erode(shrunk, part).astype(np.uint8)
    inside = shrunk > 0 if shrunk.any() else mask
    return np.asarray(inside | (grown == 0))


def _resized(mask: Mask, height: int, width: int) -> Mask:
    return cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0


def _fitted(map_: NDArray[np.float32], mask: Mask) -> NDArray[np.float32]:
    (height, width), (mask_height, mask_width) = map_.shape, mask.shape
    expected = width * mask_height / height
    if abs(expected - mask_width) > max(2.0, ASPECT_TOLERANCE * mask_width):
        turned = (
            " The sides are swapped: one of the two was turned." if (mask_width, mask_height) == (height, width) else ""
        )
        raise InputError(
            f"The mask has {mask_width} x {mask_height} pixels, its photo {width} x {height}. Expected the same shape."
            f"{turned} Make the mask again on the stored raster.",
            reason="mask of another shape",
        )
    return np.asarray(cv2.resize(map_, (mask_width, mask_height), interpolation=cv2.INTER_LINEAR), np.float32)
