"""Pixel metrics of one photo. Counts are int64 and sums float64, whatever the size of the photo."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Confusion:
    """Pixels by truth and decision; a pixel is decided tampered where its probability exceeds the threshold."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); 0 where the mask is empty and something was found, nan where both are empty."""
        denominator = 2 * self.true_positive + self.false_positive + self.false_negative
        return 2 * self.true_positive / denominator if denominator else float("nan")

    @property
    def iou(self) -> float:
        """TP / (TP + FP + FN); nan where mask and decision are both empty."""
        union = self.true_positive + self.false_positive + self.false_negative
        return self.true_positive / union if union else float("nan")


def confusion(probability: NDArray[np.float32], mask: NDArray[np.bool_], threshold: float) -> Confusion:
    """Count pixels of `probability > threshold` (strictly, as the published protocol) against the mask."""
    decided = probability > threshold
    true_positive = int(np.count_nonzero(decided & mask))
    found, tampered = int(np.count_nonzero(decided)), int(np.count_nonzero(mask))
    return Confusion(
        true_positive, found - true_positive, tampered - true_positive, mask.size - found - tampered + true_positive
    )


def pixel_auc(score: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve, ties counted half (Mann-Whitney); nan if one class is absent.

    score, truth: one-dimensional, of one length; a larger score means rather tampered.
    """
    positives = int(np.count_nonzero(truth))
    negatives = truth.size - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    values, group = np.unique(score, return_inverse=True)
    positive = np.bincount(group[truth], minlength=values.size).astype(np.int64)
    negative = np.bincount(group[~truth], minlength=values.size).astype(np.int64)
    below = np.cumsum(negative) - negative
    wins = float((positive * below).sum(dtype=np.float64) + 0.5 * (positive * negative).sum(dtype=np.float64))
    return wins / (positives * negatives)


def f1_curve(
    probability: NDArray[np.float32], mask: NDArray[np.bool_], thresholds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the F1 of `probability > threshold` for every one of the rising thresholds, as `confusion` defines it."""
    passed = np.searchsorted(thresholds, probability.ravel(), side="left")  # how many thresholds a pixel exceeds
    truth = mask.ravel()
    bins = thresholds.size + 1

    def above(values: NDArray[np.intp]) -> NDArray[np.int64]:
        counts = np.bincount(values, minlength=bins).astype(np.int64)
        return np.cumsum(counts[::-1])[::-1][1:]

    true_positive, found = above(passed[truth]), above(passed)
    denominator = found + int(np.count_nonzero(truth))
    f1: NDArray[np.float64] = np.full(thresholds.size, np.nan)
    np.divide(2.0 * true_positive, denominator, out=f1, where=denominator > 0)
    return f1
