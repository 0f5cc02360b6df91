"""Pixels of every format, against what went in and against a second decoder."""

import base64
import io
import zlib
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.evidence.samples import (
    encoded,
    picture,
    png16,
    png_chunk,
    png_header,
    ramp16,
    read,
    tiff,
    with_exif_orientation,
)

HEIC = {
    "plain": (
        "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j"
        "AAAAAERAAAEAAQAAAAABoQABAAAAAAAAAHoAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/Wlw"
        "cnAAAADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AA"
        "AAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAA"
        "QAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAIAAAAAEAAAAAAAAAAv///+AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWB"
        "AgMFhAAAAIJtZGF0AAAAdigBrwngPf7Nzy5C74J/zi/Y3UGERZBWn0zdi/zkhR0lZtVyYCdZXtm+250Ugfldt9V3/rd/IfdexNs9/VHt7AXp"
        "IVY9Y+4Pjv//WHmmmc6YbyEcjvV5Dc6Bi2ZNxN9tQR8lZbQJDlo6ovMhkppLcGW4GUJo2YA="
    ),
    "turned": (
        "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAchtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAADRpbG9j"
        "AAAAAERAAAIAAQAAAAAB7AABAAAAAAAAAHoAAgAAAAACZgABAAAAAAAAADYAAAA4aWluZgAAAAAAAgAAABVpbmZlAgAAAAABAABodmMxAAAA"
        "ABVpbmZlAgAAAQACAABFeGlmAAAAAA5waXRtAAAAAAABAAABB2lwcnAAAADmaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNg"
        "AAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZE"
        "AcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xhcAAAAEAAAAABAAAAIAAAAAEAAAAAAAAAAv///+AA"
        "AAACAAAAEHBpeGkAAAAAAwgICAAAAAlpcm90AwAAABlpcG1hAAAAAAAAAAEAAQaBAgMFhIYAAAAaaXJlZgAAAAAAAAAOY2RzYwACAAEAAQAA"
        "ALhtZGF0AAAAdigBrwngPf7Nzy5C74J/zi/Y3UGERZBWn0zdi/zkhR0lZtVyYCdZXtm+250Ugfldt9V3/rd/IfdexNs9/VHt7AXpIVY9Y+4P"
        "jv//WHmmmc6YbyEcjvV5Dc6Bi2ZNxN9tQR8lZbQJDlo6ovMhkppLcGW4GUJo2YAAAAAGRXhpZgAATU0AKgAAAAgAAgESAAMAAAABAAYAAAEx"
        "AAIAAAAFAAAAJgAAAAB0ZXN0AAA="
    ),
    "ten bits": (
        "AAAAHGZ0eXBoZWl4AAAAAG1pZjFoZWl4bWlhZgAAAXxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j"
        "AAAAAERAAAEAAQAAAAABoAABAAAAAAAAAGwAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/Glw"
        "cnAAAADcaXBjbwAAAHVodmNDAQQIAAAAnbgAAAAAHvAA/P36+gAADwNgAAEAF0ABDAH//wQIAAADAJ24AAADAAAeugJAYQABACpCAQEECAAA"
        "AwCduAAAAwAAHqAggQTZbq5Ka5uAhoMCAAADADIAAAMAAhBiAAEABkQBwXPAiQAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAAAAAABA"
        "AAAAQAAAAChjbGFwAAAAQAAAAAEAAAAgAAAAAQAAAAAAAAAC////4AAAAAIAAAAQcGl4aQAAAAADCgoKAAAAGGlwbWEAAAAAAAAAAQABBYEC"
        "AwWEAAAAdG1kYXQAAABoKAGvCeA9/rpD1kB/XMbwOFr9gv0YRFkFahNL8L/OSEcLDfeRQdWLkuILtui+Q4IHthQSDMDfqG0mHRt7F/VHt7AX"
        "pIVY9ZHUPjv//WHmnFvCHf73ACwPKErk2BIrUAXsJbfSZw4z0E4="
    ),
}  # 64 x 32 pixels: red rises to the right, green downwards, blue is 90; "turned" carries orientation 6


