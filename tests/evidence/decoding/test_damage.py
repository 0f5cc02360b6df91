"""The gate over a corpus: every kind of damage in every format that can show it is caught, and nothing else is."""

import zlib

import numpy as np
import pytest
from PIL import Image

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import read_photo
from tests.evidence.damage import KINDS
from tests.evidence.samples import encoded, picture, png16, scan_start, tiff

PICTURE = picture(160, 224)
SEEDS = 4  # places of damage for each file and kind
CORPUS = {
    "jpeg baseline": encoded(PICTURE, "JPEG", quality=90),
    "jpeg progressive": encoded(PICTURE, "JPEG", quality=90, progressive=True),
    "jpeg restart": encoded(PICTURE, "JPEG", quality=90, restart_marker_rows=1),
    "jpeg grey": encoded(Image.fromarray(PICTURE).convert("L"), "JPEG", quality=90),
    "jpeg cmyk": encoded(Image.fromarray(PICTURE).convert("CMYK"), "JPEG", quality=75),
    "png": encoded(PICTURE, "PNG"),
    "png 16": png16(PICTURE.astype(np.uint16) * 257),
    "png palette": encoded(Image.fromarray(PICTURE).quantize(200), "PNG"),
    "tiff deflate": tiff(PICTURE, photometric="rgb", compression="zlib", rowsperstrip=16),
    "tiff lzw": tiff(PICTURE, photometric="rgb", compression="lzw", rowsperstrip=16),
    "tiff packbits": tiff(PICTURE // 32 * 32, photometric="rgb", compression="packbits", rowsperstrip=16),
    "tiff jpeg": tiff(PICTURE, photometric="ycbcr", compression="jpeg", rowsperstrip=16),
    "tiff tiles": tiff(PICTURE, photometric="rgb", compression="zlib", tile=(64, 64)),
}
# Formats whose samples or arithmetic codes carry no redundancy: only what changes a length or a header can be seen.
LENGTHS_ONLY = {
    "tiff plain": tiff(PICTURE, photometric="rgb"),
    "bmp": encoded(PICTURE, "BMP"),
    "webp": encoded(PICTURE, "WEBP", quality=80),
    "webp lossless": encoded(PICTURE, "WEBP", lossless=True),
    "avif": encoded(PICTURE, "AVIF"),
}
SHORTENING = ("cut_in_the_middle", "last_bytes_lost")


def verdict(data: bytes) -> str:
    try:
        photo = read_photo("-", data=data)
    except InputError as error:
        return error.reason
    return "whole" if photo.decode.integrity.ok else "damaged"


def first_of_the_data(name: str, data: bytes) -> int:
    """Return where the picture's own data starts, or a place safely in it."""
    if name.startswith("jpeg"):
        return scan_start(data) + 4
    return 700 if name.startswith("tiff") else max(60, len(data) // 20)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CORPUS)
def test_every_kind_of_damage_is_caught(name: str, kind: str) -> None:
    data = CORPUS[name]
    for seed in range(SEEDS):
        rng = np.random.default_rng([zlib.crc32(kind.encode()), seed])
        broken = KINDS[kind](data, first_of_the_data(name, data), rng)
        assert broken == data or verdict(broken) == "damaged", seed


@pytest.mark.parametrize("name", [*CORPUS, *LENGTHS_ONLY])
def test_undamaged_files_of_the_corpus_are_whole(name: str) -> None:
    photo = read_photo("-", data=(CORPUS | LENGTHS_ONLY)[name])
    assert photo.decode.integrity.ok
    assert photo.decode.integrity.findings == ()


@pytest.mark.parametrize("kind", SHORTENING)
@pytest.mark.parametrize("name", LENGTHS_ONLY)
def test_what_is_cut_short_is_caught_in_every_format(name: str, kind: str) -> None:
    data = LENGTHS_ONLY[name]
    for seed in range(SEEDS):
        broken = KINDS[kind](data, first_of_the_data(name, data), np.random.default_rng(seed))
        assert verdict(broken) == "damaged", seed


def test_zeros_in_a_refining_scan_are_noted_where_they_cannot_be_told_from_a_picture() -> None:
    """The scan that refines the brightness of blocks has one free bit for each: any bytes are a picture."""
    data = CORPUS["jpeg progressive"]
    large = encoded(picture(600, 800), "JPEG", quality=90, progressive=True)
    header = bytes.fromhex("03010002000300000010")  # three components, first coefficient, its second bit
    at = large.index(header) + len(header)
    broken = large[: at + 8] + bytes(400) + large[at + 408 :]
    photo = read_photo("-", data=broken)
    assert any("zero bytes in a row" in words for words in photo.decode.integrity.findings)
    assert header in data


def test_an_even_picture_may_hold_runs_of_zeros() -> None:
    """White paper in a file with tables made for it compresses to nothing but zeros."""
    flat = np.full((1600, 1600), 255, np.uint8)
    data = encoded(Image.fromarray(flat), "JPEG", quality=90, optimize=True)
    photo = read_photo("-", data=data)
    assert photo.decode.integrity.ok
