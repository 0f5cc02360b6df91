"""Pixel metrics against scikit-learn, degenerate cases included."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, jaccard_score, roc_auc_score

from mesorch_cli.evaluation.metrics import confusion, f1_curve, pixel_auc


@given(st.integers(0, 2**31), st.integers(2, 400), st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_auc_equals_scikit_learn_with_ties(seed: int, pixels: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    score = (rng.integers(0, levels + 1, pixels) / levels).astype(np.float32)
    truth = rng.random(pixels) < 0.3
    found = pixel_auc(score, truth)
    if truth.all() or not truth.any():
        assert math.isnan(found)
    else:
        assert abs(found - roc_auc_score(truth, score)) < 1e-9


@given(st.integers(0, 2**31), st.floats(0, 1))
@settings(max_examples=80, deadline=None)
def test_f1_and_iou_equal_scikit_learn(seed: int, threshold: float) -> None:
    rng = np.random.default_rng(seed)
    probability = rng.random((9, 11)).astype(np.float32)
    mask = rng.random((9, 11)) < 0.4
    counts = confusion(probability, mask, threshold)
    decided = (probability > threshold).ravel()
    assert counts.true_positive + counts.false_positive + counts.false_negative + counts.true_negative == 99
    if mask.any() or decided.any():
        assert abs(counts.f1 - f1_score(mask.ravel(), decided)) < 1e-12
        assert abs(counts.iou - jaccard_score(mask.ravel(), decided)) < 1e-12
    else:
        assert math.isnan(counts.f1)
        assert math.isnan(counts.iou)


def test_the_threshold_is_strict() -> None:
    half = np.full((2, 2), 0.5, np.float32)
    assert confusion(half, np.ones((2, 2), bool), 0.5).true_positive == 0


def test_mirroring_map_and_mask_together_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    score, truth = rng.random((20, 30)).astype(np.float32), rng.random((20, 30)) < 0.2
    assert pixel_auc(score.ravel(), truth.ravel()) == pixel_auc(score[:, ::-1].ravel(), truth[:, ::-1].ravel())


@given(st.integers(0, 2**31), st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_the_curve_is_f1_at_every_threshold(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    thresholds = np.sort(rng.integers(0, 11, count) / 10)
    probability = (rng.integers(0, 11, (7, 8)) / 10).astype(np.float32)
    mask = rng.random((7, 8)) < 0.3
    thresholds = thresholds.astype(np.float32).astype(np.float64)
    expected = [confusion(probability, mask, float(threshold)).f1 for threshold in thresholds]
    np.testing.assert_allclose(f1_curve(probability, mask, thresholds), expected)
