"""Which steps a JPEG's brightness was quantised with, and when a file does not say it."""

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from mesorch_cli.evidence.decoding.reader import read_photo
from mesorch_cli.inference.detector import Detector
from mesorch_cli.inference.scoring import Verdict
from tests.evidence.samples import encoded, picture

SPLICE = Path(__file__).parents[3] / "examples" / "splice.jpg"
DQT, SOF = b"\xff\xdb", b"\xff\xc0"
HEADER = 5  # bytes of a segment with one table before its first step


def with_step(data: bytes, place: int, value: int) -> bytes:
    """Change one step of the first table."""
    at = data.index(DQT) + HEADER + place
    return data[:at] + bytes([value]) + data[at + 1 :]


def with_tables_swapped(data: bytes) -> bytes:
    """Call table 0 of a colour JPEG table 1, and the other way round. The picture stays the same."""
    changed = bytearray(data)
    at = 0
    while (at := data.find(DQT, at)) >= 0:
        changed[at + HEADER - 1] ^= 1
        at += 4
    frame = data.index(SOF) + 10
    for component in range(3):
        changed[frame + 3 * component + 2] ^= 1
    return bytes(changed)


def test_the_steps_are_those_of_the_first_table() -> None:
    data = encoded(picture(), "JPEG", quality=80)
    with Image.open(io.BytesIO(data)) as image:
        table = image.quantization[0]  # type: ignore[attr-defined]
    assert read_photo("-", data=data).steps.ravel().tolist() == table  # type: ignore[union-attr]


def test_brightness_may_have_another_table() -> None:
    data = encoded(picture(), "JPEG", quality=80)
    plain, swapped = read_photo("-", data=data), read_photo("-", data=with_tables_swapped(data))
    assert np.array_equal(plain.pixels, swapped.pixels)
    assert (plain.metadata["jpeg"]["tables"], swapped.metadata["jpeg"]["tables"]) == ([0, 1, 1], [1, 0, 0])
    assert np.array_equal(plain.steps, swapped.steps)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", [0, 9, 63])
def test_a_step_of_0_says_nothing_and_is_noted(place: int) -> None:
    photo = read_photo("-", data=with_step(encoded(picture(), "JPEG", quality=80), place, 0))
    assert photo.steps is None
    assert "JPEG: quantisation table 0 has a step of 0, which the standard forbids" in photo.metadata["notes"]


def test_a_step_of_0_does_not_hide_a_forgery() -> None:
    detector = Detector.load()
    forged = SPLICE.read_bytes()
    verdicts = [detector.detect_photo(read_photo("-", data=data)).verdict for data in (forged, with_step(forged, 9, 0))]
    assert verdicts == [Verdict.EVIDENCE, Verdict.EVIDENCE]


@pytest.mark.parametrize(
    ("options", "stored"),
    [
        ({"colorspace": "rgb", "outcolorspace": "rgb"}, "RGB"),
        ({"colorspace": "rgb", "outcolorspace": "ycbcr"}, "YCbCr"),
    ],
)
def test_what_the_components_store_is_told(options: dict[str, str], stored: str) -> None:
    data = imagecodecs.jpeg8_encode(picture(), level=90, **options)
    photo = read_photo("-", data=data)
    assert photo.metadata["jpeg"]["stores"] == stored
    assert (photo.steps is not None) == (stored == "YCbCr")


def rgb() -> bytes:
    return imagecodecs.jpeg8_encode(picture(), level=90, colorspace="rgb", outcolorspace="rgb")


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def without(data: bytes, marker: int) -> bytes:
    """Return a file without its first segment of a kind."""
    at = data.find(bytes((0xFF, marker)))
    return data if at < 0 else data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]


@pytest.mark.parametrize(
    "name", ["JFIF that is too short", "Adobe that is too short", "JFIF after the first scan", "Adobe, transform 1"]
)
def test_segments_decide_as_they_do_for_the_decoder(name: str) -> None:
    """Whether the pixels changed says how the decoder took the components."""
    plain = without(without(rgb(), 0xE0), 0xEE)
    frame = plain.index(SOF) + 10
    named = bytearray(plain)
    named[frame : frame + 9 : 3] = b"RGB"
    scan = plain.index(b"\xff\xda") + 5
    named[scan : scan + 6 : 2] = b"RGB"
    data = bytes(named)
    more = {
        "JFIF that is too short": segment(0xE0, b"JFIF\0\1\1"),
        "Adobe that is too short": segment(0xEE, b"Adobe\0\x64\0\0"),
        "JFIF after the first scan": b"",
        "Adobe, transform 1": segment(0xEE, b"Adobe\0\x64\0\0\0\0\1"),
    }[name]
    changed = data[:2] + more + data[2:]
    if name == "JFIF after the first scan":
        changed = data[:-2] + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0") + data[-2:]
    before, after = read_photo("-", data=data), read_photo("-", data=changed)
    assert before.metadata["jpeg"]["stores"] == "RGB"
    same = np.array_equal(before.pixels, after.pixels)
    assert same == (name != "Adobe, transform 1")
    assert after.metadata["jpeg"]["stores"] == ("RGB" if same else "YCbCr")


def test_samples_of_12_bits_are_not_compared_with_steps_of_8() -> None:
    wide = picture().astype(np.uint16) * 16
    photo = read_photo("-", data=imagecodecs.jpeg8_encode(wide, level=90, bitspersample=12))
    assert photo.decode.bits == 12
    assert photo.steps is None


def test_a_grey_file_has_one_table() -> None:
    photo = read_photo("-", data=encoded(picture()[..., 0], "JPEG", quality=80))
    assert photo.metadata["jpeg"]["stores"] == "grey"
    assert photo.steps is not None
