"""Which tiles a first look at the whole photo leaves out, with networks whose answer is known for every pixel."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mesorch_cli.errors import UsageError
from mesorch_cli.inference.detection import Detection
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.first_look import detail
from mesorch_cli.inference.passes import Variation
from mesorch_cli.inference.settings import Overrides, Settings
from mesorch_cli.network.passport import Passport
from mesorch_cli.network.rules import FirstLookRule, InferenceRule, Scale
from tests.inference.networks import NATIVE, WHOLE, Pixelwise, noise, settings

RULE = FirstLookRule(detail=1.0, share=0.1)
BOTH = (WHOLE, NATIVE)
SIDE = 64


def contrast(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Say 4 where red exceeds blue, -4 elsewhere."""
    return np.where(images[:, :1] > images[:, 2:] + 1.0, 4.0, -4.0)


def quiet_photo(height: int, width: int) -> NDArray[np.uint8]:
    """Return a grey photo with two grey levels of grain."""
    return (120 + noise(height, width) // 86).astype(np.uint8)


def detected(pixels: NDArray[np.generic], rule: FirstLookRule | None, **changes: object) -> tuple[Detection, int]:
    backend = Pixelwise(contrast)
    chosen = settings(**({"side": SIDE, "scales": BOTH, "overlap": 0.0, "first_look": rule} | changes))
    detection = Detector(backend, chosen).detect(pixels)  # type: ignore[arg-type]
    return detection, sum(shape[0] for shape in backend.shapes)


def test_only_the_tile_with_something_in_it_is_analysed_of_a_photo_without_detail() -> None:
    pixels = quiet_photo(4 * SIDE, 4 * SIDE)
    pixels[80:112, 80:112] = (220, 60, 60)
    detection, seen = detected(pixels, RULE)
    assert (detection.tiles, detection.tiles_left_out, seen) == (2, 15, 2)
    assert detection.coverage == 1.0
    assert len(detection.regions) == 1
    box = detection.regions[0]
    assert abs(box.x - 80) <= 4
    assert abs(box.y - 80) <= 4


def test_a_tile_with_detail_is_analysed_though_nothing_was_seen_there() -> None:
    pixels = quiet_photo(4 * SIDE, 4 * SIDE)
    pixels[80:112, 80:112] = (220, 60, 60)
    squares = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((8, 8)))[..., None]
    pixels[:SIDE, :SIDE] = 60 + 120 * squares
    detection, _ = detected(pixels, RULE)
    assert (detection.tiles, detection.tiles_left_out) == (3, 14)


def test_the_map_is_that_of_every_tile_where_tiles_were_analysed_and_of_the_whole_photo_elsewhere() -> None:
    pixels = quiet_photo(4 * SIDE, 4 * SIDE)
    pixels[80:112, 80:112] = (220, 60, 60)
    found, _ = detected(pixels, RULE)
    every, _ = detected(pixels, None)
    whole, _ = detected(pixels, None, scales=(WHOLE,))
    assert found.map is not None
    assert every.map is not None
    assert whole.map is not None
    kept = (slice(SIDE, 2 * SIDE), slice(SIDE, 2 * SIDE))
    np.testing.assert_allclose(found.map[kept], every.map[kept], atol=1e-6)
    elsewhere = np.ones(pixels.shape[:2], bool)
    elsewhere[kept] = False
    np.testing.assert_allclose(found.map[elsewhere], whole.map[elsewhere], atol=1e-6)
    assert every.tiles_left_out == 0


def test_a_photo_in_which_nothing_stands_out_has_every_tile_analysed() -> None:
    detection, _ = detected(quiet_photo(3 * SIDE, 3 * SIDE), RULE)
    assert (detection.tiles, detection.tiles_left_out) == (10, 0)


@pytest.mark.parametrize("scales", [(NATIVE,), (NATIVE, WHOLE)], ids=["no whole view", "whole view last"])
def test_nothing_is_left_out_before_the_whole_photo_was_seen(scales: tuple[Scale, ...]) -> None:
    pixels = quiet_photo(4 * SIDE, 4 * SIDE)
    pixels[80:112, 80:112] = (220, 60, 60)
    detection, _ = detected(pixels, RULE, scales=scales)
    assert detection.tiles_left_out == 0