def by_opencv(data: bytes) -> np.ndarray:
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    assert image is not None
    image = image[:, :, None] if image.ndim == 2 else image
    return np.repeat(image[..., :1], 3, 2) if image.shape[2] < 3 else image[..., 2::-1]


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


JPEG_OPTIONS: list[dict[str, Any]] = [
    {"quality": 30},
    {"quality": 100, "subsampling": 0},
    {"quality": 90, "subsampling": 1},
    {"quality": 75, "progressive": True},
    {"quality": 85, "optimize": True},
    {"quality": 85, "restart_marker_blocks": 3},
    {"quality": 85, "restart_marker_rows": 1, "progressive": True},
    {"quality": 85, "keep_rgb": True},
]


@pytest.mark.parametrize("options", JPEG_OPTIONS)
def test_jpeg_agrees_with_two_other_decoders(options: dict[str, Any]) -> None:
    data = encoded(picture(), "JPEG", **options)
    pixels = read(data).pixels
    assert np.array_equal(pixels, by_pillow(data))
    if "keep_rgb" not in options:
        assert np.array_equal(pixels, by_opencv(data))


@pytest.mark.parametrize("subsampling", ["440", "411", "422", "420"])
def test_jpeg_of_every_subsampling(subsampling: str) -> None:
    data = bytes(imagecodecs.jpeg8_encode(picture(), subsampling=subsampling))
    photo = read(data)
    assert np.array_equal(photo.pixels, by_pillow(data))
    assert photo.metadata["jpeg"]["subsampling"] == ":".join(subsampling)


def test_grey_jpeg() -> None:
    data = encoded(Image.fromarray(picture()).convert("L"), "JPEG")
    photo = read(data)
    assert photo.decode.conversions == ("grey replicated to RGB",)
    assert np.array_equal(photo.pixels, by_pillow(data))


@pytest.mark.parametrize("ycck", [False, True])
def test_cmyk_jpeg_is_inverted_and_multiplied(ycck: bool) -> None:
    data = encoded(Image.fromarray(picture()).convert("CMYK"), "JPEG", quality=95)
    if ycck:
        at = data.index(b"Adobe")
        data = data[: at + 11] + b"\2" + data[at + 12 :]
    photo = read(data)
    assert photo.decode.conversions[-1] == "inverted CMYK to RGB by R = (1 - C)(1 - K), without a colour profile"
    assert ("YCCK to CMYK" in photo.decode.conversions) == ycck
    assert np.abs(photo.pixels.astype(int) - by_pillow(data)).max() <= 1
    assert photo.pixels.std() > 20


def test_cmyk_jpeg_without_adobe_segment_is_taken_as_it_is() -> None:
    data = encoded(Image.fromarray(picture()).convert("CMYK"), "JPEG", quality=95)
    at = data.index(b"\xff\xee")
    plain = data[:at] + data[at + 2 + int.from_bytes(data[at + 2 : at + 4], "big") :]
    assert read(plain).decode.conversions == ("CMYK to RGB by R = (1 - C)(1 - K), without a colour profile",)


def test_twelve_bit_jpeg_is_scaled_to_sixteen() -> None:
    samples = (ramp16() >> 4).astype(np.uint16)
    photo = read(bytes(imagecodecs.jpeg8_encode(samples, bitspersample=12, level=100)))
    assert photo.decode.bits == 12
    assert photo.pixels.dtype == np.uint16
    assert photo.decode.conversions == ("12-bit samples scaled to 16 bits",)
    assert len(np.unique(photo.pixels)) > 256
    assert photo.pixels.max() > 64000


