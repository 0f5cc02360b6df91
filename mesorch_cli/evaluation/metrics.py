"""Pixel metrics of one photo. Counts are int64 and sums float64, whatever the size of the photo."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Confusion:
    """Pixels by truth and decision; a pixel is decided tampered where the map exceeds the threshold."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN); 0 where the mask is empty and something was found, nan where both are empty."""
        return _ratio(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)

    @property
    def iou(self) -> float:
        """TP / (TP + FP + FN); nan where mask and decision are both empty."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive + self.false_negative)

    @property
    def precision(self) -> float:
        """TP / (TP + FP); nan where nothing was found."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive)

    @property
    def recall(self) -> float:
        """TP / (TP + FN); nan where the mask is empty."""
        return _ratio(self.true_positive, self.true_positive + self.false_negative)

    @property
    def false_positive_rate(self) -> float:
        """FP / (FP + TN); nan where the mask is full."""
        return _ratio(self.false_positive, self.false_positive + self.true_negative)

    @property
    def accuracy(self) -> float:
        """(TP + TN) / pixels; nan without pixels."""
        return _ratio(
            self.true_positive + self.true_negative,
            self.true_positive + self.true_negative + self.false_positive + self.false_negative,
        )

    @property
    def mcc(self) -> float:
        """Matthews correlation, -1..1; 0 where mask or decision is empty or full, as in scikit-learn."""
        factors = (
            self.true_positive + self.false_positive,
            self.true_positive + self.false_negative,
            self.true_negative + self.false_positive,
            self.true_negative + self.false_negative,
        )
        if not all(factors):
            return 0.0
        covariance = self.true_positive * self.true_negative - self.false_positive * self.false_negative
        return covariance / math.sqrt(math.prod(factors))  # whole numbers up to here: nothing overflows in Python

    @property
    def complement(self) -> "Confusion":
        """The counts of the opposite decision."""
        return Confusion(self.false_negative, self.true_negative, self.true_positive, self.false_positive)


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else math.nan


def confusion(map_: NDArray[np.float32], mask: NDArray[np.bool_], threshold: float) -> Confusion:
    """Count pixels of `map_ > threshold` (strictly, as the published protocol) against the mask."""
    decided = map_ > threshold
    true_positive = int(np.count_nonzero(decided & mask))
    found, tampered = int(np.count_nonzero(decided)), int(np.count_nonzero(mask))
    return Confusion(
        true_positive, found - true_positive, tampered - true_positive, mask.size - found - tampered + true_positive
    )


@dataclass(frozen=True)
class Ranking:
    """Scores in falling order, ties joined: the numbers of positives and negatives at or above each distinct score.

    true_positive, false_positive: int64, rising, one value per distinct score. The last ones are the totals.
    """

    true_positive: NDArray[np.int64]
    false_positive: NDArray[np.int64]

    @property
    def auc(self) -> float:
        """Area under the ROC curve, ties counted half (Mann-Whitney); nan if one class is absent."""
        if not self.true_positive.size or not self.true_positive[-1] or not self.false_positive[-1]:
            return math.nan
        before = np.concatenate([np.zeros(1, np.int64), self.true_positive[:-1]])
        steps = np.diff(self.false_positive, prepend=0)
        area = (steps * (before + self.true_positive)).sum(dtype=np.float64) / 2.0
        return float(area / (float(self.true_positive[-1]) * float(self.false_positive[-1])))

    @property
    def average_precision(self) -> float:
        """Sum over distinct scores of precision times the rise in recall; nan without positives."""
        if not self.true_positive.size or not self.true_positive[-1]:
            return math.nan
        precision = self.true_positive / (self.true_positive + self.false_positive)
        rise = np.diff(self.true_positive, prepend=0)
        return float((precision * rise).sum(dtype=np.float64) / float(self.true_positive[-1]))


def ranking(score: NDArray[np.floating], truth: NDArray[np.bool_]) -> Ranking:
    """Rank scores. `score` and `truth` have one shape, and a larger score means more likely tampered."""
    order = np.argsort(score, axis=None)[::-1]
    values, positive = score.ravel()[order], truth.ravel()[order]
    last = np.append(values[1:] != values[:-1], True) if values.size else np.zeros(0, bool)
    true_positive = np.cumsum(positive, dtype=np.int64)[last]
    return Ranking(true_positive, np.flatnonzero(last).astype(np.int64) + 1 - true_positive)


def pixel_auc(score: NDArray[np.floating], truth: NDArray[np.bool_]) -> float:
    """Return the area under the ROC curve, ties counted half; nan if one class is absent."""
    return ranking(score, truth).auc


def counts_above(
    map_: NDArray[np.float32], mask: NDArray[np.bool_], thresholds: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return TP and FP of `map_ > threshold` for every one of the rising thresholds."""
    passed = np.searchsorted(thresholds, map_.ravel(), side="left")  # how many thresholds a pixel exceeds
    bins = thresholds.size + 1

    def above(values: NDArray[np.intp]) -> NDArray[np.int64]:
        counts = np.bincount(values, minlength=bins).astype(np.int64)
        return np.cumsum(counts[::-1])[::-1][1:]

    true_positive = above(passed[mask.ravel()])
    return true_positive, above(passed) - true_positive


def f1_curve(
    map_: NDArray[np.float32], mask: NDArray[np.bool_], thresholds: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the F1 of `map_ > threshold` for every one of the rising thresholds, as `confusion` defines it."""
    true_positive, false_positive = counts_above(map_, mask, thresholds)
    return f1_of_counts(true_positive, false_positive, int(np.count_nonzero(mask)))


def f1_of_counts(
    true_positive: NDArray[np.int64], false_positive: NDArray[np.int64], tampered: int
) -> NDArray[np.float64]:
    """Return 2 TP / (TP + FP + tampered), nan where that is 0 / 0."""
    denominator = true_positive + false_positive + tampered
    f1: NDArray[np.float64] = np.full(denominator.shape, np.nan)
    np.divide(2.0 * true_positive, denominator, out=f1, where=denominator > 0)
    return f1
