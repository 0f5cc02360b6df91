"""Scores, words, regions and settings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import label, regionprops

from mesorch_cli.errors import UsageError
from mesorch_cli.inference import scoring
from mesorch_cli.inference.regions import find_regions
from mesorch_cli.inference.scoring import Verdict, calibrate, disagreement, judge, pool
from mesorch_cli.inference.settings import Overrides, Settings
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.rules import Calibration, InferenceRule, Scale, ScoreRule


@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40), st.floats(0.001, 1.0))
@settings(max_examples=60, deadline=None)
def test_top_mean_is_the_mean_of_the_largest(seed: int, height: int, width: int, share: float) -> None:
    probability = np.random.default_rng(seed).random((height, width)).astype(np.float32)
    count = max(1, round(share * probability.size))
    expected = np.sort(probability, axis=None)[::-1][:count].astype(np.float64).mean()
    assert abs(pool(probability, ScoreRule(share=share)) - expected) < 1e-9
    assert pool(probability, ScoreRule(pooling="max")) == probability.max()


def test_verdicts_stand_on_the_passports_thresholds() -> None:
    rule = ScoreRule(inconclusive_at=0.3, evidence_at=0.6)
    words = [judge(score, rule) for score in (0.0, 0.2999, 0.3, 0.5999, 0.6, 1.0)]
    assert words == [Verdict.NO_EVIDENCE] * 2 + [Verdict.INCONCLUSIVE] * 2 + [Verdict.EVIDENCE] * 2


def test_calibration_is_a_logistic_map_of_the_logit() -> None:
    assert calibrate(0.5, ScoreRule()) is None
    rule = ScoreRule(calibration=Calibration(slope=2.0, intercept=0.5, fitted_on="test"))
    assert calibrate(0.5, rule) == pytest.approx(1 / (1 + np.exp(-0.5)))
    values = [calibrate(score, rule) for score in (0.0, 0.1, 0.9, 1.0)]
    assert all(value is not None and 0 < value < 1 for value in values)
    assert values == sorted(values)  # type: ignore[type-var]


@given(st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_regions_equal_those_of_scikit_image(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probability = np.kron(rng.random((6, 8)), np.ones((7, 7))).astype(np.float32)
    regions, count = find_regions(probability, 0.6)
    properties = regionprops(label(probability > 0.6, connectivity=2), intensity_image=probability)
    assert count == len(properties)
    expected = {(p.bbox[1], p.bbox[0], p.bbox[3] - p.bbox[1], p.bbox[2] - p.bbox[0], int(p.area)) for p in properties}
    assert {(r.x, r.y, r.width, r.height, r.area_px) for r in regions} == expected
    for region in regions:
        match = min(
            properties, key=lambda p: abs(p.centroid[0] - region.centroid_y) + abs(p.centroid[1] - region.centroid_x)
        )
        assert region.mean == pytest.approx(match.intensity_mean, abs=1e-5)
    assert [-r.area_px * r.mean for r in regions] == sorted(-r.area_px * r.mean for r in regions)


def test_specks_are_no_regions_and_many_are_counted() -> None:
    specks = np.zeros((200, 200), np.float32)
    specks[::10, ::10] = 1.0
    assert find_regions(specks, 0.5) == ((), 0)
    blocks = np.kron(np.indices((20, 20)).sum(axis=0) % 2 == 0, np.pad(np.ones((5, 5)), 2)).astype(np.float32)
    regions, count = find_regions(blocks, 0.5)
    assert (len(regions), count) == (50, 200)


def test_score_and_map_can_disagree() -> None:
    large = np.zeros((100, 100), np.float32)
    large[:30, :30] = 0.9
    regions, _ = find_regions(large, 0.5)
    assert disagreement(Verdict.NO_EVIDENCE, regions)
    assert disagreement(Verdict.EVIDENCE, ())
    assert not disagreement(Verdict.EVIDENCE, regions)
    assert not disagreement(Verdict.NO_EVIDENCE, ())


@given(hnp.arrays(np.float32, (8, 8), elements=st.floats(0, 1, width=32)))
def test_weak_regions_come_last_and_contradict_nothing(means: np.ndarray) -> None:
    blocks = np.kron(means, np.pad(np.ones((14, 14), np.float32), 1))
    regions, _ = find_regions(blocks, 0.05)
    weak = [region.weak for region in regions]
    assert weak == sorted(weak)
    assert weak == [region.mean < 0.2 for region in regions]
    assert disagreement(Verdict.NO_EVIDENCE, regions) is (False in weak)  # each block is 1.2 % of the map
    assert disagreement(Verdict.EVIDENCE, regions) is (False not in weak)


def passport() -> Passport:
    levels = (Scale(kind="whole", weight=2.0), Scale(kind="tiles", long_side=1024), Scale(kind="tiles", long_side=0))
    return Passport(
        name="x", version="1", network=MESORCH_S, licence="none", inference=InferenceRule(scales=levels, overlap=0.3)
    )


def test_settings_come_from_the_passport_and_from_the_user() -> None:
    default = Settings.from_passport(passport())
    assert (default.overlap, len(default.scales), default.side) == (0.3, 3, 512)
    chosen = Settings.from_passport(
        passport(), Overrides(scales="whole,mirrored,tiles-700", overlap=0.5, threshold=0.2)
    )
    assert [(level.name, level.weight) for level in chosen.scales] == [
        ("whole", 2.0),
        ("mirrored", 1.0),
        ("tiles-700", 1.0),
    ]
    assert (chosen.overlap, chosen.threshold) == (0.5, 0.2)
    assert Settings.from_passport(passport(), Overrides(scales="reference")).reference


@pytest.mark.parametrize("scales", ["", "hole", "tiles-0", "whole,whole", "reference,native", "tiles-12345678"])
def test_unknown_scales_are_refused(scales: str) -> None:
    with pytest.raises(UsageError, match="scale"):
        Settings.from_passport(passport(), Overrides(scales=scales))


@pytest.mark.parametrize("change", [{"overlap": 0.8}, {"threshold": 1.2}, {"tile_batch": 0}])
def test_values_out_of_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="Expected"):
        Settings.from_passport(passport(), Overrides(**change))  # type: ignore[arg-type]


@given(st.integers(0, 2**31), st.integers(1, 2000), st.floats(0.001, 1.0), st.sampled_from([0, 1, 2, 8, 60000]))
@settings(max_examples=60, deadline=None)
def test_the_score_of_a_map_too_large_to_sort_is_the_same(seed: int, size: int, share: float, levels: int) -> None:
    """Whatever the ties: `levels` many different values, or any."""
    rng = np.random.default_rng(seed)
    values = rng.random(size) if levels == 0 else rng.integers(0, levels, size) / max(levels - 1, 1)
    probability = values.astype(np.float32).reshape(1, -1)
    count = max(1, round(share * size))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "PIECE", 300)
        assert scoring._mean_of_largest(probability, count) == pytest.approx(
            np.sort(probability, axis=None)[-count:].astype(np.float64).mean(), abs=1e-12
        )
