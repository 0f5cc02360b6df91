"""The second decoder: agreement where the standard leaves no choice, and numbers where damage is filled in differently."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from mesorch_cli.evidence import ReadOptions, read_photo
from mesorch_cli.evidence.containers.png import PNG
from mesorch_cli.evidence.decoding.comparison import compare
from mesorch_cli.evidence.decoding.integrity import decode, inspect
from tests.evidence.samples import encoded, picture, png16, ramp16, tiff

IMAGE = Image.fromarray(picture())


def compared(data: bytes, page: int | None = None) -> dict:
    found = read_photo("-", data=data, options=ReadOptions(compare_decoders=True, page=page)).decode.comparison
    assert found is not None
    return found


@pytest.mark.parametrize(
    "data",
    [
        encoded(picture(), "PNG"),
        encoded(IMAGE.convert("LA"), "PNG"),
        encoded(IMAGE.quantize(40), "PNG"),
        encoded(IMAGE.convert("1"), "PNG"),
        png16(ramp16()),
        png16(ramp16()[..., 0]),
        tiff(picture(), photometric="rgb", compression="lzw"),
        tiff(ramp16(), photometric="rgb"),
        tiff(picture()[..., 0]),
        encoded(picture(), "BMP"),
        encoded(IMAGE.quantize(40), "GIF"),
    ],
    ids=[
        "png",
        "png la",
        "png palette",
        "png 1",
        "png 16",
        "png 16 grey",
        "tiff",
        "tiff 16",
        "tiff grey",
        "bmp",
        "gif",
    ],
)
def test_exact_formats_agree_to_the_last_bit(data: bytes) -> None:
    found = compared(data)
    assert found["compared"], found
    assert found["exact_expected"]
    assert (found["largest_difference"], found["share_changed"]) == (0, 0.0)
    assert found["version"]


@pytest.mark.parametrize(
    "data",
    [
        encoded(picture(), "JPEG"),
        encoded(IMAGE.convert("CMYK"), "JPEG"),
        encoded(IMAGE.convert("L"), "JPEG", progressive=True),
        encoded(picture(), "WEBP"),
        encoded(picture(), "AVIF"),
    ],
    ids=["jpeg", "jpeg cmyk", "jpeg grey", "webp", "avif"],
)
def test_sound_files_of_other_formats_differ_by_rounding_at_most(data: bytes) -> None:
    found = compared(data)
    assert found["compared"], found
    assert not found["exact_expected"]
    assert found["largest_difference"] <= 3


def test_files_without_a_second_decoder_say_so() -> None:
    import imagecodecs

    found = compared(bytes(imagecodecs.jpegxl_encode(picture(), lossless=True)))
    assert not found["compared"]
    assert "no second decoder" in found["reason"]
    frames = encoded(IMAGE, "TIFF", save_all=True, append_images=[IMAGE])
    assert compared(frames, page=2)["largest_difference"] == 0
    assert compared(frames)["compared"]
    gif = encoded(
        IMAGE.quantize(40), "GIF", save_all=True, append_images=[Image.fromarray(picture(seed=2)).quantize(40)]
    )
    assert "first page" in compared(gif, page=2)["reason"]


def test_a_damaged_file_shows_where_decoders_part() -> None:
    data = encoded(picture(200, 300), "JPEG", quality=90)
    cut = data[: len(data) // 2]
    found = compared(cut)
    assert not found["compared"]
    assert "refused" in found["reason"]


def test_it_tells_a_difference() -> None:
    data = encoded(picture(), "PNG")
    inspection = inspect(data, PNG)
    samples = decode(data, inspection)
    changed = np.array(samples.array)
    changed[3, 4, 1] ^= 8
    samples.array = changed
    found = compare(data, inspection, samples)
    assert (found["largest_difference"], found["share_changed"]) == (8, round(1 / picture().size, 9))
    assert io.BytesIO(data).read(4) == b"\x89PNG"


def oriented(orientation: int, array: np.ndarray, **options: object) -> bytes:
    return tiff(array, photometric="rgb", extratags=[(274, 3, 1, orientation, True)], **options)


RGBA = np.dstack([picture(), np.tile(np.linspace(0, 255, 83).astype(np.uint8), (61, 1))])
SAME_SAMPLES = {
    **{f"orientation {number}": oriented(number, picture()) for number in range(2, 9)},
    **{f"16 bits, orientation {number}": oriented(number, ramp16()) for number in (2, 6)},
    "free alpha": tiff(RGBA, photometric="rgb", extrasamples=["unassalpha"]),
    "premultiplied alpha": tiff(RGBA, photometric="rgb", extrasamples=["assocalpha"]),
    "alpha of 16 bits": tiff(RGBA.astype(np.uint16) * 257, photometric="rgb", extrasamples=["unassalpha"]),
    "grey and alpha": tiff(RGBA[..., 2:].copy(), photometric="minisblack", extrasamples=["unassalpha"]),
    "planes": tiff(picture().transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
    "planes of 16 bits": tiff(ramp16().transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
    "signed": tiff((ramp16() >> 8).astype(np.int8), photometric="rgb"),
    "signed of 16 bits": tiff(ramp16().astype(np.int16), photometric="rgb"),
    "32 bits": tiff(ramp16().astype(np.uint32) << 16, photometric="rgb"),
    "float": tiff(ramp16().astype(np.float32), photometric="rgb"),
    "white is zero": tiff(picture()[..., 0], photometric="miniswhite"),
    "palette": encoded(IMAGE.quantize(50), "TIFF"),
    "cmyk": encoded(IMAGE.convert("CMYK"), "TIFF"),
    "tiles": tiff(picture(), photometric="rgb", tile=(32, 16), compression="zlib", predictor=2),
    "apng": encoded(Image.fromarray(RGBA), "PNG", save_all=True, append_images=[IMAGE.convert("RGBA")], blend=1),
    "png with a transparent colour": encoded(IMAGE, "PNG", transparency=(1, 2, 3)),
    "bmp grey": encoded(IMAGE.convert("L"), "BMP"),
    "bmp palette": encoded(IMAGE.quantize(30), "BMP"),
    "bmp alpha": encoded(Image.fromarray(RGBA), "BMP"),
}


@pytest.mark.parametrize("name", SAME_SAMPLES)
def test_the_second_decoder_is_asked_for_the_same_samples(name: str) -> None:
    """Not turned, not blended, not multiplied by alpha, not scaled: then exactness can be promised."""
    found = compared(SAME_SAMPLES[name])
    assert found["compared"], found
    assert found["exact_expected"]
    assert found["largest_difference"] == 0


def bmp_of(bits: int, header: int = 40) -> bytes:
    """Return a BMP of 16-bit pixels, or one with the short header of OS/2."""
    pixels = np.arange(16 * 12, dtype=np.uint16).reshape(12, 16) * 300
    body = pixels.tobytes() if bits == 16 else np.repeat(pixels.astype(np.uint8), 3, 1).tobytes()
    sizes = (
        struct.pack("<HHHH", 16, 12, 1, bits)
        if header == 12
        else struct.pack("<iiHHIIiiII", 16, 12, 1, bits, *(0,) * 6)
    )
    offset = 14 + header
    return b"BM" + struct.pack("<IHHI", offset + len(body), 0, 0, offset) + struct.pack("<I", header) + sizes + body


TRANSPARENT = IMAGE.quantize(40)
TRANSPARENT.info["transparency"] = 3
NO_PROMISE = {
    "bmp of 16 bits": (bmp_of(16), "does not scale"),
    "bmp of OS/2": (bmp_of(24, 12), "OS/2"),
    "gif with a transparent colour": (encoded(TRANSPARENT, "GIF", transparency=3), "transparent"),
    "webp animation": (encoded(IMAGE, "WEBP", save_all=True, append_images=[IMAGE.rotate(90)]), "animation"),
    "cmyk turned": (
        encoded(IMAGE.convert("CMYK"), "TIFF", tiffinfo={274: 3}),
        "CMYK",
    ),
}


@pytest.mark.parametrize("name", NO_PROMISE)
def test_nothing_is_promised_where_it_cannot_be_asked(name: str) -> None:
    data, words = NO_PROMISE[name]
    found = compared(data)
    assert not found["compared"]
    assert not found["exact_expected"]
    assert words in found["reason"]


@pytest.mark.parametrize(
    "data",
    [
        tiff(picture(), photometric="ycbcr", compression="jpeg", rowsperstrip=16),
        encoded(IMAGE.convert("1"), "TIFF", compression="group4"),
    ],
    ids=["jpeg", "fax"],
)
def test_lossy_tiff_and_fax_are_compared_and_not_promised_to_be_exact(data: bytes) -> None:
    found = compared(data)
    assert found["compared"], found
    assert not found["exact_expected"]


def test_a_second_decoder_that_fails_costs_the_comparison_and_not_the_file() -> None:
    """A GIF without a palette: Pillow reads it as grey, giflib refuses it."""
    data = b"GIF89a\2\0\2\0\0\0\0,\0\0\0\0\2\0\2\0\0\2\3\x44\x34\5\0;"
    photo = read_photo("-", data=data, options=ReadOptions(compare_decoders=True))
    assert photo.decode.comparison is not None
    assert not photo.decode.comparison["compared"]
