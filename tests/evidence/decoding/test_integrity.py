"""Damage is found, and what is no damage is not called so."""

import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import Integrity, ReadOptions, read_photo
from mesorch_cli.evidence.containers.png import check_png_stream, inspect_png
from mesorch_cli.evidence.inspection import Findings
from tests.evidence.samples import encoded, picture, png16, png_chunk, png_header, ramp16, scan_start, tiff

PICTURE = picture(160, 200)
JPEGS = {
    "baseline": encoded(PICTURE, "JPEG", quality=90),
    "progressive": encoded(PICTURE, "JPEG", quality=90, progressive=True),
    "restarts": encoded(PICTURE, "JPEG", quality=90, restart_marker_rows=1),
    "cmyk": encoded(Image.fromarray(PICTURE).convert("CMYK"), "JPEG", quality=90),
    "grey": encoded(Image.fromarray(PICTURE).convert("L"), "JPEG", quality=90),
}


def judge(data: bytes) -> Integrity | None:
    """Return the integrity of what decodes, None for what is refused as damaged; anything else is an error."""
    try:
        return read_photo("-", data=data).decode.integrity
    except InputError as error:
        if error.reason != "damaged":
            raise
        return None


def read_or_refuse(data: bytes) -> None:
    """Read what may be broken in any way: one of the stable refusals is fine, any other exception is not."""
    try:
        read_photo("-", data=data, options=ReadOptions(max_pixels=1_000_000))
    except InputError as error:
        if error.reason not in {"damaged", "unsupported format", "too many pixels", "not an image"}:
            raise


def is_damaged(data: bytes) -> bool:
    integrity = judge(data)
    assert integrity is None or all(integrity.findings)
    return integrity is None or (not integrity.ok and len(integrity.findings) > 0)


@pytest.mark.parametrize("kind", JPEGS)
def test_whole_jpeg_is_whole(kind: str) -> None:
    assert judge(JPEGS[kind]) == Integrity(ok=True, findings=())


