"""The pictures of a result: fixed scale, own size, same bytes; and a photo that shows through."""

import cv2
import numpy as np
import pytest

from mesorch_cli.inference.regions import WEAK_MEAN
from mesorch_cli.report import overlay


def decode(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_the_heat_map_keeps_sixteen_bits() -> None:
    probability = np.linspace(0, 1, 20_000, dtype=np.float32).reshape(100, 200)
    heat = decode(overlay.heatmap(probability))
    assert heat.dtype == np.uint16
    np.testing.assert_array_equal(heat, np.rint(probability * np.float32(65535)))
    assert len(np.unique(heat)) == 20_000


def test_the_mask_is_strictly_above_the_threshold() -> None:
    probability = np.array([[0.2, 0.5, 0.50001]], np.float32)
    assert decode(overlay.mask(probability, 0.5)).tolist() == [[0, 0, 255]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colours_have_a_fixed_scale(dtype: type) -> None:
    """A map of .3 everywhere must not look like one of .9: nothing is stretched to the photo's own range."""
    pixels = np.full((200, 400, 3), np.iinfo(dtype).max // 2, dtype)
    means = []
    for value in (0.0, 0.3, 0.9):
        picture = decode(overlay.overlay(pixels, np.full((200, 400), value, np.float32), 0.95))
        means.append(picture[60:160, 60:300].reshape(-1, 3).mean(axis=0))
    assert np.ptp(means[0]) < 1  # no probability: the grey photo
    assert abs(means[0][0] - 127) < 2
    assert np.abs(means[1] - means[2]).max() > 40


def test_the_photo_shows_through_where_the_map_is_brightest() -> None:
    """Two neighbouring greys must stay told apart under a probability of 1: that is where an examiner looks."""
    pixels = np.full((400, 400, 3), 60, np.uint8)
    pixels[:, 200:] = 180
    picture = decode(overlay.overlay(pixels, np.ones((400, 400), np.float32), 0.5)).astype(int)
    left, right = (picture[200, overlay.MARGIN + x] for x in (100, 300))
    assert (right - left >= 60).all()


def test_weak_regions_are_drawn_dimmer() -> None:
    pixels = np.zeros((400, 400, 3), np.uint8)
    brightest = []
    for value in (0.9, WEAK_MEAN + 0.01, WEAK_MEAN - 0.01):
        probability = np.zeros((400, 400), np.float32)
        probability[100:300, 100:300] = value
        picture = decode(overlay.overlay(pixels, probability, 0.1))
        edge = picture[overlay.MARGIN + 200, overlay.MARGIN + 95 : overlay.MARGIN + 105]
        brightest.append(int(edge.min(axis=1).max()))
    assert brightest[0] == brightest[1] == 255
    assert 100 < brightest[2] < 200


def test_a_region_is_outlined_and_a_bar_stands_beside() -> None:
    pixels = np.full((300, 300, 3), 90, np.uint8)
    probability = np.zeros((300, 300), np.float32)
    probability[100:200, 100:200] = 0.9
    picture = decode(overlay.overlay(pixels, probability, 0.5))
    assert picture.shape[1] > 300 + overlay.BAR_WIDTH
    scale = 320 / 300
    edge = picture[int(overlay.MARGIN + 150 * scale), :]
    assert (edge[: int(overlay.MARGIN + 120 * scale)] == 255).all(axis=1).sum() > overlay.MARGIN  # contour, paper
    assert overlay.overlay(pixels, probability, 0.5) == overlay.overlay(pixels, probability, 0.5)


@pytest.mark.parametrize("shape", [(16, 16), (20, 3000), (3000, 20), (64, 5000)])
def test_any_shape_gives_a_readable_picture(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    picture = decode(overlay.overlay(pixels, np.full(shape, 0.4, np.float32), 0.5))
    assert max(picture.shape) <= overlay.LONGEST_OVERLAY + 2 * overlay.MARGIN + 200
    assert min(picture.shape[:2]) >= 100
