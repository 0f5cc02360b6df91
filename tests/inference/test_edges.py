"""Edges of the map that are moved to edges of the photo."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mesorch_cli.errors import UsageError
from mesorch_cli.inference import fusion
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.edges import guided, move_edges, seen_size
from mesorch_cli.inference.settings import Overrides, Settings
from mesorch_cli.network.config import MESORCH_S
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.rules import EdgeRule, InferenceRule
from tests.inference.networks import Pixelwise, noise, settings

RULE = EdgeRule(long_side=640, radius=8, smoothness=1e-3)
HEIGHT, WIDTH = 150, 200
INSIDE = np.s_[40:110, 60:130]


def by_windows(
    colours: NDArray[np.float64], values: NDArray[np.float64], radius: int, smoothness: float
) -> NDArray[np.float64]:
    """The filter as its authors define it: a ridge regression in every window, the predictions averaged by pixel."""
    height, width = values.shape
    padded = [np.pad(one, [(radius, radius)] * 2 + [(0, 0)] * (one.ndim - 2), "symmetric") for one in (colours, values)]
    fits = np.empty((height, width, 4))
    side = 2 * radius + 1
    for row, column in np.ndindex(height, width):
        window = padded[0][row : row + side, column : column + side].reshape(-1, 3)
        wanted = padded[1][row : row + side, column : column + side].ravel()
        centred = window - window.mean(axis=0)
        slope = np.linalg.solve(
            centred.T @ centred / len(window) + smoothness * np.eye(3),
            centred.T @ (wanted - wanted.mean()) / len(window),
        )
        fits[row, column] = [*slope, wanted.mean() - slope @ window.mean(axis=0)]
    around = np.pad(fits, [(radius, radius)] * 2 + [(0, 0)], "symmetric")
    result = np.empty((height, width))
    for row, column in np.ndindex(height, width):
        mean = around[row : row + side, column : column + side].reshape(-1, 4).mean(axis=0)
        result[row, column] = mean[:3] @ colours[row, column] + mean[3]
    return result


def marked(softness: float = 5.0) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_]]:
    """A photo with one object, a map that spreads over its outline, and the object's mask."""
    truth = np.zeros((HEIGHT, WIDTH), np.bool_)
    truth[INSIDE] = True
    photo = np.where(truth[..., None], (190, 120, 60), (70, 90, 110)) + noise(HEIGHT, WIDTH) // 32
    map_ = cv2.GaussianBlur(0.02 + 0.96 * truth.astype(np.float32), (0, 0), softness)
    return photo.astype(np.uint8), np.asarray(map_, np.float32), truth


def moved(map_: NDArray[np.float32], photo: NDArray[np.generic], rule: EdgeRule = RULE) -> NDArray[np.float32]:
    changed = map_.copy()
    move_edges(changed, np.ones(map_.shape, np.bool_), photo, rule)  # type: ignore[arg-type]
    return changed


@given(st.integers(2, 9), st.integers(2, 9), st.integers(1, 3), st.sampled_from([1e-4, 1e-2, 0.5]), st.integers(0, 999))
@hypothesis_settings(max_examples=40, deadline=None)
def test_the_filter_is_that_of_its_authors(height: int, width: int, radius: int, smoothness: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    colours, values = rng.random((height, width, 3)), rng.normal(0.0, 4.0, (height, width))
    radius = min(radius, height, width)  # numpy pads once by reflection
    wanted = by_windows(colours, values, radius, smoothness)
    assert guided(colours, values, radius, smoothness) == pytest.approx(wanted, abs=1e-6)


def test_the_outline_of_a_map_comes_closer_to_that_of_the_object() -> None:
    photo, map_, truth = marked()
    wrong_before = np.count_nonzero((map_ > 0.2) != truth)
    wrong = np.count_nonzero((moved(map_, photo) > 0.2) != truth)
    assert wrong < 0.2 * wrong_before


def test_without_an_edge_in_the_photo_a_map_is_only_smoothed() -> None:
    _, map_, _ = marked()
    flat = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    logits = np.log(map_ / (1 - map_)).astype(np.float64)
    for _ in range(2):  # the means of the windows, and the mean over the windows of a pixel
        logits = cv2.blur(logits, (2 * RULE.radius + 1,) * 2, borderType=cv2.BORDER_REFLECT)
    assert moved(map_, flat) == pytest.approx(1 / (1 + np.exp(-logits)), abs=1e-5)


def test_a_photo_of_16_bits_has_the_edges_of_its_8_bits() -> None:
    photo, map_, _ = marked()
    assert moved(map_, photo.astype(np.uint16) * 257) == pytest.approx(moved(map_, photo), abs=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 2), (3, 5000), (900, 1300)])
@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
def test_an_even_map_stays_as_it_is(size: tuple[int, int], value: float) -> None:
    map_ = np.full(size, value, np.float32)
    assert moved(map_, noise(*size)) == pytest.approx(map_, abs=2e-5)


