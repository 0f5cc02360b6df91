"""Fits pooling, limits, probability and likelihood ratio to scores of photos whose truth is known."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import beta

from mesorch_cli.errors import InputError
from mesorch_cli.evaluation.detection_curve import detection_curve
from mesorch_cli.evaluation.likelihood import (
    Floats,
    Truth,
    brier,
    class_weights,
    cllr,
    cllr_min,
    expected_calibration_error,
    fit_ratios,
)
from mesorch_cli.inference.scoring import calibrate, likelihood_ratio, logit_of_score
from mesorch_cli.network.rules import Calibration, ScoreRule

FOLDS = 5
SEED = 20260202  # of the folds
FEWEST = 30  # photos per class, whatever the rate
CONFIDENCE = 0.95
POOLINGS = (
    ScoreRule(pooling="max"),
    *(ScoreRule(pooling="top-mean", share=share) for share in (0.0005, 0.002, 0.005, 0.01, 0.03, 0.1, 0.3)),
)


@dataclass(frozen=True)
class Scored:
    """Photos with known truth: scores (N, P) by the P rules of POOLINGS, truth (N,), and the hashes of their bytes."""

    scores: Floats
    truth: Truth
    sha256: tuple[str, ...]


@dataclass(frozen=True)
class HeldOut:
    """Figures of the calibration on photos that it was not fitted on, with both classes of equal weight.

    stated (N,): probability of each photo, ratio (N,): log10 likelihood ratio, both from the folds without it.
    flagged: share of authentic photos at or above the evidence limit of the other folds.
    """

    stated: Floats
    ratio: Floats
    truth: Truth
    auc: float
    expected_calibration_error: float
    brier: float
    cllr: float
    cllr_min: float
    flagged: float
    found: float


@dataclass(frozen=True)
class Limits:
    """The evidence limit on its own photos: how many authentic ones it flags, and how many it may flag.

    upper: one-sided 95 % Clopper-Pearson bound of the false-positive rate.
    """

    stated_rate: float
    flagged: int
    authentic: int
    upper: float


def needed(rate: float) -> int:
    """Return how many authentic photos a false-positive rate requires.

    If none of that many is flagged, a larger rate is ruled out with 95 % confidence: log(0.05) / log(1 - rate).
    """
    return max(FEWEST, math.ceil(math.log(1 - CONFIDENCE) / math.log1p(-rate)))


def refuse_too_few(truth: Truth, rate: float) -> None:
    """Raise InputError, with the number needed, for fewer photos than the rate requires."""
    authentic, tampered = int(np.count_nonzero(~truth)), int(np.count_nonzero(truth))
    if authentic < needed(rate) or tampered < FEWEST:
        helps = ", or give a larger rate with --fpr" if authentic >= FEWEST <= tampered else ""
        raise InputError(
            f"{authentic} authentic and {tampered} tampered photos were analysed. A false-positive rate of {rate:g} "
            f"needs at least {needed(rate)} authentic and {FEWEST} tampered ones. Add photos{helps}.",
            reason="too few photos",
        )


def limit_at(authentic: Floats, rate: float) -> float:
    """Return the lowest limit that at most a share `rate` of the authentic scores reaches.

    Raises InputError if even the highest possible score flags more.
    """
    allowed = math.floor(rate * authentic.size)
    falling = np.sort(authentic)[::-1]
    if allowed >= falling.size:
        return 0.0
    if falling[allowed] >= 1.0:
        raise InputError(
            f"{np.count_nonzero(authentic >= 1.0)} of {authentic.size} authentic photos have the highest possible "
            f"score, so no limit flags at most {rate:g} of them. Use other weights or settings.",
            reason="scores without meaning",
        )
    return float(np.nextafter(falling[allowed], 2.0))


def fit_logistic(score: Floats, truth: Truth) -> tuple[float, float]:
    """Return slope and intercept of the probability over the score's logit, for even prior odds.

    Platt, "Probabilistic outputs for support vector machines" (1999), with his targets just inside 0 and 1, so that
    classes without overlap have a solution, too. Raises InputError if tampered photos do not score higher.
    """
    logit = logit_of_score(score)
    positive, negative = int(np.count_nonzero(truth)), int(np.count_nonzero(~truth))
    target = np.where(truth, (positive + 1) / (positive + 2), 1 / (negative + 2))
    weights = class_weights(truth)

    def loss(values: Floats) -> tuple[float, Floats]:
        linear = values[0] * logit + values[1]
        error = weights * (expit(linear) - target)
        value = float((weights * (np.logaddexp(0, linear) - target * linear)).sum())
        return value, np.array([error @ logit, error.sum()])

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS", options={"gtol": 1e-8})
    slope, intercept = (float(value) for value in found.x)
    if slope <= 0:
        raise InputError(
            f"Tampered photos do not score higher than authentic ones (slope {slope:.3g}), so there is nothing to "
            "calibrate. Use other weights or settings, or examine the photos with `mesorch evaluate`.",
            reason="scores without meaning",
        )
    return slope, intercept


def fit_rule(scored: Scored, rate: float, inconclusive_rate: float, pooling: int | None, name: str) -> ScoreRule:
    """Return the score rule fitted to all photos of `scored`.

    pooling: an index into POOLINGS, or None for the one with the largest AUC (the first of equals).
    """
    truth = scored.truth
    if pooling is None:
        aucs = [detection_curve(column, truth).auc for column in scored.scores.T]
        pooling = int(np.argmax(np.round(aucs, 6)))
    score = scored.scores[:, pooling]
    slope, intercept = fit_logistic(score, truth)
    evidence_at = limit_at(score[~truth], rate)
    return ScoreRule(
        pooling=POOLINGS[pooling].pooling,
        share=POOLINGS[pooling].share,
        evidence_at=evidence_at,
        inconclusive_at=min(evidence_at, limit_at(score[~truth], inconclusive_rate)),
        calibration=Calibration(
            slope=slope,
            intercept=intercept,
            fitted_on=name,
            authentic=int(np.count_nonzero(~truth)),
            tampered=int(np.count_nonzero(truth)),
            ratios=fit_ratios(score, truth),
        ),
    )


def place_of(rule: ScoreRule) -> int:
    """Return the index in POOLINGS of a rule's pooling. Raises InputError if it is not among them."""
    for place, known in enumerate(POOLINGS):
        if known.pooling == rule.pooling and (rule.pooling == "max" or known.share == rule.share):
            return place
    raise InputError(
        f"The pooling {rule.pooling} {rule.share:g} is not among those that can be fitted.", reason="pooling"
    )


