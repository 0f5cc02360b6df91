"""Every kind of TIFF against a second library, or refused under its own name: no wrong pixels, no false damage."""

import io
import itertools
import struct
import zlib
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import ReadOptions, read_photo
from tests.evidence.samples import encoded, picture, ramp16, read, tiff
from tests.evidence.tiff import tiff_bytes as tb
from tests.evidence.tiff.tiff_bytes import built, lzw, packed, ycbcr_blocks

GREY = picture()[..., 0].copy()
HEIGHT, WIDTH = GREY.shape
SEED = 20


def by_libtiff(data: bytes) -> np.ndarray:
    """Return the samples as libtiff gives them, channels last."""
    array = np.asarray(imagecodecs.tiff_decode(data, index=0))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        planar = file.pages[0].planarconfig == 2
    return array.transpose(1, 2, 0) if planar and array.ndim == 3 else array


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def refused(data: bytes) -> InputError:
    with pytest.raises(InputError) as caught:
        read_photo("-", data=data)
    return caught.value


def findings(data: bytes, *, ok: bool) -> str:
    integrity = read_photo("-", data=data).decode.integrity
    assert integrity.ok == ok, integrity
    return "; ".join(integrity.findings)


LAYOUTS: list[dict[str, Any]] = [
    {},
    {"rowsperstrip": 7},
    {"tile": (16, 32)},
    {"planarconfig": "separate"},
    {"planarconfig": "separate", "tile": (32, 16)},
    {"byteorder": ">", "rowsperstrip": 16},
    {"bigtiff": True},
]
COMPRESSIONS: list[dict[str, Any]] = [
    {},
    {"compression": "lzw"},
    {"compression": "lzw", "predictor": 2},
    {"compression": "zlib", "predictor": 2},
    {"compression": "packbits"},
    {"compression": "lzma"},
    {"compression": "zstd"},
]