@pytest.mark.parametrize("kind", JPEGS)
def test_jpeg_cut_in_half_is_damaged_and_still_decodes(kind: str) -> None:
    data = JPEGS[kind]
    photo = read_photo("-", data=data[: len(data) // 2])
    assert not photo.decode.integrity.ok
    assert "the file ends without an end-of-image marker: it is cut short" in photo.decode.integrity.findings
    assert photo.pixels.shape == PICTURE.shape


@pytest.mark.parametrize("kind", JPEGS)
def test_jpeg_with_its_end_lost_and_the_marker_put_back_is_damaged(kind: str) -> None:
    """No marker is wrong here: only counting what the picture needs shows it. The usual decoders say nothing."""
    data = JPEGS[kind]
    start = scan_start(data)
    for lost in (12, (len(data) - start) // 3, (len(data) - start) * 9 // 10):
        cut = data[: len(data) - 2 - lost].rstrip(b"\xff")
        assert is_damaged(cut + b"\xff\xd9"), lost


@pytest.mark.parametrize("kind", JPEGS)
def test_jpeg_with_bytes_left_over_is_damaged(kind: str) -> None:
    integrity = judge(JPEGS[kind][:-2] + b"\x12\x34\x56\x78" + b"\xff\xd9")
    assert integrity is not None
    assert "after the picture is complete" in integrity.findings[0]


def test_jpeg_with_a_hole_of_zeros_is_damaged() -> None:
    data = JPEGS["baseline"]
    middle = (scan_start(data) + len(data)) // 2
    assert is_damaged(data[:middle] + bytes(2048) + data[middle + 2048 :])


def test_end_of_a_flat_white_jpeg_is_not_taken_for_leftover() -> None:
    for quality in (50, 95, 100):
        for shade in (0, 128, 255):
            flat = np.full((37, 51, 3), shade, np.uint8)
            assert judge(encoded(flat, "JPEG", quality=quality)) == Integrity(ok=True, findings=()), (quality, shade)


def without_huffman_tables(data: bytes) -> bytes:
    parts, at = [data[:2]], 2
    while data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        parts += [data[at:end]] if data[at + 1] != 0xC4 else []
        at = end
    return b"".join((*parts, data[at:]))


def one_scan_per_component() -> bytes:
    """Put three grey JPEGs together as the components of one, each in a scan of its own."""
    greys = [encoded(Image.fromarray(PICTURE[..., channel].copy()), "JPEG", quality=90) for channel in range(3)]
    start = greys[0].index(b"\xff\xda")
    header = greys[0][:start]
    frame = header.index(b"\xff\xc0")
    components = b"".join(bytes((number, 0x11, 0)) for number in (1, 2, 3))
    header = (
        header[:frame] + b"\xff\xc0\0\x11" + header[frame + 4 : frame + 9] + b"\3" + components + header[frame + 13 :]
    )
    scans = [grey[start : start + 5] + bytes((number + 1,)) + grey[start + 6 : -2] for number, grey in enumerate(greys)]
    return header + b"".join(scans) + b"\xff\xd9"


def test_rare_but_sound_jpegs_are_whole() -> None:
    """Files that the strict parser may refuse or that few programs write: none of them is damaged."""
    grey = JPEGS["grey"]
    factors = grey.index(b"\xff\xc0") + 11
    scans = one_scan_per_component()
    for data in (without_huffman_tables(JPEGS["baseline"]), grey[:factors] + b"\x22" + grey[factors + 1 :], scans):
        assert judge(data) == Integrity(ok=True, findings=())
    assert read_photo("-", data=scans).metadata["jpeg"]["scans"] == 3
    assert is_damaged(without_huffman_tables(JPEGS["baseline"])[:-200] + b"\xff\xd9")


@pytest.mark.parametrize("quality", [40, 100])
def test_tiny_jpegs_are_whole(quality: int) -> None:
    """Where hardly a bit of the data shows in the pixels, a change that cannot be seen must not pass for leftover."""
    for height in range(1, 20, 3):
        for width in range(1, 20, 3):
            for subsampling in (0, 2):
                data = encoded(PICTURE[:height, :width].copy(), "JPEG", quality=quality, subsampling=subsampling)
                assert judge(data) == Integrity(ok=True, findings=()), (height, width, subsampling)


def test_false_codes_are_damage_even_where_the_length_is_right() -> None:
    rng = np.random.default_rng(1)
    data = JPEGS["baseline"]
    start = scan_start(data)
    told: set[str] = set()
    for _ in range(300):
        broken = bytearray(data)
        broken[int(rng.integers(start, len(data) - 2))] = int(rng.integers(0, 255))
        integrity = judge(bytes(broken))
        told |= set(integrity.findings) if integrity else set()
    assert "the compressed data is wrong: scan 1 of 1 holds codes that do not decode" in told
    assert "the compressed data is wrong: scan 1 of 1 holds a coefficient outside its block" in told


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(sorted(JPEGS)), share=st.floats(0, 1, exclude_max=True))
def test_jpeg_cut_anywhere_is_damaged_and_never_a_crash(kind: str, share: float) -> None:
    data = JPEGS[kind]
    # Without its last two bytes, the end marker, a picture is whole.
    assert is_damaged(data[: 3 + int((len(data) - 6) * share)])


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(sorted(JPEGS)), place=st.floats(0, 1), noise=st.binary(min_size=1, max_size=40))
def test_noise_in_a_jpeg_is_never_a_crash(kind: str, place: float, noise: bytes) -> None:
    data = JPEGS[kind]
    at = 2 + int((len(data) - 2) * place)
    read_or_refuse(data[:at] + noise + data[at + len(noise) :])


@pytest.mark.parametrize(
    ("trailer", "words"),
    [
        (bytes(5000), "5000 bytes after the end of the image (all zero)"),
        (JPEGS["grey"], "another JPEG"),
        (b"\0\0\0\x18ftypmp42" + bytes(50), "a video"),
        (b"\0\0\1\n\x0e\0\0\0Image_UTC_Data1234SEFH" + b"\x18\0\0\0SEFT", "a Samsung trailer"),
        (b"PK\x03\x04 more", "a ZIP archive"),
        (b"?", "of unknown kind"),
    ],
)
def test_bytes_after_a_jpeg_are_told_and_no_damage(trailer: bytes, words: str) -> None:
    integrity = judge(JPEGS["baseline"] + trailer)
    assert integrity is not None
    assert integrity.ok
    assert len(integrity.findings) == 1
    assert words in integrity.findings[0]


def test_restart_markers_out_of_order_missing_or_unannounced() -> None:
    data = JPEGS["restarts"]
    swapped = judge(data.replace(b"\xff\xd1", b"\xff\xd5", 1))
    assert swapped is not None
    assert "restart marker 5" in swapped.findings[0]
    assert "expected 1" in swapped.findings[0]
    first, second = data.index(b"\xff\xd0"), data.index(b"\xff\xd1")
    dropped = judge(data[:first] + data[second:])
    assert dropped is not None
    assert not dropped.ok
    assert any("that needs" in words for words in dropped.findings)
    announced = data.index(b"\xff\xdd")
    silent = judge(data[:announced] + data[announced + 6 :])
    assert silent is not None
    assert any("announced none" in words for words in silent.findings)
    rows = 160 // 16  # of minimum coded units; so many restart markers less one are in the file
    extra = judge(data[:-2] + bytes((0xFF, 0xD0 + (rows - 1) % 8)) + b"\xff\xd9")
    assert extra == Integrity(ok=True, findings=("1 restart marker more than the picture needs",))


def test_foreign_marker_inside_a_scan() -> None:
    data = JPEGS["baseline"]
    middle = (scan_start(data) + len(data)) // 2
    integrity = judge(data[:middle] + b"\xff\x9f" + data[middle + 2 :])
    assert integrity is not None
    assert not integrity.ok
    assert "an unexpected marker FF9F" in integrity.findings[0]


def test_stray_bytes_between_header_segments_are_a_note() -> None:
    data = JPEGS["baseline"]
    at = data.index(b"\xff\xdb")
    integrity = judge(data[:at] + b"\0\0" + data[at:])
    assert integrity is not None
    assert integrity.ok
    assert "2 unexpected bytes" in integrity.findings[0]


def test_png_with_a_flipped_bit_names_the_chunk() -> None:
    data = bytearray(encoded(PICTURE, "PNG"))
    data[data.index(b"IDAT") + 200] ^= 4
    integrity = judge(bytes(data))
    assert integrity is not None
    assert not integrity.ok
    assert "the checksum of the IDAT chunk at byte 33 does not hold" in integrity.findings


def test_png_with_a_wrong_checksum_only_still_gives_all_its_pixels() -> None:
    data = bytearray(encoded(PICTURE, "PNG"))
    data[-13] ^= 1  # the last byte of the image data's checksum, before the 12 bytes of IEND
    photo = read_photo("-", data=bytes(data))
    assert not photo.decode.integrity.ok
    assert np.array_equal(photo.pixels, PICTURE)


def test_png_cut_short_gives_the_rows_that_are_there() -> None:
    data = encoded(PICTURE, "PNG")
    photo = read_photo("-", data=data[: len(data) // 2])
    assert not photo.decode.integrity.ok
    assert any("image data ends after" in words for words in photo.decode.integrity.findings)
    assert np.array_equal(photo.pixels[:40], PICTURE[:40])
    assert not photo.pixels[-5:].any()


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0.001, 1, exclude_max=True))
def test_png_cut_anywhere_is_damaged(share: float) -> None:
    data = encoded(picture(), "PNG")
    assert is_damaged(data[: 8 + int((len(data) - 8) * share)])


def test_png_whose_stream_is_short_although_every_checksum_holds() -> None:
    rows = b"".join(b"\0" + row.tobytes() for row in PICTURE[:100])
    data = png_header(200, 160) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    photo = read_photo("-", data=data)
    assert photo.decode.integrity.findings == ("the image data ends after 60100 of 96160 bytes",)
    assert np.array_equal(photo.pixels[:100], PICTURE[:100])
    assert not photo.pixels[100:].any()


def test_png_without_end_chunk_and_with_bytes_after_it() -> None:
    data = encoded(PICTURE, "PNG")
    assert is_damaged(data[:-12])
    after = judge(data + b"hello")
    assert after is not None
    assert after.ok
    assert "5 bytes after the end" in after.findings[0]


def test_inflating_stops_at_the_size_that_the_header_says() -> None:
    bomb = png_header(8, 8) + png_chunk(b"IDAT", zlib.compress(bytes(50_000_000), 9)) + png_chunk(b"IEND", b"")
    tracemalloc.start()
    integrity = judge(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert integrity is None or "more image data than the picture needs" in integrity.findings
    assert peak < 10_000_000


def test_image_data_past_the_picture_is_not_inflated() -> None:
    endless = zlib.compress(bytes(3_000_000), 9) + b"no more zlib after this"
    findings = Findings()
    data = png_header(8, 8) + png_chunk(b"IDAT", endless[:1500] + b"noise") + png_chunk(b"IEND", b"")
    structure = inspect_png(data).structure
    assert check_png_stream(data, structure, findings) is None  # the noise is never reached
    assert findings.notes == ["more image data than the picture needs"]
    assert not findings.damage


@pytest.mark.parametrize("format_name", ["TIFF", "WEBP", "BMP", "GIF", "AVIF"])
def test_other_formats_cut_short_are_damaged(format_name: str) -> None:
    data = encoded(PICTURE, format_name)
    assert judge(data) == Integrity(ok=True, findings=())
    for share in (0.02, 0.3, 0.7, 0.95):
        assert is_damaged(data[: int(len(data) * share)]), share


def test_uncompressed_pictures_cut_short_give_the_rows_that_are_there() -> None:
    for data in (tiff(PICTURE, photometric="rgb"), encoded(PICTURE, "BMP")):
        photo = read_photo("-", data=data[: len(data) * 3 // 4])
        assert not photo.decode.integrity.ok
        top = photo.pixels[:100] if photo.decode.format == "TIFF" else photo.pixels[-100:]
        assert np.array_equal(top, PICTURE[:100] if photo.decode.format == "TIFF" else PICTURE[-100:])


@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits"])
def test_compressed_tiff_with_broken_strips_is_damaged(compression: str) -> None:
    data = tiff(PICTURE, photometric="rgb", compression=compression, rowsperstrip=16)
    middle = len(data) // 2
    assert is_damaged(data[:middle] + b"\xff\0" * 2000 + data[middle + 4000 :])


@pytest.mark.parametrize("format_name", ["WEBP", "BMP", "GIF"])
def test_bytes_after_other_formats_are_no_damage(format_name: str) -> None:
    integrity = judge(encoded(PICTURE, format_name) + b"some more bytes")
    assert integrity is not None
    assert integrity.ok
    assert len(integrity.findings) == 1


@settings(max_examples=80, deadline=None)
@given(
    data=st.sampled_from(
        [encoded(picture(), f) for f in ("PNG", "TIFF", "WEBP", "BMP", "GIF", "AVIF")]
        + [png16(ramp16()), tiff(ramp16())]
    ),
    place=st.floats(0, 1),
    noise=st.binary(min_size=1, max_size=30),
    keep=st.floats(0.05, 1),
)
def test_noise_and_cuts_in_any_format_are_never_a_crash(data: bytes, place: float, noise: bytes, keep: float) -> None:
    at = int(len(data) * place)
    broken = data[:at] + noise + data[at + len(noise) :]
    read_or_refuse(broken[: max(int(len(broken) * keep), 1)])
