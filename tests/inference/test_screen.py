"""Screenshots are told from photos, and the verdict follows."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import Verdict
from mesorch_cli.inference.screen import CELL, LEVELS, looks_like_screen, measure_screen, standing_out
from mesorch_cli.inference.screen_rule import LIKE_A_SCREEN, RULE, ScreenMeasures
from mesorch_cli.network.rules import Calibration, ScoreRule
from tests.inference.networks import WHOLE, Pixelwise, noise, settings
from tests.inference.screens import saved, scan, scene, screenshot


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [(1366, 768), (1080, 2400), (640, 480)])
def test_a_screenshot_is_known_however_it_was_saved(size: tuple[int, int], dark: bool) -> None:
    shot = screenshot(*size, dark=dark)
    for pixels in (shot, saved(shot, 95), saved(shot, 70), saved(shot, 85, 0.75)):
        assert looks_like_screen(pixels)


@pytest.mark.parametrize("paper", [(255, 255, 255), (226, 223, 215), (252, 240, 160), (208, 226, 244)])
@pytest.mark.parametrize("grain", [0.0, 3.0, 9.0])
def test_a_scan_of_a_text_is_known_with_its_grain_and_on_any_paper(grain: float, paper: tuple[int, int, int]) -> None:
    page = scan(grain, paper)
    grey = np.repeat(cv2.cvtColor(page, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    for pixels in (
        page,
        saved(page, 40),
        saved(page, 85),
        saved(page, 85, 0.75),
        grey,
        saved(np.asarray(grey, np.uint8), 60),
    ):
        assert looks_like_screen(pixels)


def test_an_empty_sheet_and_a_photo_of_the_contrast_of_paper_are_no_text() -> None:
    noise = np.random.default_rng(0).normal(230, 5, (400, 300, 3))
    assert not looks_like_screen(np.clip(noise, 0, 255).astype(np.uint8))
    for light in (1.0, 2.5):
        flat = np.rint(190 + scene(light=light) * 0.2).astype(np.uint8)
        assert not looks_like_screen(flat)
        assert not looks_like_screen(saved(flat, 60))


@pytest.mark.parametrize("light", [0.15, 1.0, 2.5])
@pytest.mark.parametrize("quality", [20, 70, 95])
def test_a_photo_is_no_screenshot_dark_or_over_exposed_however_it_was_saved(quality: int, light: float) -> None:
    pixels = scene(light=light)
    assert not looks_like_screen(pixels)
    assert not looks_like_screen(saved(pixels, quality))
    assert not looks_like_screen(saved(pixels, quality, 0.25))


def test_a_photo_with_a_frame_and_a_caption_is_no_screenshot() -> None:
    framed = cv2.copyMakeBorder(scene(), 150, 150, 150, 150, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    cv2.putText(framed, "What a day it was", (160, 90), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 3)
    assert not looks_like_screen(framed)


@given(st.integers(1, 80), st.integers(1, 80))
@hypothesis_settings(deadline=None)
def test_small_pictures_are_measured_or_left_alone(height: int, width: int) -> None:
    measures = measure_screen(noise(height, width))
    assert (measures is None) == (min(height, width) < CELL)
    assert not looks_like_screen(noise(height, width))


def test_sixteen_bits_are_measured_as_eight() -> None:
    shot = screenshot(640, 480)
    assert measure_screen(shot.astype(np.uint16) * 257) == measure_screen(shot)


def test_all_measures_are_shares_and_what_shows_nothing_is_no_screenshot() -> None:
    measures = measure_screen(screenshot())
    assert measures is not None
    assert all(0.0 <= share <= 1.0 for share in vars(measures).values())
    assert RULE.catches(measures)
    assert not RULE.catches(replace(measures, shown=RULE.least_shown / 2, inked=0.0))
    nothing = measure_screen(np.zeros((200, 300, 3), np.uint8))
    assert nothing == ScreenMeasures(0.0, 0.0, 0.0, paper=1.0)
    assert not RULE.catches(nothing)


def test_what_is_printed_and_on_how_much_of_the_sheet_decides() -> None:
    measures = measure_screen(scan(6.0))
    assert measures is not None
    assert RULE.scan is not None
    assert RULE.scan.catches(measures)
    assert not replace(RULE, scan=None).catches(measures)  # its noise hides it from the rule for screens
    for change in ({"inked": RULE.scan.least_inked / 2}, {"printed": 0.2}, {"paper": 0.4}, {"light": 0.6}):
        assert not RULE.scan.catches(replace(measures, **change))


@given(st.integers(0, LEVELS - 1), st.integers(1, 1000), st.integers(0, 1000))
def test_one_level_stands_out_by_what_it_has_more_than_those_beside_it(level: int, many: int, few: int) -> None:
    histogram = np.full(LEVELS, few)
    histogram[level] = few + many
    assert standing_out(histogram) == pytest.approx(many / (LEVELS * few + many))
    assert standing_out(np.full(LEVELS, many)) == pytest.approx(0.0) or few == many


CALIBRATED = ScoreRule(calibration=Calibration(slope=1.0, intercept=0.0, fitted_on="made"))


@pytest.mark.parametrize("logit", [-9.0, 9.0])
def test_the_verdict_on_a_screenshot_is_inconclusive_whatever_the_score(logit: float) -> None:
    backend = Pixelwise(lambda images: np.full((images.shape[0], 1, *images.shape[2:]), logit))
    chosen = settings(scales=(WHOLE,), score=CALIBRATED)
    of_screen = Detector(backend, chosen).detect(screenshot())
    assert (of_screen.verdict, of_screen.probability) == (Verdict.INCONCLUSIVE, None)
    assert LIKE_A_SCREEN in of_screen.flags
    of_photo = Detector(backend, chosen).detect(scene())
    assert of_photo.verdict is (Verdict.EVIDENCE if logit > 0 else Verdict.NO_EVIDENCE)
    assert of_photo.probability is not None
    assert LIKE_A_SCREEN not in of_photo.flags
    assert of_screen.score == pytest.approx(of_photo.score)  # the score is what it is


def test_the_reference_analysis_says_what_was_published() -> None:
    backend = Pixelwise(lambda images: np.full((images.shape[0], 1, *images.shape[2:]), 9.0))
    found = Detector(backend, settings(scales=(WHOLE,), reference=True)).detect(screenshot())
    assert found.verdict is Verdict.EVIDENCE
    assert LIKE_A_SCREEN not in found.flags