def test_a_small_region_of_a_large_photo_stays() -> None:
    """At 320 pixels it would have three pixels, and disappear."""
    map_ = np.full((3000, 4000), 0.01, np.float32)
    map_[1000:1040, 2000:2040] = 0.95
    photo = np.repeat(np.repeat(noise(300, 400), 10, axis=0), 10, axis=1)
    rule = EdgeRule(long_side=320, radius=4, smoothness=3e-4)
    assert moved(map_, photo, rule).max() > 0.3
    assert moved(map_, photo, rule.model_copy(update={"largest_factor": 100.0})).max() < 0.2


@pytest.mark.parametrize(
    ("photo", "seen"),
    [((600, 400), (213, 320)), ((100, 200), (200, 100)), ((3000, 4000), (800, 600)), ((10, 30_000), (1024, 1))],
)
def test_the_size_at_which_the_filter_sees_a_photo(photo: tuple[int, int], seen: tuple[int, int]) -> None:
    assert seen_size(*photo, EdgeRule(long_side=320, radius=4, smoothness=3e-4)) == seen


def test_bands_leave_no_seams(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, map_, _ = marked()
    rule = RULE.model_copy(update={"long_side": 128, "largest_factor": 100.0})
    whole = moved(map_, photo, rule)
    monkeypatch.setattr(fusion, "BAND_PIXELS", 7 * WIDTH)
    assert np.array_equal(moved(map_, photo, rule), whole)


@pytest.mark.parametrize("long_side", [64, 640])
def test_what_no_scale_covered_stays_zero_and_changes_nothing_beside_it(long_side: int) -> None:
    covered = np.ones((HEIGHT, WIDTH), np.bool_)
    covered[:50, :90] = False
    map_ = np.where(covered, 0.9, 0.0).astype(np.float32)
    move_edges(map_, covered, noise(HEIGHT, WIDTH), RULE.model_copy(update={"long_side": long_side}))
    assert not map_[~covered].any()
    assert map_[covered] == pytest.approx(0.9, abs=0.02)


def test_a_map_that_nothing_covered_stays_empty() -> None:
    map_ = np.zeros((HEIGHT, WIDTH), np.float32)
    move_edges(map_, np.zeros(map_.shape, np.bool_), noise(HEIGHT, WIDTH), RULE)
    assert not map_.any()


def red(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say 3 where red exceeds blue, -3 elsewhere, in squares of 16 pixels as a network's coarse stages would."""
    said = np.where(images[:, :1] > images[:, 2:], 3.0, -3.0).astype(np.float32)
    coarse = np.stack([cv2.resize(one[0], None, fx=1 / 16, fy=1 / 16, interpolation=cv2.INTER_AREA) for one in said])
    return np.stack([cv2.resize(one, (64, 64)) for one in coarse])[:, None]


def test_a_detection_takes_its_score_before_and_its_regions_after() -> None:
    photo, _, truth = marked()
    plain = settings(threshold=0.3)
    before = Detector(Pixelwise(red), plain).detect(photo)
    moving = Detector(Pixelwise(red), replace(plain, edges=RULE))
    after = moving.detect(photo)
    assert (after.score, after.verdict) == (before.score, before.verdict)
    assert before.map is not None
    assert after.map is not None
    wrong = [np.count_nonzero((one.map > 0.3) != truth) for one in (before, after)]
    assert wrong[1] < wrong[0]
    assert sum(region.area_px for region in after.regions) == np.count_nonzero(after.map > 0.3)
    again = moving.without_edges().detect(photo)
    assert again.map is not None
    assert np.array_equal(again.map, before.map)


def test_weights_may_have_a_rule_which_an_option_turns_off() -> None:
    passport = Passport(
        name="tiny", version="1", network=MESORCH_S, licence="none", inference=InferenceRule(edges=RULE)
    )
    assert Settings.from_passport(passport).edges == RULE
    assert Settings.from_passport(passport, Overrides(edges=False)).edges is None
    assert Settings.from_passport(passport, Overrides(scales="reference")).edges is None
    with pytest.raises(UsageError, match="Leave --edges out"):
        Settings.from_passport(passport, Overrides(scales="reference", edges=True))
    without = passport.model_copy(update={"inference": InferenceRule()})
    with pytest.raises(UsageError, match="no rule for --edges"):
        Settings.from_passport(without, Overrides(edges=True))


def test_a_passport_without_a_rule_can_be_read_by_earlier_versions() -> None:
    passport = Passport(name="tiny", version="1", network=MESORCH_S, licence="none")
    assert "edges" not in passport.to_json()
    moving = passport.model_copy(update={"inference": InferenceRule(edges=RULE)})
    assert Passport.model_validate_json(moving.to_json()).inference.edges == RULE