@given(st.integers(SIDE, 300), st.integers(SIDE, 300), st.sampled_from([0, 128, 200]), st.floats(0, 0.5))
@hypothesis_settings(max_examples=60, deadline=None)
def test_a_mark_that_the_whole_view_sees_keeps_its_tiles(
    height: int, width: int, long_side: int, overlap: float
) -> None:
    pixels = quiet_photo(height, width)
    row, column = height // 3, width // 3
    pixels[row : row + 24, column : column + 24] = (220, 60, 60)
    scales = (WHOLE, Scale(kind="tiles", long_side=long_side))
    found, _ = detected(pixels, RULE, scales=scales, overlap=overlap)
    every, _ = detected(pixels, None, scales=scales, overlap=overlap)
    assert found.tiles + found.tiles_left_out == every.tiles
    assert found.coverage == 1.0
    assert found.map is not None
    assert every.map is not None
    # Of a corner that reaches a pixel into the next tile, the whole view may see nothing.
    whole, _ = detected(pixels, None, scales=(WHOLE,))
    assert whole.map is not None
    seen = (whole.map >= RULE.share * whole.map.max()).astype(np.uint8)
    around = np.ones((9, 9), np.uint8)  # a pixel of the tiles' scale is at most 2.4 of the photo
    sure = cv2.erode(seen, around) > 0
    assert sure[row : row + 24, column : column + 24].any()
    np.testing.assert_allclose(found.map[sure], every.map[sure], atol=1e-5)


def test_in_a_mirrored_analysis_the_same_tiles_are_left_out() -> None:
    pixels = quiet_photo(4 * SIDE, 4 * SIDE)
    pixels[80:112, 16:48] = (220, 60, 60)  # well on the left
    found, _ = detected(pixels, RULE)
    backend = Pixelwise(contrast)
    chosen = settings(side=SIDE, scales=BOTH, overlap=0.0, first_look=RULE)
    mirrored = Detector(backend, chosen).detect(pixels, variation=Variation(mirrored=True))
    assert (mirrored.tiles, mirrored.tiles_left_out) == (found.tiles, found.tiles_left_out) == (2, 15)
    assert found.map is not None
    assert mirrored.map is not None
    np.testing.assert_allclose(mirrored.map, found.map, atol=1e-5)


def test_a_photo_of_16_bits_has_the_same_tiles_left_out() -> None:
    pixels = quiet_photo(4 * SIDE, 4 * SIDE)
    pixels[80:112, 80:112] = (220, 60, 60)
    detection, _ = detected(pixels.astype(np.uint16) * 257, RULE)
    assert (detection.tiles, detection.tiles_left_out) == (2, 15)


def test_detail_is_none_for_one_colour_little_for_grain_and_much_for_edges() -> None:
    rows = np.indices((64, 64))[0]
    edges = np.repeat((rows // 8 % 2 * 100 + 50)[..., None], 3, axis=2).astype(np.uint8)
    grain = cv2.addWeighted(np.full((64, 64, 3), 110, np.uint8), 1.0, noise(64, 64), 0.04, 0)
    assert detail(np.full((64, 64, 3), 90, np.uint8)) == 0.0
    assert detail(grain) < 0.7
    assert detail(edges) > 5.0
    assert detail(np.full((1, 1, 3), 90, np.uint8)) == 0.0


def test_detail_is_measured_in_steps_across_and_down() -> None:
    rising = np.repeat(np.tile(np.arange(0, 192, 3, dtype=np.uint8), (64, 1))[..., None], 3, axis=2)
    assert detail(rising) == pytest.approx(3.0, abs=0.25)  # the blur holds the edges
    assert detail(rising.transpose(1, 0, 2)) == pytest.approx(detail(rising), abs=1e-6)


class TestSettings:
    """The rule of the passport, and the option."""

    def passport(self, rule: FirstLookRule | None) -> Passport:
        from mesorch_cli.network.config import MESORCH_S

        return Passport(
            name="test",
            version="1",
            network=MESORCH_S,
            licence="test",
            inference=InferenceRule(scales=BOTH, first_look=rule),
        )

    def test_the_passport_decides_unless_asked(self) -> None:
        passport = self.passport(RULE)
        assert Settings.from_passport(passport).first_look == RULE
        assert Settings.from_passport(passport, Overrides(first_look=False)).first_look is None
        assert Settings.from_passport(passport, Overrides(scales="reference")).first_look is None

    def test_without_a_rule_it_cannot_be_asked_for(self) -> None:
        with pytest.raises(UsageError, match="no rule for --first-look"):
            Settings.from_passport(self.passport(None), Overrides(first_look=True))

    def test_the_reference_analysis_refuses_it(self) -> None:
        chosen = Settings.from_passport(self.passport(None), Overrides(scales="reference"))
        with pytest.raises(UsageError, match="Leave --first-look out"):
            replace(chosen, first_look=RULE)

    def test_a_passport_without_it_reads_as_it_did_before(self) -> None:
        assert "first_look" not in self.passport(None).to_json()
        assert '"first_look":{"detail":1.0,"share":0.1}' in self.passport(RULE).to_json()
