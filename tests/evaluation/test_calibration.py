"""Calibration: the logistic map against scikit-learn, limits that keep their rate, folds that do not leak."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import binom
from sklearn.linear_model import LogisticRegression

from mesorch_cli.errors import InputError
from mesorch_cli.evaluation.calibration import (
    FOLDS,
    POOLINGS,
    Scored,
    fit_logistic,
    fit_rule,
    folds,
    held_out,
    limit_at,
    limits,
    needed,
    place_of,
    refuse_too_few,
)
from mesorch_cli.evaluation.likelihood import class_weights
from mesorch_cli.inference.scoring import logit_of_score


def scored(seed: int, authentic: int = 200, tampered: int = 150, gap: float = 2.0) -> Scored:
    """Scores whose logits are normal: the third pooling tells best, the others are noisier."""
    rng = np.random.default_rng(seed)
    truth = np.arange(authentic + tampered) < tampered
    logit = rng.normal(gap * truth - 1, 1.0)
    noise = np.abs(np.arange(len(POOLINGS)) - 2) * 0.8
    columns = expit(logit[:, None] + noise * rng.normal(size=(truth.size, len(POOLINGS))))
    return Scored(columns, truth, ("0" * 64,) * truth.size)


@given(st.integers(0, 2**31), st.integers(20, 90))
@settings(max_examples=25, deadline=None)
def test_the_logistic_map_equals_scikit_learn(seed: int, authentic: int) -> None:
    found = scored(seed, authentic, 40)
    score, truth = found.scores[:, 2], found.truth
    slope, intercept = fit_logistic(score, truth)
    target = np.where(truth, 41 / 42, 1 / (authentic + 2))
    weights = class_weights(truth)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(
        np.tile(logit_of_score(score), 2)[:, None],
        np.repeat([1, 0], truth.size),
        np.concatenate([weights * target, weights * (1 - target)]),
    )
    assert slope == pytest.approx(float(oracle.coef_[0, 0]), abs=1e-3)
    assert intercept == pytest.approx(float(oracle.intercept_[0]), abs=1e-3)


def test_classes_that_do_not_overlap_have_a_finite_map() -> None:
    slope, intercept = fit_logistic(np.array([0.1] * 40 + [0.9] * 40), np.arange(80) >= 40)
    assert math.isfinite(slope)
    assert expit(slope * math.log(9) + intercept) == pytest.approx(41 / 42, abs=1e-3)


def test_scores_without_meaning_are_refused() -> None:
    with pytest.raises(InputError, match="nothing to calibrate"):
        fit_logistic(np.array([0.9] * 40 + [0.1] * 40), np.arange(80) >= 40)


@given(st.integers(0, 2**31), st.integers(30, 300), st.sampled_from([0.01, 0.05, 0.2]))
@settings(max_examples=40, deadline=None)
def test_a_limit_flags_no_more_than_its_rate(seed: int, count: int, rate: float) -> None:
    values = np.random.default_rng(seed).integers(0, 40, count) / 40
    limit = limit_at(values, rate)
    assert np.mean(values >= limit) <= rate
    lower = values[values < limit].max() if (values < limit).any() else -1.0
    assert np.mean(values >= lower) > rate  # the next lower limit would flag too many


def test_the_number_needed_is_the_one_that_can_rule_a_larger_rate_out() -> None:
    assert needed(0.05) == 59
    for rate in (0.01, 0.02, 0.05):
        assert binom.pmf(0, needed(rate), rate) <= 0.05 < binom.pmf(0, needed(rate) - 1, rate)
    with pytest.raises(InputError, match=r"58 authentic and 40 tampered.*at least 59 authentic and 30") as caught:
        refuse_too_few(np.arange(98) < 40, 0.05)
    assert caught.value.reason == "too few photos"
    refuse_too_few(np.arange(99) < 40, 0.05)


def test_the_rule_takes_the_pooling_that_tells_best() -> None:
    found = scored(1)
    rule = fit_rule(found, 0.05, 0.2, None, "set")
    assert place_of(rule) == 2
    assert rule.inconclusive_at <= rule.evidence_at
    assert rule.calibration is not None
    assert (rule.calibration.authentic, rule.calibration.tampered) == (200, 150)
    fixed = fit_rule(found, 0.05, 0.2, 0, "set")
    assert fixed.pooling == "max"
    bound = limits(found.scores[:, 2], found.truth, rule, 0.05)
    assert bound.flagged <= 10
    assert binom.cdf(bound.flagged, bound.authentic, bound.upper) == pytest.approx(0.05, abs=1e-9)


def test_held_out_figures_are_close_to_the_truth() -> None:
    figures = held_out(scored(3, 1500, 1500), 0.05, 0.2, 2)
    assert figures.flagged == pytest.approx(0.05, abs=0.02)
    assert figures.expected_calibration_error < 0.03
    assert figures.cllr_min <= figures.cllr < figures.cllr_min + 0.05
    # Two unit normals two apart: the ratio is known, and so is its cost.
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(1, 1, 200_000) * 2, rng.normal(-1, 1, 200_000) * 2
    expected = (np.logaddexp(0, -positive).mean() + np.logaddexp(0, negative).mean()) / (2 * math.log(2))
    assert figures.cllr == pytest.approx(expected, abs=0.04)


def test_scores_that_say_nothing_cost_about_one() -> None:
    rng = np.random.default_rng(9)
    truth = np.arange(600) < 300
    noise = np.repeat(rng.random((600, 1)), len(POOLINGS), axis=1)
    noise[truth] += 1e-3
    figures = held_out(Scored(np.clip(noise, 0, 1), truth, ()), 0.05, 0.2, 0)
    assert figures.cllr == pytest.approx(1.0, abs=0.1)
    assert figures.flagged == pytest.approx(0.05, abs=0.04)


def test_folds_share_each_class_evenly() -> None:
    truth = np.arange(103) < 41
    fold = folds(truth)
    for number in range(FOLDS):
        assert np.count_nonzero(truth & (fold == number)) in (8, 9)
        assert np.count_nonzero(~truth & (fold == number)) in (12, 13)