@pytest.mark.parametrize("compression", COMPRESSIONS, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_layout_and_compression_is_what_went_in_and_what_libtiff_reads(
    layout: dict[str, Any], compression: dict[str, Any]
) -> None:
    for array in (picture(), ramp16(61, 83)):
        stored = array.transpose(2, 0, 1) if "planarconfig" in layout else array
        data = tiff(np.ascontiguousarray(stored), photometric="rgb", **layout, **compression)
        photo = read(data)
        assert np.array_equal(photo.pixels, array)
        assert np.array_equal(by_libtiff(data), array)


@pytest.mark.parametrize("bits", range(1, 33))
@pytest.mark.parametrize("channels", [1, 3])
def test_samples_of_any_depth_span_the_full_range(bits: int, channels: int) -> None:
    """The deepest value of n bits is white, whatever type holds it."""
    rng = np.random.default_rng(SEED + bits)
    top = (1 << bits) - 1
    stored = rng.integers(0, top, (9, 11 * channels), np.uint64, endpoint=True)
    stored[0, :2] = 0, top
    tags = {tb.BITS: [bits] * channels, tb.SAMPLES: channels, tb.PHOTOMETRIC: 2 if channels == 3 else 1}
    data = built(11, 9, [packed(stored, bits)] if bits != 16 else [stored.astype("<u2").tobytes()], tags)
    if bits == 32:
        data = built(11, 9, [stored.astype("<u4").tobytes()], tags)
    if bits == 24:
        wide = stored.astype("<u4")[..., None].view(np.uint8)[..., :3]
        data = built(11, 9, [np.ascontiguousarray(wide).tobytes()], tags)
    photo = read(data)
    full = 255 if bits <= 8 else 65535
    expected = np.rint(stored.astype(np.float64) * full / top).reshape(9, 11, channels)
    assert np.abs(photo.pixels - np.broadcast_to(expected, (9, 11, 3))).max() <= (0 if bits in (8, 16) else 1)
    assert (photo.pixels.min(), photo.pixels.max()) == (0, full)
    if bits not in (8, 16):
        assert f"{bits}-bit samples scaled" in photo.decode.conversions[0]
    if bits in (2, 4, 8, 10, 12, 14, 16, 32):
        assert np.array_equal(by_libtiff(data).reshape(stored.shape), stored)


@pytest.mark.parametrize("photometric", [0, 1])
def test_grey_and_its_inverse_agree_with_pillow(photometric: int) -> None:
    data = built(WIDTH, HEIGHT, [GREY.tobytes()], {tb.PHOTOMETRIC: photometric})
    assert np.array_equal(read(data).pixels, by_pillow(data))


@pytest.mark.parametrize("end", [True, False], ids=["end code", "no end code"])
def test_lzw_strips_need_no_end_code(end: bool) -> None:
    """Old writers leave it out; the last samples are the ones that a reader then gets wrong."""
    rng = np.random.default_rng(SEED)
    for length in itertools.chain(range(1, 200), range(3000, 3030)):
        row = rng.integers(0, 1 + length % 250, length).astype(np.uint8)
        data = built(length, 1, [lzw(row.tobytes(), end=end)], {tb.COMPRESSION: 5})
        photo = read(data)
        assert np.array_equal(photo.pixels[0, :, 0], row), length
        assert photo.decode.integrity.findings == ()
        assert np.array_equal(by_pillow(data)[0, :, 0], row)


def test_lzw_data_that_breaks_off_is_read_to_there_and_told() -> None:
    whole = lzw(GREY.tobytes(), end=True)
    photo = read_photo("-", data=built(WIDTH, HEIGHT, [whole[: len(whole) // 2]], {tb.COMPRESSION: 5}))
    assert "strip 1 of 1 decodes to" in photo.decode.integrity.findings[0]
    read_rows = HEIGHT // 3
    assert np.array_equal(photo.pixels[:read_rows, :, 0], GREY[:read_rows])
    assert not photo.pixels[-5:].any()


def test_lzw_data_of_any_bytes_costs_one_file_and_no_process() -> None:
    rng = np.random.default_rng(SEED)
    for _ in range(150):
        noise = rng.integers(0, 256, int(rng.integers(3, 300)), np.uint8).tobytes()
        data = built(100, 100, [b"\x80" + noise], {tb.COMPRESSION: 5})
        try:
            assert not read_photo("-", data=data).decode.integrity.ok
        except InputError as error:
            assert error.reason == "damaged"  # noqa: PT017


def test_a_deflated_strip_may_hold_more_than_its_rows_if_its_checksum_holds() -> None:
    rows = GREY.tobytes()
    deflated = zlib.compress(rows + bytes(5 * WIDTH))
    photo = read(built(WIDTH, HEIGHT, [deflated], {tb.COMPRESSION: 8}))
    assert np.array_equal(photo.pixels[..., 1], GREY)
    assert "checksum" in findings(built(WIDTH, HEIGHT, [zlib.compress(rows)[:-2]], {tb.COMPRESSION: 8}), ok=False)


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_fax_data_agrees_with_pillow(compression: str) -> None:
    bilevel = Image.fromarray(picture(120, 201)).convert("1")
    data = encoded(bilevel, "TIFF", compression=compression)
    photo = read(data)
    assert np.array_equal(photo.pixels, by_pillow(data))
    assert photo.decode.integrity.findings == ()


MEANINGS = [
    (1, {}, (), "grey with black as zero"),
    (3, {}, (), "RGB"),
    (4, {tb.EXTRA: 2}, (), "RGB"),
    (4, {tb.INK_SET: 1}, (), "CMYK"),
]


@pytest.mark.parametrize(("channels", "tags", "_", "words"), MEANINGS)
def test_a_file_that_does_not_say_what_its_samples_mean(
    channels: int, tags: dict[int, Any], _: Any, words: str
) -> None:
    rng = np.random.default_rng(SEED)
    stored = rng.integers(0, 256, (20, 30, channels), np.uint8)
    common = {tb.SAMPLES: channels, tb.BITS: [8] * channels, **tags}
    silent = built(30, 20, [stored.tobytes()], common, without=[tb.PHOTOMETRIC])
    assert f"taken as {words}" in findings(silent, ok=True)
    said = {"grey with black as zero": 1, "RGB": 2, "CMYK": 5}[words]
    outspoken = built(30, 20, [stored.tobytes()], {**common, tb.PHOTOMETRIC: said})
    assert np.array_equal(read(silent).pixels, read(outspoken).pixels)
    if words == "RGB":
        assert np.array_equal(read(silent).pixels, stored[..., :3])


def test_four_samples_without_a_meaning_are_refused() -> None:
    data = built(30, 20, [bytes(30 * 20 * 4)], {tb.SAMPLES: 4, tb.BITS: [8] * 4}, without=[tb.PHOTOMETRIC])
    error = refused(data)
    assert error.reason == "unsupported format"
    assert "does not say what its 4 samples" in str(error)


def ycbcr_file(across: int, down: int, compression: int = 1, cut: int = 0) -> tuple[bytes, np.ndarray]:
    """Return a YCbCr file with odd sides, and its pixels by the formula of the standard."""
    rng = np.random.default_rng(SEED)
    height, width = 37, 51
    y = np.clip(picture(height, width)[..., 1], 16, 235)
    small = (-(-height // down), -(-width // across))
    cb, cr = (rng.integers(90, 166, small, np.uint8) for _ in range(2))
    content = ycbcr_blocks(y, cb, cr, across, down)
    content = content[: len(content) - cut]
    strip = {1: content, 5: lzw(content, end=True), 8: zlib.compress(content)}[compression]
    tags = {
        tb.BITS: [8] * 3,
        tb.SAMPLES: 3,
        tb.PHOTOMETRIC: 6,
        tb.SUBSAMPLING: [across, down],
        tb.COMPRESSION: compression,
    }
    full = [np.repeat(np.repeat(c, down, 0), across, 1)[:height, :width].astype(float) - 128 for c in (cb, cr)]
    rgb = [y + 1.402 * full[1], y - 0.344136 * full[0] - 0.714136 * full[1], y + 1.772 * full[0]]
    return built(width, height, [strip], tags), np.clip(np.stack(rgb, -1), 0, 255)


@pytest.mark.parametrize("compression", [1, 5, 8], ids=["plain", "lzw", "deflate"])
@pytest.mark.parametrize(("across", "down"), [(1, 1), (2, 1), (2, 2), (4, 1), (4, 2), (1, 2)])
def test_ycbcr_without_jpeg_of_every_subsampling(across: int, down: int, compression: int) -> None:
    data, expected = ycbcr_file(across, down, compression)
    photo = read(data)
    assert np.abs(photo.pixels - expected).max() <= 2
    assert photo.decode.conversions[0].startswith("YCbCr to RGB by libtiff")
    assert photo.decode.reader == "imagecodecs.tiff"
    assert np.array_equal(photo.pixels, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)[..., ::-1])


def test_ycbcr_that_lacks_bytes_is_damaged() -> None:
    data, _ = ycbcr_file(2, 2, cut=30)
    try:
        assert not read_photo("-", data=data).decode.integrity.ok
    except InputError as error:
        assert error.reason == "damaged"  # noqa: PT017


@pytest.mark.parametrize("orientation", range(1, 9))
def test_libtiff_turns_nothing(orientation: int) -> None:
    data, _ = ycbcr_file(2, 1)
    upright = read(data).pixels
    tags = struct.pack("<HHIHH", tb.ORIENTATION, tb.SHORT, 1, orientation, 0)
    rng = np.random.default_rng(SEED)
    y, cb, cr = (rng.integers(90, 166, (6, 8), np.uint8) for _ in range(3))
    common = {tb.BITS: [8] * 3, tb.SAMPLES: 3, tb.PHOTOMETRIC: 6, tb.SUBSAMPLING: [1, 1]}
    blocks = [ycbcr_blocks(y, cb, cr, 1, 1)]
    plain, turned = built(8, 6, blocks, common), built(8, 6, blocks, common, entries=[tags])
    assert np.array_equal(read(plain).pixels, read(turned).pixels)
    assert read(turned).decode.orientation == orientation
    assert upright.std() > 10


@pytest.mark.parametrize("subsampling", [0, 2])
def test_old_style_jpeg_agrees_with_pillow(subsampling: int) -> None:
    """A whole JPEG behind the old tags, which newer files do not use."""
    image = Image.fromarray(picture(48, 64))
    jpeg = encoded(image, "JPEG", quality=90, subsampling=subsampling)
    factor = 2 if subsampling else 1
    tags = {tb.BITS: [8] * 3, tb.SAMPLES: 3, tb.PHOTOMETRIC: 6, tb.COMPRESSION: 6, tb.SUBSAMPLING: [factor, factor]}
    data = built(64, 48, [jpeg], {**tags, 513: 8, 514: len(jpeg)})
    photo = read(data)
    assert np.array_equal(photo.pixels, by_pillow(data))
    assert np.abs(photo.pixels.astype(int) - picture(48, 64)).mean() < 25


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (entry(0, 0, 0, 0), "TIFF tag 0 "),
        (entry(305, 2, 40, 0xFFFFFF), "TIFF tag 305 (Software)"),
        (entry(34665, 4, 1, 0xFFFFFF), ""),
        (entry(34665, 13, 1, 0xFFFFFFF0), ""),
        (entry(34853, 4, 1, 0x7FFFFFFF), ""),
        (entry(40000, 77, 1, 5), "TIFF tag 40000"),
        (entry(296, 3, 1, 99), ""),
    ],
    ids=["type 0", "text outside", "EXIF outside", "EXIF of another type", "GPS outside", "unknown type", "odd unit"],
)
def test_a_slip_in_the_metadata_is_a_note_and_no_damage(odd: bytes, words: str) -> None:
    data = built(WIDTH, HEIGHT, [GREY.tobytes()], entries=[odd])
    photo = read(data)
    assert np.array_equal(photo.pixels[..., 0], GREY)
    assert words in "; ".join(photo.decode.integrity.findings)


@pytest.mark.parametrize("tag", [tb.PREDICTOR, tb.PLANAR, 266])
def test_a_slip_in_what_the_pixels_need_is_damage(tag: int) -> None:
    data = built(WIDTH, HEIGHT, [GREY.tobytes()], entries=[entry(tag, 0, 1, 1)])
    assert "the pixels depend on it" in findings(data, ok=False)


def test_slips_of_other_pages_are_not_those_of_the_page_that_is_read() -> None:
    first = built(WIDTH, HEIGHT, [GREY.tobytes()])
    second = struct.pack("<H", 1) + entry(tb.COMPRESSION, 0, 1, 1) + bytes(4)
    at = int.from_bytes(first[4:8], "little")
    count = int.from_bytes(first[at : at + 2], "little")
    link = at + 2 + 12 * count
    data = first[:link] + struct.pack("<I", len(first)) + first[link + 4 :] + second
    photo = read_photo("-", data=data)
    assert all(not sentence.startswith("TIFF tag") for sentence in photo.decode.integrity.findings)


def test_a_list_of_pages_that_leads_out_of_the_file_is_cut_short() -> None:
    data = built(WIDTH, HEIGHT, [GREY.tobytes()], following=0x00FFFFFF)
    assert "goes on past the end of the file after page 1" in findings(data, ok=False)


def test_strips_that_are_not_listed_are_damage() -> None:
    data = built(WIDTH, HEIGHT, [GREY[:30].tobytes()], {tb.ROWS: 30})
    assert "only 1 of 3 strips or tiles are listed" in findings(data, ok=False)


def test_lengths_that_are_not_given_reach_to_the_next_strip() -> None:
    strips = [lzw(GREY[:40].tobytes(), end=True), lzw(GREY[40:].tobytes(), end=True)]
    data = built(WIDTH, HEIGHT, strips, {tb.COMPRESSION: 5, tb.ROWS: 40}, without=[tb.COUNTS])
    photo = read(data)
    assert np.array_equal(photo.pixels[..., 0], GREY)


REFUSED = {
    "SGI LogLuv": {tb.COMPRESSION: 34676, tb.PHOTOMETRIC: 32845},
    "JBIG": {tb.COMPRESSION: 34661},
    "method 42, which has no name": {tb.COMPRESSION: 42},
    "CIE L*a*b*": {tb.PHOTOMETRIC: 8, tb.SAMPLES: 3, tb.BITS: [8] * 3},
    "LogL": {tb.PHOTOMETRIC: 32844},
    "5, 6, 5": {tb.PHOTOMETRIC: 2, tb.SAMPLES: 3, tb.BITS: [5, 6, 5]},
    "12 bits that are signed": {tb.BITS: 12, tb.FORMAT: 2},
    "YCbCr in planes, with one chroma value for 2 x 2": {
        tb.PHOTOMETRIC: 6, tb.SAMPLES: 3, tb.BITS: [8] * 3, tb.PLANAR: 2, tb.SUBSAMPLING: [2, 2]
    },
    "YCbCr of 3 samples of 16 bits": {tb.PHOTOMETRIC: 6, tb.SAMPLES: 3, tb.BITS: [16] * 3, tb.SUBSAMPLING: [1, 1]},
    "without its palette": {tb.PHOTOMETRIC: 3},
    "YCbCr with one chroma value for 4 x 4": {
        tb.PHOTOMETRIC: 6, tb.SAMPLES: 3, tb.BITS: [8] * 3, tb.SUBSAMPLING: [4, 4]
    },
    "24 bits of which only the differences": {tb.BITS: 24, tb.PREDICTOR: 2},
    "fax data of 1 samples of 8 bits": {tb.COMPRESSION: 4},
}  # fmt: skip


@pytest.mark.parametrize("words", REFUSED)
def test_kinds_that_nothing_here_reads_are_refused_by_name(words: str) -> None:
    error = refused(built(30, 20, [bytes(30 * 20 * 6)], REFUSED[words]))
    assert error.reason == "unsupported format"
    assert words in str(error)
    assert "damaged" not in str(error)
    assert "opy it again" not in str(error)


def test_thunderscan_is_read_by_libtiff() -> None:
    """Raw pixels of 4 bits (0xC0 to 0xFF): the one code of the method that needs no state."""
    values = np.arange(8 * 16).reshape(8, 16) % 16
    strip = (values.astype(np.uint8) | 0xC0).tobytes()
    photo = read(built(16, 8, [strip], {tb.COMPRESSION: 32809, tb.BITS: 4}))
    assert np.array_equal(photo.pixels[..., 0], values * 17)


@pytest.mark.parametrize("extra", [0, 1, 2])
def test_samples_beside_the_colours_are_dropped_and_nothing_is_blended(extra: int) -> None:
    rng = np.random.default_rng(SEED)
    stored = rng.integers(0, 256, (20, 30, 4), np.uint8)
    tags = {tb.SAMPLES: 4, tb.BITS: [8] * 4, tb.PHOTOMETRIC: 2, tb.EXTRA: extra}
    data = built(30, 20, [stored.tobytes()], tags)
    assert np.array_equal(read(data).pixels, stored[..., :3])
    kept = read_photo("-", data=data, options=ReadOptions(alpha=True)).pixels
    assert np.array_equal(kept, stored)


@pytest.mark.parametrize("compression", [1, 5, 8], ids=["plain", "lzw", "deflate"])
@pytest.mark.parametrize("bits", [1, 4, 8])
def test_bytes_stored_lowest_bit_first_are_turned_round(bits: int, compression: int) -> None:
    stored = GREY.astype(np.uint8) >> (8 - bits)
    content = packed(stored, bits)
    coded = {1: content, 5: lzw(content, end=True), 8: zlib.compress(content)}[compression]
    turned = bytes(imagecodecs.bitorder_encode(coded))
    data = built(WIDTH, HEIGHT, [turned], {tb.BITS: bits, tb.COMPRESSION: compression, 266: 2})
    top = (1 << bits) - 1
    assert np.array_equal(read(data).pixels[..., 0], np.rint(stored.astype(float) * 255 / top))
    assert np.array_equal(by_libtiff(data).reshape(stored.shape), stored)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("compression", ["lzw", "zlib", "zstd"])
def test_differences_of_floating_point_samples_are_undone(dtype: type, compression: str) -> None:
    stored = (ramp16() / 65535).astype(dtype)
    photo = read(tiff(stored, photometric="rgb", compression=compression, predictor=3))
    assert np.abs(photo.pixels - np.rint(stored.astype(np.float64) * 65535)).max() <= 1
