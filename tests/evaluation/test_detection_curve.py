"""Image-level figures against scikit-learn."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from mesorch_cli.evaluation.detection_curve import detection_curve


@given(st.integers(0, 2**31), st.integers(2, 120), st.integers(1, 30))
@settings(max_examples=100, deadline=None)
def test_figures_equal_scikit_learn(seed: int, photos: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.concatenate([[True, False], rng.random(photos - 2) < 0.5])
    score = (rng.integers(0, levels + 1, photos) / levels) + 0.2 * truth
    curve = detection_curve(score, truth)
    false, true, _ = roc_curve(truth, score, drop_intermediate=False)
    assert abs(curve.auc - roc_auc_score(truth, score)) < 1e-12
    assert abs(curve.average_precision - average_precision_score(truth, score)) < 1e-12
    for allowed in (0.01, 0.05, 0.5):
        assert curve.true_positive_rate_at(allowed) == true[false <= allowed].max()
    # The usual definition: where 1 - TPR = FPR on the joined points; where the curve is vertical it has one point there.
    line = interp1d(np.linspace(0, 1, false.size), np.stack([false, true]))
    place = brentq(lambda at: float(line(at)[0] + line(at)[1] - 1), 0, 1)
    assert abs(curve.equal_error_rate - float(line(place)[0])) < 1e-6


@given(st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_a_weight_is_a_photo_counted_so_often(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.array([True, False] * 8)
    score, weight = rng.integers(0, 6, 16) / 5, rng.integers(0, 4, 16)
    weight[:2] = 1
    weighted = detection_curve(score, truth, weight.astype(float))
    repeated = detection_curve(np.repeat(score, weight), np.repeat(truth, weight))
    assert abs(weighted.auc - repeated.auc) < 1e-12
    assert abs(weighted.average_precision - repeated.average_precision) < 1e-12
    assert abs(weighted.equal_error_rate - repeated.equal_error_rate) < 1e-12


def test_one_class_has_no_figures() -> None:
    curve = detection_curve(np.array([0.1, 0.9]), np.array([True, True]))
    assert all(math.isnan(value) for value in (curve.auc, curve.average_precision, curve.equal_error_rate))
    assert math.isnan(curve.true_positive_rate_at(0.05))
