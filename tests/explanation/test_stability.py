"""What survives a check, against a second way to count, and the checks on photos that do not allow them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as np_strategies
from scipy import ndimage

from mesorch_cli.evidence import Photo
from mesorch_cli.evidence.photo import Decode, Integrity
from mesorch_cli.explanation.stability import CHECKS, NotPossibleError, outcomes, places_of
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.regions import find_regions
from tests.inference.networks import NATIVE, Pixelwise, noise, settings

EIGHT = np.ones((3, 3), int)
masks = np_strategies.arrays(bool, (24, 30))


def photo_of(pixels: np.ndarray) -> Photo:
    height, width = pixels.shape[:2]
    decode = Decode("test", "1", "PNG", width, height, 8, 1, 1, (), Integrity(True, ()))
    return Photo("a.png", 1, "0" * 64, pixels, decode, {})


@given(masks, masks)
def test_outcomes_are_those_of_a_second_count(above: np.ndarray, again: np.ndarray) -> None:
    regions, _ = find_regions(above.astype(np.float32), 0.5)
    places = places_of(regions, above)
    labels, _ = ndimage.label(again, EIGHT)
    for region, place, outcome in zip(regions, places, outcomes(places, above, again), strict=True):
        mask = np.zeros_like(above)
        mask[place.box] = place.mask
        assert mask.sum() == region.area_px
        assert not (mask & ~above).any()
        patches = np.isin(labels, np.unique(labels[mask & again])) & again
        assert outcome.kept == pytest.approx((mask & again).sum() / mask.sum(), abs=1e-4)
        expected = (patches & above).sum() / patches.sum() if patches.any() else 0
        assert outcome.within == pytest.approx(expected, abs=1e-4)
        assert outcome.survives == ((mask & again).sum() * 2 >= mask.sum() and expected >= 0.5)


def test_a_region_that_is_gone_or_drowned_does_not_survive() -> None:
    above = np.zeros((40, 40), bool)
    above[10:20, 10:20] = True
    places = places_of(find_regions(above.astype(np.float32), 0.5)[0], above)
    moved = np.roll(above, 3, axis=1)
    survive = [outcomes(places, above, again)[0].survives for again in (above, moved, ~above, np.ones_like(above))]
    assert survive == [True, True, False, False]


def test_two_regions_of_one_box_keep_their_own_pixels() -> None:
    above = np.zeros((60, 60), bool)
    for at in range(20):  # two diagonal stripes with the same box, one area
        above[at, 20 - at : 24 - at] = True
    above |= np.roll(above, 30, axis=1)
    places = places_of(find_regions(above.astype(np.float32), 0.5)[0], above)
    whole = np.zeros_like(above, int)
    for place in places:
        whole[place.box] += place.mask
    assert np.array_equal(whole, above)


def test_the_grid_of_one_tile_cannot_be_moved_and_a_small_photo_not_shrunk() -> None:
    photo = photo_of(noise(50, 60))
    detector = Detector(Pixelwise(), settings(scales=(NATIVE,), smallest_photo_side=50))
    usual = detector.detect(photo.pixels)
    shifted, resized, resaved, mirrored = CHECKS
    with pytest.raises(NotPossibleError, match="one tile"):
        shifted.run(detector, photo, usual, None)
    assert resized.run(detector, photo, usual, None).reason == "too small"
    for check in (resaved, mirrored):
        found = check.run(detector, photo, usual, None).map
        assert found is not None
        assert found.shape == (50, 60)


def test_16_bits_are_saved_as_8() -> None:
    photo = photo_of(noise(80, 90).astype(np.uint16) * 257)
    detector = Detector(Pixelwise(), settings(scales=(NATIVE,)))
    usual, again = detector.detect(photo.pixels), CHECKS[2].run(detector, photo, detector.detect(photo.pixels), None)
    assert usual.map is not None
    assert again.map is not None
    assert float(np.abs(again.map - usual.map).mean()) < 0.1
