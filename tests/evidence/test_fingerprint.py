"""The fingerprint of what a photo shows: kept by saving again, told from other photos, the same however it is turned."""

from itertools import combinations

import cv2
import numpy as np
import pytest
from skimage import data

from mesorch_cli.evidence.fingerprint import fingerprint
from mesorch_cli.evidence.orientation import matrix, upright_size
from mesorch_cli.report.alike import FARTHEST

PHOTOS = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]


def distance(one: str, other: str) -> int:
    assert len(one) == len(other) == 16
    return (int(one, 16) ^ int(other, 16)).bit_count()


def saved(pixels: np.ndarray, quality: int, factor: float = 1.0) -> np.ndarray:
    small = cv2.resize(pixels, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


@pytest.mark.parametrize("pixels", PHOTOS)
@pytest.mark.parametrize(("quality", "factor"), [(30, 1.0), (75, 0.5), (60, 0.3), (90, 1.7)])
def test_a_photo_saved_or_resized_again_keeps_it(pixels: np.ndarray, quality: int, factor: float) -> None:
    assert distance(fingerprint(pixels, 1), fingerprint(saved(pixels, quality, factor), 1)) <= FARTHEST
    assert distance(fingerprint(pixels, 1), fingerprint(pixels.astype(np.uint16) * 257, 1)) <= 1


def test_other_photos_have_another() -> None:
    for one, other in combinations(PHOTOS, 2):
        assert distance(fingerprint(one, 1), fingerprint(other, 1)) > 2 * FARTHEST


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_that_is_turned_by_its_file_has_that_of_the_upright_one(orientation: int) -> None:
    stored = cv2.resize(PHOTOS[1], (96, 64), interpolation=cv2.INTER_AREA)
    width, height = upright_size(96, 64, orientation)
    a, b, c, d, e, f = matrix(96, 64, orientation)
    upright = np.empty((height, width, 3), np.uint8)
    for y in range(64):
        for x in range(96):
            middle = (a * (x + 0.5) + c * (y + 0.5) + e, b * (x + 0.5) + d * (y + 0.5) + f)
            upright[int(middle[1]), int(middle[0])] = stored[y, x]
    assert distance(fingerprint(stored, orientation), fingerprint(upright, 1)) <= 2


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (7, 5)])
def test_any_size_has_one(shape: tuple[int, int]) -> None:
    assert len(fingerprint(np.zeros((*shape, 3), np.uint8), 6)) == 16
