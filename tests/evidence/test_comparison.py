"""The second decoder: agreement where the standard leaves no choice, and numbers where damage is filled in differently."""

import io

import numpy as np
import pytest
from PIL import Image

from mesorch_cli.evidence import ReadOptions, read_photo
from mesorch_cli.evidence.comparison import compare

from .samples import encoded, picture, png16, ramp16, tiff

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
    assert "first page" in compared(frames, page=2)["reason"]
    assert compared(frames)["compared"]


def test_a_damaged_file_shows_where_decoders_part() -> None:
    data = encoded(picture(200, 300), "JPEG", quality=90)
    cut = data[: len(data) // 2]
    found = compared(cut)
    assert not found["compared"]
    assert "refused" in found["reason"]


def test_it_tells_a_difference() -> None:
    from mesorch_cli.evidence.decoders import decode
    from mesorch_cli.evidence.integrity import inspect

    data = encoded(picture(), "PNG")
    inspection = inspect(data, "PNG")
    samples = decode(data, inspection)
    changed = np.array(samples.array)
    changed[3, 4, 1] ^= 8
    samples.array = changed
    found = compare(data, inspection, samples)
    assert (found["largest_difference"], found["share_changed"]) == (8, round(1 / picture().size, 9))
    assert io.BytesIO(data).read(4) == b"\x89PNG"
