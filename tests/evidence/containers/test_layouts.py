"""Layouts of BMP, AVIF and JPEG beyond the usual: read right, or refused under their own name and never called damaged."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import read_photo
from mesorch_cli.evidence.containers import bmp
from tests.evidence.samples import encoded, picture, read


def bitmap(
    words: np.ndarray, bits: int, *, masks: tuple[int, ...] = (), size: int = 0, palette: bytes = b"", colours: int = 0
) -> bytes:
    """Return a BMP of (H, W) pixel values; masks after a 40-byte header, or in one of 52 (three) or 56 bytes (four)."""
    height, width = words.shape
    size = size or {0: 40, 3: 40, 4: 56}[len(masks)]
    rows = b""
    for row in words[::-1].astype(np.uint64):
        values = "".join(f"{int(value):0{bits}b}" for value in row) if bits < 8 else ""
        values += "0" * (-len(values) % 8)
        content = int(values, 2).to_bytes(len(values) // 8, "big") if bits < 8 else b""
        if bits >= 8:
            content = b"".join(int(value).to_bytes(bits // 8, "little") for value in row)
        rows += content.ljust(-(-width * bits // 32) * 4, b"\0")
    compression = 3 if masks else 0
    if size == 16:
        header = struct.pack("<iiHH", width, height, 1, bits)
    else:
        header = struct.pack("<iiHHIIiiII", width, height, 1, bits, compression, len(rows), 0, 0, colours, 0)
    extra = struct.pack(f"<{len(masks)}I", *masks) + palette
    offset = 14 + 4 + len(header) + len(extra)
    return (
        b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + struct.pack("<I", size) + header + extra + rows
    )


def full_range(words: np.ndarray, mask: int, deep: bool) -> np.ndarray:
    low = (mask & -mask).bit_length() - 1
    top = (1 << mask.bit_count()) - 1
    return np.rint((words.astype(np.int64) & mask) / (1 << low) * (65535 if deep else 255) / top)


@st.composite
def fields(draw: st.DrawFn) -> tuple[int, tuple[int, ...]]:
    """Draw a pixel size and three or four fields that lie next to each other in any order."""
    bits = draw(st.sampled_from((16, 24, 32)))
    count = draw(st.sampled_from((3, 4)))
    widths = [draw(st.integers(1, bits // count)) for _ in range(count)]
    order = draw(st.permutations(range(count)))
    masks, at = [0] * count, 0
    for number in order:
        masks[number] = ((1 << widths[number]) - 1) << at
        at += widths[number]
    return bits, tuple(masks)


@settings(max_examples=60, deadline=None)
@given(fields(), st.integers(1, 9), st.integers(1, 7), st.integers(0, 2**32 - 1))
def test_any_bit_fields_are_read_over_their_whole_range(
    layout: tuple[int, tuple[int, ...]], width: int, height: int, seed: int
) -> None:
    bits, masks = layout
    words = np.random.default_rng(seed).integers(0, 1 << bits, (height, width), np.uint64)
    photo = read(bitmap(words, bits, masks=masks))
    deep = photo.pixels.dtype == np.uint16
    assert deep == (max(mask.bit_count() for mask in masks) > 8)
    expected = np.stack([full_range(words, mask, deep) for mask in masks[:3]], -1)
    assert np.abs(photo.pixels - expected).max() <= 1


@pytest.mark.parametrize(
    ("bits", "masks"), [(16, (0xF800, 0x7E0, 0x1F)), (16, (0x7C00, 0x3E0, 0x1F)), (32, (0xFF0000, 0xFF00, 0xFF))]
)
def test_the_own_reader_agrees_with_pillow(bits: int, masks: tuple[int, ...]) -> None:
    words = np.random.default_rng(3).integers(0, 1 << bits, (20, 13), np.uint64)
    data = bitmap(words, bits, masks=masks)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    own = bmp.decode_plain(data, bmp.read_header(data)).array[..., :3].astype(int)
    assert np.abs(own - expected).max() <= (bits == 16)  # Pillow rounds fields of 5 and 6 bits down
    assert read(data).decode.reader == "pillow"


@pytest.mark.parametrize(("bits", "size"), [(2, 40), (2, 16), (4, 16), (8, 16), (1, 16)])
def test_palettes_that_pillow_does_not_read(bits: int, size: int) -> None:
    rng = np.random.default_rng(5)
    colours = rng.integers(0, 256, (1 << bits, 3), np.uint8)
    entries = b"".join(bytes(colour[::-1]) + b"\0" * (size != 16) for colour in colours)
    indices = rng.integers(0, 1 << bits, (11, 21))
    photo = read(bitmap(indices, bits, size=size, palette=entries))
    assert np.array_equal(photo.pixels, colours[indices])
    assert photo.decode.reader == "mesorch"


def test_a_palette_may_be_longer_than_its_indices_reach() -> None:
    colours = np.random.default_rng(6).integers(0, 256, (300, 3), np.uint8)
    entries = b"".join(bytes(colour[::-1]) + b"\0" for colour in colours)
    indices = np.arange(250).reshape(10, 25)
    assert np.array_equal(read(bitmap(indices, 8, palette=entries, colours=300)).pixels, colours[indices])


def with_field(data: bytes, at: int, layout: str, value: int) -> bytes:
    return data[:at] + struct.pack(layout, value) + data[at + struct.calcsize(layout) :]


BITMAP = bitmap(np.zeros((8, 8)), 24)
REFUSED = {
    "a BMP with a JPEG inside": with_field(BITMAP, 30, "<I", 4),
    "a BMP with a PNG inside": with_field(with_field(BITMAP, 30, "<I", 5), 28, "<H", 0),
    "a BMP compressed by method 99": with_field(BITMAP, 30, "<I", 99),
    "a BMP of 64 bits a pixel": with_field(BITMAP, 28, "<H", 64),
    "leave out blue": bitmap(np.zeros((4, 4)), 16, masks=(0xFF00, 0xFF, 0)),
    "not next to each other": bitmap(np.zeros((4, 4)), 16, masks=(0xF00F, 0xF0, 0xF00)),
    "bit fields overlap": bitmap(np.zeros((4, 4)), 16, masks=(0xFF, 0xF0, 0xF00)),
}


@pytest.mark.parametrize("words", REFUSED)
def test_other_bitmaps_are_refused_by_name(words: str) -> None:
    assert_refused(REFUSED[words], words)


def assert_refused(data: bytes, words: str) -> None:
    with pytest.raises(InputError) as caught:
        read_photo("-", data=data)
    assert caught.value.reason == "unsupported format"
    assert words in str(caught.value)
    assert "damaged" not in str(caught.value)
    assert "opy it again" not in str(caught.value)


def test_an_avif_above_the_limit_of_its_library_is_no_damaged_one() -> None:
    data = encoded(picture(), "AVIF")
    at = data.index(b"ispe") + 8
    assert_refused(
        data[:at] + struct.pack(">II", 17000, 17000) + data[at + 8 :], "too large for its decoder (17000 x 17000"
    )


def test_kinds_of_jpeg_without_a_decoder_are_refused_by_name() -> None:
    data = encoded(picture(), "JPEG")
    at = data.index(b"\xff\xc0") + 1
    assert_refused(data[:at] + b"\xc5" + data[at + 1 :], "a JPEG of the hierarchical kind")


def test_lossless_colour_that_does_not_say_its_colours_is_refused() -> None:
    """JFIF would make it YCbCr, and those who write such files store RGB."""
    data = bytes(imagecodecs.jpeg8_encode(picture(), lossless=True))
    start = data.index(b"\xff\xc3")
    frame = bytearray(data[start : start + 19])
    frame[10], frame[13], frame[16] = 1, 2, 3
    at = data.index(b"\xff\xda", start)
    scan = bytearray(data[at : at + 14])
    scan[5], scan[7], scan[9] = 1, 2, 3
    jfif = b"\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0"
    tables = data[start + 19 : at]
    assert_refused(
        b"\xff\xd8" + jfif + bytes(frame) + tables + bytes(scan) + data[at + 14 :], "a lossless JPEG in colour"
    )