PNG_IMAGES = {
    "rgb": (Image.fromarray(picture()), {}, 8, ()),
    "grey": (Image.fromarray(picture()).convert("L"), {}, 8, ("grey replicated to RGB",)),
    "1 bit": (
        Image.fromarray(picture()).convert("1"),
        {},
        1,
        ("1-bit samples scaled to 8 bits", "grey replicated to RGB"),
    ),
    "palette": (Image.fromarray(picture()).quantize(200), {}, 8, ("palette expanded",)),
    "palette 4": (Image.fromarray(picture()).quantize(13), {}, 4, ("palette expanded",)),
    "palette 2": (Image.fromarray(picture()).quantize(4), {"bits": 2}, 2, ("palette expanded",)),
    "palette alpha": (
        Image.fromarray(picture()).quantize(200),
        {"transparency": 3},
        8,
        ("palette expanded", "alpha channel dropped"),
    ),
    "transparent colour": (Image.fromarray(picture()), {"transparency": (1, 2, 3)}, 8, ("alpha channel dropped",)),
}


@pytest.mark.parametrize("name", PNG_IMAGES)
def test_png_agrees_with_pillow(name: str) -> None:
    image, options, bits, conversions = PNG_IMAGES[name]
    data = encoded(image, "PNG", **options)
    photo = read(data)
    assert (photo.decode.bits, photo.decode.conversions) == (bits, conversions)
    assert np.array_equal(photo.pixels, by_pillow(data))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_small_grey_depths_span_the_full_range(depth: int) -> None:
    levels = 1 << depth
    row = int("".join(f"{v:0{depth}b}" for v in range(levels)), 2).to_bytes(max(levels * depth // 8, 1), "big")
    row = bytes((row[0] << 6,)) if depth == 1 else row
    data = png_header(levels, 1, depth=depth, colour=0)
    data += png_chunk(b"IDAT", zlib.compress(b"\0" + row)) + png_chunk(b"IEND", b"")
    assert read(data).pixels[0, :, 0].tolist() == [v * 255 // (levels - 1) for v in range(levels)]


def test_alpha_is_dropped_and_not_blended() -> None:
    rgba = np.dstack([picture(), np.zeros(picture().shape[:2], np.uint8)])
    for data in (encoded(rgba, "PNG"), encoded(rgba, "WEBP", lossless=True, exact=True), encoded(rgba, "TIFF")):
        photo = read(data)
        assert photo.decode.conversions == ("alpha channel dropped",), photo.decode.format
        assert np.array_equal(photo.pixels, picture())


def test_interlaced_png_and_its_length() -> None:
    data = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000005000000030800000001"
    )  # 5 x 3 grey, Adam7; the checksum follows
    data += zlib.crc32(data[12:29]).to_bytes(4, "big")
    pixels = np.arange(15, dtype=np.uint8).reshape(3, 5) * 16
    rows = b""
    for x, y, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        rows += b"".join(b"\0" + row.tobytes() for row in pixels[y::dy, x::dx] if row.size)
    data += png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    assert np.array_equal(read(data).pixels[..., 0], pixels)


@pytest.mark.parametrize(
    "data",
    [
        png16(ramp16()),
        tiff(ramp16()),
        tiff(ramp16(), compression="zlib", predictor=True),
        tiff(ramp16(), byteorder=">"),
    ],
    ids=["png", "tiff", "tiff zlib", "tiff big-endian"],
)
def test_sixteen_bits_stay_sixteen(data: bytes) -> None:
    photo = read(data)
    assert photo.pixels.dtype == np.uint16
    assert photo.decode.bits == 16
    assert np.array_equal(photo.pixels, ramp16())
    assert len(np.unique(photo.pixels)) > 256
    assert np.array_equal(photo.pixels, by_opencv(data))


def test_sixteen_bit_grey_and_alpha_png() -> None:
    grey = ramp16()[..., 0]
    assert np.array_equal(read(png16(grey)).pixels, np.dstack([grey] * 3))
    photo = read(png16(np.dstack([ramp16(), grey])))
    assert photo.decode.conversions == ("alpha channel dropped",)
    assert np.array_equal(photo.pixels, ramp16())


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "TIFF", "WEBP", "AVIF"])
def test_orientation_is_recorded_and_never_applied(format_name: str) -> None:
    photos = [read(with_exif_orientation(picture(), format_name, orientation)) for orientation in range(1, 9)]
    assert [photo.decode.orientation for photo in photos] == list(range(1, 9))
    assert all(np.array_equal(photo.pixels, photos[0].pixels) for photo in photos)
    assert photos[0].pixels.shape == picture().shape