def held_out(scored: Scored, rate: float, inconclusive_rate: float, pooling: int | None) -> HeldOut:
    """For every fold, fit on the other folds and judge it. Every step of the fit is repeated, including pooling."""
    truth = scored.truth
    fold = folds(truth)
    stated, ratio, flagged = np.empty(truth.size), np.empty(truth.size), np.empty(truth.size, bool)
    for number in range(FOLDS):
        own, others = fold == number, fold != number
        rest = Scored(scored.scores[others], truth[others], ())
        rule = fit_rule(rest, rate, inconclusive_rate, pooling, "folds")
        score = scored.scores[own, place_of(rule)]
        stated[own] = [calibrate(value, rule) for value in score]
        ratio[own] = [found.log10 if (found := likelihood_ratio(value, rule)) else math.nan for value in score]
        flagged[own] = score >= rule.evidence_at
    return HeldOut(
        stated=stated,
        ratio=ratio,
        truth=truth,
        auc=detection_curve(ratio, truth).auc,
        expected_calibration_error=expected_calibration_error(stated, truth),
        brier=brier(stated, truth),
        cllr=cllr(ratio, truth),
        cllr_min=cllr_min(ratio, truth),
        flagged=float(flagged[~truth].mean()),
        found=float(flagged[truth].mean()),
    )


def folds(truth: Truth, seed: int = SEED) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Return the fold of each photo, 0..FOLDS - 1. Each class is spread evenly."""
    rng = np.random.default_rng(seed)
    fold = np.empty(truth.size, np.intp)
    for places in (np.flatnonzero(truth), np.flatnonzero(~truth)):
        fold[rng.permutation(places)] = np.arange(places.size) % FOLDS
    return fold


def limits(score: Floats, truth: Truth, rule: ScoreRule, rate: float) -> Limits:
    """Return how many authentic photos the evidence limit flags, and the bound of its false-positive rate."""
    authentic = score[~truth]
    flagged = int(np.count_nonzero(authentic >= rule.evidence_at))
    upper = 1.0 if flagged == authentic.size else float(beta.ppf(CONFIDENCE, flagged + 1, authentic.size - flagged))
    return Limits(rate, flagged, authentic.size, upper)
