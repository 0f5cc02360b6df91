"""Scores as likelihood ratios: how much more probable a score is for a tampered photo than for an authentic one.

All ratios are log10. Both classes weigh the same whatever their sizes, so nothing depends on the number of photos in
each: the prior belongs to the case, not to the set.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from mesorch_cli.network.rules import RatioMap

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]

RANGE = 7.0  # decades of ratios searched for bounds
STEP = 0.01  # decades between steps, both as published
BINS = 10  # of the calibration error


def class_weights(truth: Truth) -> Floats:
    """Return weights (N,) that sum to one half over each class."""
    positive = int(np.count_nonzero(truth))
    return np.where(truth, 0.5 / max(1, positive), 0.5 / max(1, truth.size - positive))


def pav(score: Floats, truth: Truth) -> tuple[Floats, Floats]:
    """Return distinct rising scores and their log10 ratios, by pool-adjacent-violators; infinite at the ends.

    Brummer and du Preez, "Application-independent evaluation of speaker detection", Computer Speech and Language 20
    (2006), section 6: the isotonic fit of the posterior, less the prior odds, which are even here.
    """
    values, place = np.unique(score, return_inverse=True)
    weights = class_weights(truth)
    total = np.bincount(place, weights, values.size)
    positive = np.bincount(place, weights * truth, values.size)
    posterior = np.clip(isotonic_regression(positive / total, weights=total).x.astype(np.float64), 0.0, 1.0)
    # Sums of weights that should cancel leave rounding errors, so blocks of a single class are found by counting.
    one_class = (posterior < 1e-12) | (posterior > 1 - 1e-12)
    posterior = np.where(one_class, np.round(posterior), posterior)
    with np.errstate(divide="ignore"):
        return values, np.log10(posterior) - np.log10(1 - posterior)


def empirical_bounds(ratio: Floats, truth: Truth) -> tuple[float, float]:
    """Return the lowest and highest log10 ratio that the data support, at most 0 and at least 0.

    Vergeer et al., "Numerical likelihood ratios outputted by LR systems are often based on extrapolation: when to stop
    extrapolating?", Science and Justice 56 (2016): around an even ratio, the decision thresholds at which the
    Bayes decision costs no more than one without the evidence, after adding one misleading value to each class.
    """
    positive, negative = np.sort(ratio[truth]), np.sort(ratio[~truth])
    # The bounds exceed neither what the number of photos supports nor the ratios themselves.
    lowest = max(float(ratio.min()), -math.log10(positive.size + 1), -RANGE)
    highest = min(float(ratio.max()), math.log10(negative.size + 1), RANGE)
    return -_last_good(positive, negative, -1, -lowest), _last_good(positive, negative, 1, highest)


def _last_good(positive: Floats, negative: Floats, sign: int, farthest: float) -> float:
    """Return how far from zero thresholds stay valid in one direction, in steps of STEP. sign: -1 below, 1 above."""
    steps = np.arange(0.0, max(0.0, farthest) + STEP / 2, STEP)
    logs = sign * steps
    misses = (np.searchsorted(positive, logs, "left") + 1) / (positive.size + 1)
    alarms = (negative.size - np.searchsorted(negative, logs, "left") + 1) / (negative.size + 1)
    cost = misses + 10.0**logs * alarms
    bad = cost > np.minimum(1.0, 10.0**logs)
    if not bad.any():
        return max(0.0, farthest)
    return max(0.0, float(steps[int(np.argmax(bad))]) - STEP)


def fit_ratios(score: Floats, truth: Truth) -> RatioMap:
    """Return the bounded map from scores to log10 ratios: PAV, cut at its empirical bounds."""
    values, ratios = pav(score, truth)
    own = ratios[np.searchsorted(values, score)]
    lower, upper = empirical_bounds(own, truth)
    bounded = np.clip(ratios, lower, upper)
    # The two ends of a run of equal ratios are enough.
    inner = np.concatenate([[False], (bounded[1:-1] == bounded[:-2]) & (bounded[1:-1] == bounded[2:]), [False]])
    kept = ~inner[: bounded.size]
    return RatioMap(
        scores=tuple(values[kept].tolist()), log10_ratios=tuple(bounded[kept].tolist()), lower=lower, upper=upper
    )


def cllr(ratio: Floats, truth: Truth) -> float:
    """Return the log-likelihood-ratio cost: 0 is perfect, 1 says nothing (Brummer and du Preez 2006, section 4)."""
    natural = ratio * math.log(10)
    positive, negative = np.logaddexp(0, -natural[truth]), np.logaddexp(0, natural[~truth])
    return float((positive.mean() + negative.mean()) / (2 * math.log(2)))


def cllr_min(ratio: Floats, truth: Truth) -> float:
    """Return the cost after the best monotone map, which is the loss in discrimination alone."""
    values, best = pav(ratio, truth)
    return cllr(best[np.searchsorted(values, ratio)], truth)


def brier(probability: Floats, truth: Truth) -> float:
    """Return the mean squared error of probabilities, both classes of equal weight: 0.25 says nothing."""
    return float((class_weights(truth) * (probability - truth) ** 2).sum())


def expected_calibration_error(probability: Floats, truth: Truth) -> float:
    """Return the mean gap between stated and observed share over ten even bins, both classes of equal weight."""
    weights = class_weights(truth)
    bins = np.minimum((probability * BINS).astype(np.intp), BINS - 1)
    stated = np.bincount(bins, weights * probability, BINS)
    observed = np.bincount(bins, weights * truth, BINS)
    return float(np.abs(stated - observed).sum())