def test_first_frame_of_animations() -> None:
    frames = [Image.fromarray(picture(seed=seed)) for seed in (1, 2)]
    for format_name, exact in (("PNG", True), ("WEBP", True), ("GIF", False)):
        options = {"lossless": True} if format_name == "WEBP" else {}
        data = encoded(frames[0], format_name, save_all=True, append_images=frames[1:], **options)
        photo = read(data)
        assert photo.decode.pages == 2
        assert photo.decode.conversions[0] == "first of 2 frames or pages read"
        expected = picture(seed=1) if exact else by_pillow(data)
        assert np.array_equal(photo.pixels, expected), format_name


def test_webp_bmp_gif_and_avif_agree_with_pillow() -> None:
    image = Image.fromarray(picture())
    for data in (
        encoded(image, "WEBP", quality=70),
        encoded(image, "BMP"),
        encoded(image.convert("L"), "BMP"),
        encoded(image.convert("1"), "BMP"),
        encoded(image.quantize(40), "BMP"),
        encoded(image.convert("RGBA"), "BMP"),
        encoded(image.quantize(40), "GIF"),
        encoded(image, "AVIF"),
    ):
        photo = read(data)
        assert np.array_equal(photo.pixels, by_pillow(data)), photo.decode


def test_ten_bit_avif_keeps_its_levels() -> None:
    photo = read(bytes(imagecodecs.avif_encode(ramp16() >> 6, bitspersample=10, level=100)))
    assert photo.decode.bits == 10
    assert photo.pixels.dtype == np.uint16
    assert "10-bit samples scaled to 16 bits" in photo.decode.conversions
    assert len(np.unique(photo.pixels)) > 256
    assert photo.pixels.max() > 60000


def expected_heic() -> np.ndarray:
    y, x = np.mgrid[:32, :64]
    return np.stack([x * 4, y * 8, 0 * x + 90], -1)


def test_heic() -> None:
    photo = read(base64.b64decode(HEIC["plain"]))
    assert (photo.decode.format, photo.decode.bits, photo.decode.orientation) == ("HEIC", 8, 1)
    assert np.abs(photo.pixels - expected_heic()).max() < 25


def test_turned_heic_says_that_the_decoder_turned_it() -> None:
    photo = read(base64.b64decode(HEIC["turned"]))
    assert (photo.decode.width, photo.decode.height, photo.decode.orientation) == (32, 64, 1)
    assert photo.decode.conversions == ("rotation or mirroring stated by the HEIF container applied by the decoder",)
    assert np.abs(photo.pixels - np.rot90(expected_heic(), -1)).max() < 25
    assert photo.metadata["exif"]["main"]["Orientation"] == 6


def test_ten_bit_heic() -> None:
    photo = read(base64.b64decode(HEIC["ten bits"]))
    assert photo.decode.bits == 10
    assert photo.pixels.dtype == np.uint16
    assert np.abs(photo.pixels / 257 - expected_heic()).max() < 25


def test_icc_profile_is_kept_and_not_applied() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for format_name in ("JPEG", "PNG", "TIFF", "WEBP"):
        options = {"lossless": True} if format_name == "WEBP" else {}
        with_profile = read(encoded(picture(), format_name, icc_profile=profile, **options))
        without = read(encoded(picture(), format_name, **options))
        assert np.array_equal(with_profile.pixels, without.pixels)
        digest = with_profile.metadata["icc"]["sha256"]
        assert with_profile.decode.conversions == (f"ICC profile kept, not applied (sha256 {digest})",), format_name
