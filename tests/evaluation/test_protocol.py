"""Maps against masks: the published formulas to 1e-9, the native pixels, the band that is not scored."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mesorch_cli.errors import InputError, UsageError
from mesorch_cli.evaluation.metrics import confusion
from mesorch_cli.evaluation.protocol import PAPER_SIDE, THRESHOLDS, Protocol, scored_pixels


def published(probability: np.ndarray, mask: np.ndarray) -> tuple[float, float, float]:
    """F1, IoU and permuted F1 as the published code states them, in float64."""
    decided, truth = (probability > 0.5).astype(float), mask.astype(float)

    def f1(tp: float, fp: float, fn: float) -> float:
        precision, recall = tp / (tp + fp + 1e-8), tp / (tp + fn + 1e-8)
        return 2 * precision * recall / (precision + recall + 1e-8)

    tp, tn = (decided * truth).sum(), ((1 - decided) * (1 - truth)).sum()
    fp, fn = (decided * (1 - truth)).sum(), ((1 - decided) * truth).sum()
    return f1(tp, fp, fn), tp / (tp + fp + fn + 1e-8), max(f1(tp, fp, fn), f1(fn, tn, tp))


@given(st.integers(0, 2**31), st.sampled_from([0.0, 0.1, 0.6, 1.0]))
@settings(max_examples=20, deadline=None)
def test_the_paper_protocol_is_the_published_formula(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((37, 53)) < share
    probability = rng.random((PAPER_SIDE, PAPER_SIDE)).astype(np.float32)
    protocol = Protocol("paper", permuted=True)
    found = protocol.compare(probability, mask, 0.5)
    squashed = cv2.resize(mask.astype(np.uint8), (PAPER_SIDE, PAPER_SIDE), interpolation=cv2.INTER_NEAREST) > 0
    f1, iou, permuted = published(probability, squashed)
    assert abs(protocol.f1(found.counts) - f1) < 1e-9
    assert abs(protocol.iou(found.counts) - iou) < 1e-9
    assert found.permuted_f1 is not None
    assert abs(found.permuted_f1 - permuted) < 1e-9
    assert found.scored == PAPER_SIDE**2


def test_the_paper_protocol_squashes_photos_without_antialiasing() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    assert np.array_equal(Protocol("paper").prepared(pixels), cv2.resize(pixels, (512, 512)))
    assert Protocol().prepared(pixels) is pixels


@given(st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_mirroring_map_and_mask_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask, probability = rng.random((31, 40)) < 0.3, rng.random((31, 40)).astype(np.float32)
    for protocol in (Protocol(), Protocol(no_score_band=2)):
        assert protocol.compare(probability, mask, 0.5) == protocol.compare(probability[::-1], mask[::-1], 0.5)


def test_a_mask_of_another_scale_is_scored_at_its_own_pixels() -> None:
    probability = np.zeros((40, 60), np.float32)
    probability[:, 30:] = 1
    mask = np.zeros((80, 120), bool)
    mask[:, 60:] = True
    found = Protocol().compare(probability, mask, 0.5)
    assert found.scored == 80 * 120
    assert found.counts.f1 == 1.0


@pytest.mark.parametrize(("shape", "words"), [((60, 40), "swapped"), ((40, 80), "same shape")])
def test_a_mask_of_another_shape_is_refused(shape: tuple[int, int], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        Protocol().compare(np.zeros((40, 60), np.float32), np.zeros(shape, bool), 0.5)
    assert caught.value.reason == "mask of another shape"


def test_the_band_beside_outlines_is_not_scored() -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    kept = scored_pixels(mask, 3)
    expected = np.ones((40, 40), bool)
    expected[7:33, 7:33] = False
    expected[13:27, 13:27] = True
    assert np.array_equal(kept, expected)
    off_by_two = np.zeros((40, 40), np.float32)
    off_by_two[12:32, 12:32] = 1
    assert Protocol().compare(off_by_two, mask, 0.5).counts.f1 < 0.9
    assert Protocol(no_score_band=3).compare(off_by_two, mask, 0.5).counts.f1 == 1.0


def test_a_mask_smaller_than_the_band_is_still_scored() -> None:
    mask = np.zeros((20, 20), bool)
    mask[9:11, 9:11] = True
    assert scored_pixels(mask, 5)[mask].all()
    assert scored_pixels(np.zeros((20, 20), bool), 5).all()


def test_counts_at_a_threshold_are_those_of_a_decision() -> None:
    rng = np.random.default_rng(2)
    probability, mask = rng.random((9, 9)).astype(np.float32), rng.random((9, 9)) < 0.4
    found = Protocol().compare(probability, mask, 0.3)
    for place in (0, 77, 198):
        assert found.counts_at(place) == confusion(probability, mask, float(THRESHOLDS[place]))


def test_nonsense_is_refused() -> None:
    with pytest.raises(UsageError, match="no-score band of -1"):
        Protocol(no_score_band=-1)
    with pytest.raises(UsageError, match="scores every pixel"):
        Protocol("paper", no_score_band=3)
