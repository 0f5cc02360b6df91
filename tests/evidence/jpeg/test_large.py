"""JPEGs as large as the largest cameras of phones write them, in the memory that a decoding process has by default."""

import cv2
import pytest
from skimage import data

from mesorch_cli.evidence.isolation.isolated_reader import IsolatedReader
from mesorch_cli.evidence.jpeg.entropy import MAX_PARSED_PIXELS


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    photo = cv2.resize(data.coffee()[..., ::-1], (12000, 9000), interpolation=cv2.INTER_LINEAR)
    assert photo.shape[0] * photo.shape[1] > 2 * MAX_PARSED_PIXELS
    return cv2.imencode(".jpg", photo, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


def test_a_photo_of_108_megapixels_is_read_and_whole(jpeg: bytes) -> None:
    with IsolatedReader() as reader:
        photo = reader.read("large.jpg", data=jpeg)
    assert photo.pixels.shape == (9000, 12000, 3)
    assert photo.decode.integrity.ok, photo.decode.integrity.findings


@pytest.mark.parametrize("damage", ["cut", "zeros", "bytes gone"])
def test_its_damage_is_found(jpeg: bytes, damage: str) -> None:
    middle = len(jpeg) // 2
    broken = {
        "cut": jpeg[:middle],
        "zeros": jpeg[:middle] + bytes(4096) + jpeg[middle + 4096 :],
        "bytes gone": jpeg[:middle] + jpeg[middle + 4096 :],
    }[damage]
    with IsolatedReader() as reader:
        photo = reader.read("large.jpg", data=broken)
    assert not photo.decode.integrity.ok
