"""JPEGs that cameras and phones write out of order, and whose picture is whole: analysed, with a note in plain words."""

import re
from collections.abc import Callable

import numpy as np
import pytest

from mesorch_cli.evidence.decoding.reader import read_photo
from tests.evidence.samples import encoded, picture

PLAIN = encoded(picture(120, 168), "JPEG", quality=85)
RESTARTS = encoded(picture(120, 168), "JPEG", quality=85, restart_marker_rows=1)
PROGRESSIVE = encoded(picture(120, 168), "JPEG", quality=85, progressive=True)
SAMSUNG = b"\0\0\x01\n\x0e\0\0\0Image_UTC_Data1590000000000"
SAMSUNG += b"SEFH" + bytes((107, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 10, 35, 0, 0, 0, 35, 0, 0, 0)) + b"\x18\0\0\0SEFT"
COMMENT = b"\xff\xfe\0\x08camera"
VIDEO = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(range(256)) * 4


def without_end(data: bytes) -> bytes:
    assert data.endswith(b"\xff\xd9")
    return data[:-2]


def before_end(data: bytes, more: bytes) -> bytes:
    return without_end(data) + more + b"\xff\xd9"


def before_restarts(data: bytes) -> bytes:
    """Put a byte before every restart marker, as some webcams do."""
    return re.sub(rb"\xff[\xd0-\xd7]", lambda marker: b"\x5a" + marker[0], data)


def doubled_restart(data: bytes) -> bytes:
    return data.replace(b"\xff\xd2", b"\xff\xd2\xff\xd2", 1)


def junk_in_the_header(data: bytes) -> bytes:
    at = data.index(b"\xff\xdb")
    return data[:at] + b"\xff\0" + data[at:]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: without_end(PLAIN), "no end-of-image marker, but every block"),
        (lambda: without_end(PROGRESSIVE), "no end-of-image marker, but every block"),
        (lambda: without_end(PLAIN) + SAMSUNG, "a Samsung trailer"),
        (lambda: without_end(RESTARTS) + VIDEO, "a video"),
        (lambda: before_restarts(RESTARTS), "belong to no block; every block is there"),
        (lambda: before_end(RESTARTS, b"\xff\xd0\xff\xd1\xff\xd2"), "restart markers more than the picture needs"),
        (lambda: doubled_restart(RESTARTS), "1 restart marker more than the picture needs"),
        (lambda: before_end(PLAIN, bytes(3)), "3 bytes of the compressed data belong to no block"),
        (lambda: before_end(PLAIN, bytes(608)), "608 bytes of the compressed data belong to no block"),
        (lambda: before_end(PLAIN, bytes(608) + COMMENT), "608 bytes of the compressed data belong to no block"),
        (lambda: before_end(PLAIN, b"\x55" * 700), "700 bytes of the compressed data belong to no block"),
        (lambda: junk_in_the_header(PLAIN), "an unexpected marker FF00"),
    ],
)
def test_a_whole_picture_is_read_and_its_oddity_noted(make: Callable[[], bytes], said: str) -> None:
    data = make()
    photo = read_photo("odd.jpg", data=data)
    assert photo.decode.integrity.ok, photo.decode.integrity.findings
    assert any(said in finding for finding in photo.decode.integrity.findings), photo.decode.integrity.findings


@pytest.mark.parametrize(
    "make",
    [
        lambda: without_end(PLAIN)[:-40],
        lambda: without_end(PLAIN)[:-40] + SAMSUNG,
        lambda: without_end(PROGRESSIVE)[: PROGRESSIVE.rindex(b"\xff\xda")],
        lambda: PLAIN[:-60] + bytes(58) + b"\xff\xd9",
        lambda: before_end(PLAIN, bytes(range(1, 60))),
        lambda: before_restarts(RESTARTS[:-217] + RESTARTS[-197:]),
    ],
)
def test_what_is_missing_is_still_called_damage(make: Callable[[], bytes]) -> None:
    assert not read_photo("odd.jpg", data=make()).decode.integrity.ok


def test_surplus_restart_markers_do_not_move_the_picture() -> None:
    plain, odd = (read_photo("odd.jpg", data=data) for data in (RESTARTS, before_end(RESTARTS, b"\xff\xd0\xff\xd1")))
    np.testing.assert_array_equal(plain.pixels, odd.pixels)
