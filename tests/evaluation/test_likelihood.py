"""Likelihood ratios against the Netherlands Forensic Institute's `lir`, calibration errors against scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lir.algorithms.bayeserror import elub
from lir.algorithms.isotonic_regression import IsotonicCalibrator
from lir.data.models import LLRData
from lir.metrics import cllr as lir_cllr
from lir.metrics import cllr_min as lir_cllr_min
from sklearn.metrics import brier_score_loss

from mesorch_cli.evaluation.likelihood import (
    brier,
    cllr,
    cllr_min,
    empirical_bounds,
    expected_calibration_error,
    fit_ratios,
    pav,
)
from mesorch_cli.inference.scoring import likelihood_ratio
from mesorch_cli.network.rules import Calibration, ScoreRule

SEEDS = st.integers(0, 2**31)


def scores(seed: int, positive: int = 60, negative: int = 40, gap: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = np.arange(positive + negative) < positive
    return np.clip(rng.normal(0.4 + gap * truth, 0.15), 0.001, 0.999).round(2), truth


@given(SEEDS, st.integers(5, 80), st.integers(5, 80), st.sampled_from([0.0, 0.1, 0.4]))
@settings(max_examples=40, deadline=None)
def test_pav_equals_lir(seed: int, positive: int, negative: int, gap: float) -> None:
    score, truth = scores(seed, positive, negative, gap)
    values, ratios = pav(score, truth)
    with np.errstate(divide="ignore"):
        expected = IsotonicCalibrator().fit(score, truth.astype(int)).transform(values).ravel()
    finite = np.isfinite(expected)
    assert np.array_equal(np.isfinite(ratios), finite)
    np.testing.assert_allclose(ratios[finite], expected[finite], atol=1e-6)


@given(SEEDS, st.sampled_from([0.0, 0.1, 0.3, 0.8]))
@settings(max_examples=40, deadline=None)
def test_bounds_equal_lir_within_its_step(seed: int, gap: float) -> None:
    score, truth = scores(seed, gap=gap)
    values, ratios = pav(score, truth)
    own = ratios[np.searchsorted(values, score)]
    lower, upper = empirical_bounds(own, truth)
    expected_lower, expected_upper = elub(own.copy(), truth.astype(int), add_misleading=1)
    assert lower <= 0 <= upper
    # `lir` looks at whole steps of 0.01, and stops one before the first that costs too much.
    assert lower == pytest.approx(expected_lower, abs=0.021)
    assert upper == pytest.approx(expected_upper, abs=0.021)


@given(SEEDS, st.sampled_from([0.0, 0.2]))
@settings(max_examples=40, deadline=None)
def test_costs_equal_lir(seed: int, gap: float) -> None:
    score, truth = scores(seed, gap=gap)
    ratio = (score - 0.5) * 6
    data = LLRData(features=ratio[:, None], labels=truth.astype(int))
    assert cllr(ratio, truth) == pytest.approx(lir_cllr(data), abs=1e-9)
    assert cllr_min(ratio, truth) == pytest.approx(lir_cllr_min(data), abs=1e-6)
    assert cllr_min(ratio, truth) <= cllr(ratio, truth) + 1e-12


def test_a_cost_of_one_says_nothing() -> None:
    truth = np.arange(20) < 10
    assert cllr(np.zeros(20), truth) == 1.0
    assert cllr(np.where(truth, 9.0, -9.0), truth) < 1e-8
    assert math.isfinite(cllr(np.where(truth, -400.0, 400.0), truth))


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_the_fitted_map_is_monotone_and_bounded(seed: int) -> None:
    score, truth = scores(seed)
    ratios = fit_ratios(score, truth)
    rule = ScoreRule(calibration=Calibration(slope=1, intercept=0, fitted_on="test", ratios=ratios))
    found = [likelihood_ratio(value, rule) for value in np.linspace(0, 1, 60)]
    assert all(one is not None and ratios.lower <= one.log10 <= ratios.upper for one in found)
    logs = [one.log10 for one in found if one]
    assert logs == sorted(logs)
    most = math.log10(max(truth.sum(), (~truth).sum()) + 1)
    assert -most <= ratios.lower <= 0 <= ratios.upper <= most  # no more than the number of photos can carry


@given(SEEDS)
@settings(max_examples=30, deadline=None)
def test_calibration_errors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probability, truth = rng.random(60), np.arange(60) < 30
    assert brier(probability, truth) == pytest.approx(brier_score_loss(truth, probability), abs=1e-12)
    bins = np.minimum((probability * 10).astype(int), 9)
    expected = sum(
        (bins == number).mean() * abs(probability[bins == number].mean() - truth[bins == number].mean())
        for number in range(10)
        if (bins == number).any()
    )
    assert expected_calibration_error(probability, truth) == pytest.approx(expected, abs=1e-12)
    # An unbalanced set gives what the same photos give when one class is repeated.
    twice = np.concatenate([probability, probability[truth]]), np.concatenate([truth, truth[truth]])
    assert brier(*twice) == pytest.approx(brier(probability, truth), abs=1e-12)
    assert expected_calibration_error(*twice) == pytest.approx(expected, abs=1e-12)
