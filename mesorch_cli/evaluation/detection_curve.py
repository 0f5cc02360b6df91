"""How well one number per photo separates tampered from authentic photos."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DetectionCurve:
    """The ROC curve of an image score. Photos have weights, so that a bootstrap can reuse their order.

    true_positive, false_positive: float64, the weights at or above each distinct score, starting at (0, 0).
    """

    true_positive: NDArray[np.float64]
    false_positive: NDArray[np.float64]

    @property
    def true_positive_rate(self) -> NDArray[np.float64]:
        return np.asarray(self.true_positive / self.true_positive[-1])

    @property
    def false_positive_rate(self) -> NDArray[np.float64]:
        return np.asarray(self.false_positive / self.false_positive[-1])

    @property
    def defined(self) -> bool:
        """Whether both classes are present."""
        return bool(self.true_positive[-1] > 0 and self.false_positive[-1] > 0)

    @property
    def auc(self) -> float:
        """Area under the curve by trapezoids, which count ties half; nan if a class is absent."""
        if not self.defined:
            return math.nan
        return float(np.trapezoid(self.true_positive_rate, self.false_positive_rate))

    @property
    def average_precision(self) -> float:
        """Sum of precision times the rise in recall; nan if a class is absent."""
        if not self.defined:
            return math.nan
        found = (self.true_positive + self.false_positive)[1:]
        precision = np.divide(self.true_positive[1:], found, out=np.zeros_like(found), where=found > 0)
        return float((precision * np.diff(self.true_positive_rate)).sum())

    @property
    def equal_error_rate(self) -> float:
        """The rate at which interpolated misses and false alarms are equal; nan if undefined."""
        if not self.defined:
            return math.nan
        gap = self.false_positive_rate - (1 - self.true_positive_rate)  # rises from -1 to 1
        after = int(np.argmax(gap >= 0))
        if gap[after] == 0 or after == 0:
            return float(self.false_positive_rate[after])
        share = -gap[after - 1] / (gap[after] - gap[after - 1])
        low, high = self.false_positive_rate[after - 1], self.false_positive_rate[after]
        return float(low + share * (high - low))

    def true_positive_rate_at(self, false_positive_rate: float) -> float:
        """Return the largest TPR that a threshold reaches with an FPR of at most this; nan if undefined."""
        if not self.defined:
            return math.nan
        allowed = self.false_positive_rate <= false_positive_rate + 1e-12
        return float(self.true_positive_rate[allowed].max())


def detection_curve(
    score: NDArray[np.float64], truth: NDArray[np.bool_], weight: NDArray[np.float64] | None = None
) -> DetectionCurve:
    """Return the curve of scores (N,) against truth (N,); weight (N,) counts photos several times or not at all."""
    weight = np.ones(score.size) if weight is None else weight
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    last = np.append(ordered[1:] != ordered[:-1], True) if score.size else np.zeros(0, bool)
    positive = np.cumsum(np.where(truth, weight, 0.0)[order])[last]
    negative = np.cumsum(np.where(truth, 0.0, weight)[order])[last]
    start = np.zeros(1)
    return DetectionCurve(np.concatenate([start, positive]), np.concatenate([start, negative]))
