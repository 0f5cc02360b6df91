"""Pixel metrics against scikit-learn, degenerate cases included."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    jaccard_score,
    matthews_corrcoef,
    precision_score,
    recall_score,
    roc_auc_score,
)

from mesorch_cli.evaluation.metrics import Confusion, confusion, counts_above, f1_curve, pixel_auc, ranking

SHARES = st.sampled_from([0.0, 0.05, 0.3, 0.9, 1.0])  # tampered: empty and full masks among them


@given(st.integers(0, 2**31), st.integers(1, 400), st.integers(1, 12), SHARES)
@settings(max_examples=80, deadline=None)
def test_rank_figures_equal_scikit_learn_with_ties(seed: int, pixels: int, levels: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    score = (rng.integers(0, levels + 1, pixels) / levels).astype(np.float32)
    truth = rng.random(pixels) < share
    ranks = ranking(score, truth)
    if truth.all() or not truth.any():
        assert math.isnan(ranks.auc)
    else:
        assert abs(ranks.auc - roc_auc_score(truth, score)) < 1e-9
    if truth.any():
        assert abs(ranks.average_precision - average_precision_score(truth, score)) < 1e-9
    else:
        assert math.isnan(ranks.average_precision)


@given(st.integers(0, 2**31), st.sampled_from([0.0, 0.2, 0.5, 1.0]), SHARES)
@settings(max_examples=80, deadline=None)
def test_decisions_equal_scikit_learn(seed: int, threshold: float, share: float) -> None:
    rng = np.random.default_rng(seed)
    probability = rng.random((9, 11)).astype(np.float32)
    mask = rng.random((9, 11)) < share
    counts = confusion(probability, mask, threshold)
    truth, decided = mask.ravel(), (probability > threshold).ravel()
    assert counts.true_positive + counts.false_positive + counts.false_negative + counts.true_negative == 99
    oracles = {
        "f1": f1_score(truth, decided, zero_division=np.nan),
        "iou": jaccard_score(truth, decided, zero_division=0) if (truth | decided).any() else math.nan,
        "precision": precision_score(truth, decided, zero_division=np.nan),
        "recall": recall_score(truth, decided, zero_division=np.nan),
        "accuracy": accuracy_score(truth, decided),
        "mcc": matthews_corrcoef(truth, decided) if len({*truth, *decided}) > 1 else 0.0,
    }
    for name, expected in oracles.items():
        np.testing.assert_allclose(getattr(counts, name), expected, atol=1e-12, err_msg=name)


def test_mcc_of_a_huge_photo_does_not_overflow() -> None:
    half = 500_000_000
    assert Confusion(half, 0, 0, half).mcc == pytest.approx(1.0)
    assert Confusion(0, half, half, 0).mcc == pytest.approx(-1.0)


def test_the_complement_swaps_the_decision() -> None:
    rng = np.random.default_rng(4)
    probability, mask = rng.random((8, 8)).astype(np.float32), rng.random((8, 8)) < 0.4
    opposite = confusion((probability <= 0.5).astype(np.float32), mask, 0.5)
    assert confusion(probability, mask, 0.5).complement == opposite


def test_the_threshold_is_strict() -> None:
    half = np.full((2, 2), 0.5, np.float32)
    assert confusion(half, np.ones((2, 2), bool), 0.5).true_positive == 0


def test_mirroring_map_and_mask_together_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    score, truth = rng.random((20, 30)).astype(np.float32), rng.random((20, 30)) < 0.2
    assert pixel_auc(score, truth) == pixel_auc(score[:, ::-1], truth[:, ::-1])


@given(st.integers(0, 2**31), st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_curves_are_the_counts_at_every_threshold(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    thresholds = np.sort(rng.integers(0, 11, count) / 10)
    probability = (rng.integers(0, 11, (7, 8)) / 10).astype(np.float32)
    mask = rng.random((7, 8)) < 0.3
    thresholds = thresholds.astype(np.float32).astype(np.float64)
    expected = [confusion(probability, mask, float(threshold)) for threshold in thresholds]
    np.testing.assert_allclose(f1_curve(probability, mask, thresholds), [one.f1 for one in expected])
    true_positive, false_positive = counts_above(probability, mask, thresholds)
    assert true_positive.tolist() == [one.true_positive for one in expected]
    assert false_positive.tolist() == [one.false_positive for one in expected]
