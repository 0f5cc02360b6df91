"""The uses of libtiff: pages that tifffile does not read, second decoding of pages, and LZW data piece by piece."""

import struct
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt

from mesorch_cli.evidence.inspection import UnsupportedError
from mesorch_cli.evidence.photo import Content

TAG_ORIENTATION, TAG_SUBSAMPLING = 274, 530
LZW = 5
SURPLUS = 3  # a last code and the bits that fill its byte may look like two more bytes, never like three
_SHORT, _LONG = 3, 4
# libtiff's words for features that it lacks. Anything else that it says is about the data.
_NOT_READ = ("not implemented", "not configured", "not support", "sorry, ", "can not handle")


def version() -> str:
    """Return the versions of imagecodecs and of the libtiff in it, as a record names them."""
    return f"{imagecodecs.__version__} ({imagecodecs.tiff_version()})"


def decode_page(data: Content, page: Any, number: int) -> npt.NDArray[Any]:
    """Decode page `number`, counted from 0, as stored and without turning it. `page` is tifffile's view of it.

    YCbCr becomes 8-bit RGB with the file's own coefficients, each stored chroma value serving all of its pixels.
    Raises UnsupportedError for what libtiff does not read, and imagecodecs.TiffError for damage.
    """
    upright = _upright(data, page)
    try:
        array = imagecodecs.tiff_decode(upright, index=number)
    except RuntimeError as error:
        words = str(error)
        if "packints" in words:  # imagecodecs' own unpacking of libtiff's output
            return _few_bits(upright, page, number, error)
        if any(sign in words.lower() for sign in _NOT_READ):
            raise UnsupportedError(f"a TIFF of a kind that libtiff does not read either ({words[:150]})") from error
        raise
    return np.asarray(array)


def subsampling(page: Any) -> tuple[int, int]:
    """Return how many pixels across and down share a pair of chroma values in a YCbCr page."""
    tag = page.tags.get(TAG_SUBSAMPLING)
    value = (2, 2) if tag is None else tag.value
    if not isinstance(value, tuple) or len(value) != 2 or not all(v in (1, 2, 4) for v in value):
        raise UnsupportedError(f"a TIFF whose chroma subsampling is {str(value)[:40]}")
    return value


def unpack_lzw(data: bytes, least: int, most: int) -> tuple[bytes, str]:
    """Return the `least` bytes of a strip's LZW data, or its longest valid beginning, and what is wrong with it.

    The piece may hold up to `most` bytes. Data without an end code is complete if all bytes are there. libtiff and all
    readers built on it accept that, and old writers left the code out.
    """
    try:
        whole = _unpack(data, least)
    except imagecodecs.TiffError as error:
        known = _longest_beginning(data, least)
        return known, f"decodes to {len(known)} of {least} bytes ({_words(error)})"
    try:
        _unpack(data, most + SURPLUS)
    except imagecodecs.TiffError:
        return whole, ""
    return whole, "decodes to more bytes than it should"


def _few_bits(upright: bytes, page: Any, number: int, error: RuntimeError) -> npt.NDArray[Any]:
    """Return grey samples of 1 to 4 bits from libtiff's rendering, which spreads them over 0 to 255."""
    bits = int(page.bitspersample)
    if bits > 4 or page.samplesperpixel != 1 or int(page.photometric) not in (0, 1):
        raise error
    grey = np.asarray(imagecodecs.tiff_decode(upright, index=number, asrgb=True))[..., 0]
    top = (1 << bits) - 1
    samples = (grey.astype(np.uint16) * top + 127) // 255
    return (top - samples if int(page.photometric) == 0 else samples).astype(np.uint8)


def _longest_beginning(data: bytes, least: int) -> bytes:
    """Find by bisection how many bytes decode. A decoder asked for fewer bytes stops before the error."""
    known, low, high = b"", 0, least
    while high - low > 1:
        middle = (low + high) // 2
        try:
            known, low = _unpack(data, middle), middle
        except imagecodecs.TiffError:
            high = middle
    return known


def _unpack(data: bytes, length: int) -> bytes:
    """Let libtiff decode LZW data of `length` bytes as the single row of an artificial picture."""
    fields = [
        (256, _LONG, length),
        (257, _LONG, 1),
        (258, _SHORT, 8),
        (259, _SHORT, LZW),
        (262, _SHORT, 1),
        (273, _LONG, 0),
        (277, _SHORT, 1),
        (278, _LONG, 1),
        (279, _LONG, len(data)),
    ]
    start = 8 + 2 + 12 * len(fields) + 4
    entries = [struct.pack("<HHII", tag, kind, 1, start if tag == 273 else value) for tag, kind, value in fields]
    header = b"II*\0" + struct.pack("<IH", 8, len(fields))
    return bytes(imagecodecs.tiff_decode(b"".join([header, *entries, bytes(4), data])).data)


def _upright(data: Content, page: Any) -> bytes:
    """Return the file without the page's orientation, as libtiff also turns pictures when it converts colours."""
    whole = bytes(data)
    tag = page.tags.get(TAG_ORIENTATION)
    if tag is None or tag.value == 1 or int(tag.dtype) not in (_SHORT, _LONG):
        return whole
    one = struct.pack(page.parent.tiff.byteorder + ("H" if int(tag.dtype) == _SHORT else "I"), 1)
    return whole[: tag.valueoffset] + one + whole[tag.valueoffset + len(one) :]


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:100]
