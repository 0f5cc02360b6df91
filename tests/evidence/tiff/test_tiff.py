"""TIFF decoding: every layout gives the same pixels, and samples of other types have a written map."""

import io
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import read_photo
from tests.evidence.samples import encoded, picture, read, tiff


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"planarconfig": "separate"},
        {"tile": (32, 32)},
        {"compression": "lzw"},
        {"compression": "packbits"},
        {"compression": "zstd", "predictor": True},
        {"bigtiff": True},
        {"rowsperstrip": 7},
    ],
)
def test_tiff_layouts_all_give_the_same_pixels(options: dict[str, Any]) -> None:
    array = picture()
    stored = array.transpose(2, 0, 1) if "planarconfig" in options else array
    photo = read(tiff(stored, photometric="rgb", **options))
    assert np.array_equal(photo.pixels, array)
    assert photo.decode.conversions == ()


def test_tiff_grey_inverted_bilevel_palette_and_cmyk() -> None:
    grey = picture()[..., 0]
    assert np.array_equal(read(tiff(grey)).pixels[..., 1], grey)
    inverted = read(tiff(grey, photometric="miniswhite"))
    assert np.array_equal(inverted.pixels[..., 0], 255 - grey)
    assert inverted.decode.conversions == ("grey inverted (white was stored as zero)", "grey replicated to RGB")
    bilevel = read(encoded(Image.fromarray(grey).convert("1"), "TIFF"))
    assert set(np.unique(bilevel.pixels)) == {0, 255}
    assert bilevel.decode.bits == 1
    quantised = Image.fromarray(picture()).quantize(50)
    palette = read(encoded(quantised, "TIFF"))
    assert np.array_equal(palette.pixels, np.asarray(quantised.convert("RGB")))
    assert palette.decode.conversions[0].startswith("palette of 256 colours")
    cmyk = Image.fromarray(picture()).convert("CMYK")
    pixels = read(encoded(cmyk, "TIFF")).pixels
    assert np.abs(pixels.astype(int) - np.asarray(cmyk.convert("RGB"))).max() <= 1


def test_tiff_pages_are_counted_and_the_first_full_one_is_read() -> None:
    with io.BytesIO() as stream:
        pages = [Image.fromarray(picture(seed=seed)) for seed in (1, 2, 3)]
        pages[0].save(stream, "TIFF", save_all=True, append_images=pages[1:])
        photo = read(stream.getvalue())
    assert photo.decode.pages == 3
    assert photo.decode.conversions == ("first of 3 frames or pages read",)
    assert np.array_equal(photo.pixels, picture(seed=1))

    with io.BytesIO() as stream:
        with tifffile.TiffWriter(stream) as writer:
            writer.write(picture()[::4, ::4].copy(), subfiletype=1, photometric="rgb")
            writer.write(picture(), photometric="rgb")
        photo = read(stream.getvalue())
    assert np.array_equal(photo.pixels, picture())
    assert "page 2 read: the pages before it are thumbnails or masks" in photo.decode.conversions


WIDE = np.linspace(0, 1, 40 * 64 * 3).reshape(40, 64, 3)


@pytest.mark.parametrize(
    ("stored", "expected", "words"),
    [
        (
            WIDE.astype(np.float32),
            np.rint(WIDE.astype(np.float32).astype(float) * 65535),
            "32-bit floating-point samples from 0 to 1",
        ),
        (
            WIDE.astype(np.float16),
            np.rint(WIDE.astype(np.float16).astype(float) * 65535),
            "16-bit floating-point samples from 0 to 1",
        ),
        (WIDE * 3 - 1, np.rint(WIDE * 65535), "64-bit floating-point samples from -1 to 2 stretched"),
        (np.rint(WIDE * 0xFFFFFFFF).astype(np.uint32), np.rint(WIDE * 65535), "32-bit samples scaled to 16 bits"),
        ((WIDE * 65535 - 32768).astype(np.int16), (WIDE * 65535 - 32768).astype(np.int16) + 32768.0, "signed 16-bit"),
        ((WIDE * 255 - 128).astype(np.int8), (WIDE * 255 - 128).astype(np.int8) + 128.0, "signed 8-bit"),
    ],
    ids=["float32", "float16", "float64 beyond 0..1", "uint32", "int16", "int8"],
)
def test_samples_of_other_types_have_a_written_map(stored: np.ndarray, expected: np.ndarray, words: str) -> None:
    photo = read(tiff(stored, photometric="rgb"))
    assert np.abs(photo.pixels - expected).max() <= 1
    assert photo.pixels.dtype == (np.uint8 if stored.dtype == np.int8 else np.uint16)
    assert words in photo.decode.conversions[0]
    assert photo.decode.bits == stored.dtype.itemsize * 8
    if stored.dtype != np.int8:
        assert len(np.unique(photo.pixels)) > 256


def test_what_is_no_number_becomes_black_and_is_counted() -> None:
    odd = WIDE.astype(np.float32)
    odd[3, 4, 1], odd[5, 6, 0] = np.nan, np.inf
    photo = read(tiff(odd, photometric="rgb"))
    assert photo.pixels[3, 4, 1] == photo.pixels[5, 6, 0] == 0
    assert "2 of them no numbers" in photo.decode.conversions[0]


def test_complex_samples_are_refused() -> None:
    with pytest.raises(InputError, match="not real numbers") as caught:
        read_photo("-", data=tiff(picture()[..., 0].astype(np.complex64)))
    assert caught.value.reason == "unsupported format"
