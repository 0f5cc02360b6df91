"""Small files that ask for much: what they ask is bounded, and they are read or refused with a reason."""

import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest
import tifffile

from mesorch_cli.errors import InputError
from mesorch_cli.evidence import Photo, ReadOptions, read_photo
from tests.evidence.samples import encoded, picture, png_chunk, tiff

ZEROS = zlib.compress(bytes(1 << 26), 9)  # 64 MiB in 64 KiB
PNG = encoded(picture(), "PNG")
AFTER_HEADER = 33


def with_chunk(kind: bytes, content: bytes, count: int = 1) -> bytes:
    return PNG[:AFTER_HEADER] + png_chunk(kind, content) * count + PNG[AFTER_HEADER:]


def peak_of(read: Callable[[], Photo]) -> tuple[Photo, int]:
    tracemalloc.start()
    try:
        return read(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "data",
    [
        with_chunk(b"zTXt", b"Comment\0\0" + ZEROS, 20),
        with_chunk(b"iTXt", b"Comment\0\1\0\0\0" + ZEROS, 20),
        with_chunk(b"iCCP", b"profile\0\0" + ZEROS),
        with_chunk(b"tEXt", b"Comment\0" + b"x" * 2_000_000),
    ],
    ids=["zTXt", "iTXt", "iCCP", "tEXt"],
)
def test_texts_and_profiles_of_a_png_are_inflated_to_a_bound(data: bytes) -> None:
    photo, peak = peak_of(lambda: read_photo("-", data=data))
    assert np.array_equal(photo.pixels, picture())
    assert peak < 80_000_000
    assert len(str(photo.metadata)) < 20_000


def test_a_tiff_that_claims_more_tags_and_values_than_it_has() -> None:
    data = bytearray(tiff(picture(), photometric="rgb"))
    first = struct.unpack_from("<I", data, 4)[0]
    struct.pack_into("<H", data, first, 65_000)
    refused_or_damaged(bytes(data))
    data = bytearray(tiff(picture(), photometric="rgb"))
    for number in range(struct.unpack_from("<H", data, first)[0]):
        broken = bytearray(data)
        struct.pack_into("<I", broken, first + 2 + 12 * number + 4, 0x7FFFFFFF)
        refused_or_damaged(bytes(broken))


def test_a_tiff_that_comes_back_to_its_first_page() -> None:
    data = bytearray(tiff(picture(), photometric="rgb"))
    first = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, first)[0]
    struct.pack_into("<I", data, first + 2 + 12 * count, first)
    photo = read_photo("-", data=bytes(data))
    assert photo.decode.pages == 1
    assert np.array_equal(photo.pixels, picture())


@pytest.mark.parametrize("compression", ["zlib", "lzw", "packbits", "zstd"])
def test_a_strip_that_inflates_to_more_than_its_rows_is_not_followed(compression: str) -> None:
    """The header of a small picture over the strip of a large one."""
    with io.BytesIO() as stream:
        tifffile.imwrite(
            stream, np.zeros((4000, 4000, 3), np.uint8), compression=compression, rowsperstrip=4000, metadata=None
        )
        data = bytearray(stream.getvalue())
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        tags = file.pages[0].tags  # type: ignore[union-attr]
        for name in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            tag = tags[name]
            struct.pack_into("<H" if tag.dtype == 3 else "<I", data, tag.valueoffset, 16)
    tracemalloc.start()
    refused_or_damaged(bytes(data), wanted=("damaged", "whole"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_many_small_pages_are_counted_and_not_decoded() -> None:
    with io.BytesIO() as stream:
        with tifffile.TiffWriter(stream) as writer:
            for _ in range(300):
                writer.write(np.zeros((2, 2), np.uint8), metadata=None)
        photo = read_photo("-", data=stream.getvalue())
    assert photo.decode.pages == 300


def refused_or_damaged(data: bytes, wanted: tuple[str, ...] = ("damaged", "whole", "unsupported format")) -> None:
    try:
        photo = read_photo("-", data=data, options=ReadOptions(max_pixels=10_000_000))
    except InputError as error:
        assert error.reason in (*wanted, "too many pixels")  # noqa: PT017
    else:
        assert ("whole" if photo.decode.integrity.ok else "damaged") in wanted
