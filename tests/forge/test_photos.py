"""Forgeries are made of, and networks trained on, the pixels that `detect` reads; damaged photos are refused."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import read_photo
from mesorch_cli.evidence.photo import eight_bits
from mesorch_cli.forge.photos import SoundPhotos
from tests.evidence.samples import encoded, picture, png16, ramp16, tiff, with_exif_orientation

KINDS: dict[str, Callable[[], bytes]] = {
    "16-bit": lambda: png16(ramp16()),
    "turned JPEG": lambda: with_exif_orientation(picture(), "JPEG", 6),
    "turned TIFF": lambda: tiff(picture(), photometric="rgb", extratags=[(274, "H", 1, 6, True)]),
    "grey": lambda: encoded(picture()[..., 0], "PNG"),
    "WebP": lambda: encoded(picture(), "WEBP"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_those_of_evidence(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photo"
    path.write_bytes(KINDS[kind]())
    sound = SoundPhotos()
    for _ in range(2):  # checked, and known
        pixels = eight_bits(sound.read(path).pixels)
        assert pixels.dtype == np.uint8
        stored = read_photo(path).pixels
        expected = np.rint(stored / 257) if stored.dtype == np.uint16 else stored
        assert np.array_equal(pixels, expected)
    if kind == "16-bit":
        assert len(np.unique(pixels)) > 100  # Pillow makes it white


def test_a_damaged_photo_is_refused_also_where_it_was_whole_before(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    whole = encoded(cv2.resize(picture(), (400, 300)), "JPEG", quality=90)
    path.write_bytes(whole)
    sound = SoundPhotos()
    sound.read(path)
    path.write_bytes(whole[: len(whole) // 2])
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
    with pytest.raises(InputError, match="is damaged") as caught:
        sound.read(path)
    assert caught.value.reason == "damaged"
