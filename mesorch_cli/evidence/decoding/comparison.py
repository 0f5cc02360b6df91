"""The same file through a second, independent decoder: where the two disagree, one of them made something up.

The second one is asked for the same thing: the stored samples, not turned, blended, premultiplied or scaled. Where it cannot
be asked for that, nothing is compared and the reason is given.
"""

import io
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import cv2
import imagecodecs
import numpy as np
import PIL
import tifffile
from PIL import GifImagePlugin, Image, UnidentifiedImageError

from mesorch_cli.evidence import formats
from mesorch_cli.evidence.colour import ROWS_AT_ONCE, Samples
from mesorch_cli.evidence.containers import bmp, png
from mesorch_cli.evidence.inspection import Inspection, UnsupportedError
from mesorch_cli.evidence.photo import Content, Pixels
from mesorch_cli.evidence.tiff import libtiff
from mesorch_cli.evidence.tiff.pixels import decode_tiff_again

# Formats whose standard fixes every sample, and those in which decoders may differ by rounding. Of TIFF the page tells.
EXACT = (formats.PNG, formats.BMP, formats.GIF)
_BY_PILLOW = (formats.JPEG, formats.PNG, formats.WEBP, formats.AVIF, formats.JPEG2000)
_OWN_CHANNELS = {"grey": 1, "rgb": 3}


class _NotComparableError(Exception):
    """The second decoder does not read this file, or gives something else than its samples; the message says why."""


class _Second(NamedTuple):
    """A second decoder: `decode` returns samples to compare, and whether they must be equal."""

    name: str
    version: str
    decode: Callable[[Content], tuple[Pixels, bool]]


def compare(data: Content, inspection: Inspection, samples: Samples) -> dict[str, Any]:
    """Decode `data` again and return how far the stored samples agree.

    Keys: "decoder" and "version" of the second one, "compared" (False with a "reason" where it does not read this file, or
    cannot be asked for the same samples), "largest_difference" in steps of the samples' own type, "share_changed" of all
    samples, and "exact_expected": whether decoders have no choice here, so that any difference is a finding; False where
    nothing was compared. The comparison is of samples before any conversion to RGB, without alpha.
    """
    second = _second(inspection, samples)
    result: dict[str, Any] = {"decoder": second.name, "version": second.version}
    try:
        other, exact = second.decode(data)
        first = samples.array if samples.array.ndim == 3 else samples.array[:, :, None]
        other = other if other.ndim == 3 else other[:, :, None]
        if first.shape[:2] != other.shape[:2]:
            (height, width), (other_height, other_width) = first.shape[:2], other.shape[:2]
            raise _NotComparableError(f"sizes differ: {width} x {height} and {other_width} x {other_height} pixels")
        if first.dtype != other.dtype:
            raise _NotComparableError(f"sample types differ: {first.dtype} and {other.dtype}")
    except _NotComparableError as error:
        return result | {"exact_expected": False, "compared": False, "reason": str(error)}
    channels = min(_OWN_CHANNELS.get(samples.kind, 4), first.shape[2], other.shape[2])
    inverted = samples.kind == "cmyk inverted"  # Pillow turns these round while it loads them
    largest, changed = _difference(first[:, :, :channels], other[:, :, :channels], inverted=inverted)
    total = first.shape[0] * first.shape[1] * channels
    share = round(changed / total, 9)
    return result | {"exact_expected": exact, "compared": True, "largest_difference": largest, "share_changed": share}


def _difference(first: Pixels, second: Pixels, *, inverted: bool) -> tuple[int, int]:
    """Return the largest difference of two samples and the number of samples that differ, band by band."""
    largest = changed = 0
    for start in range(0, len(first), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        other = 255 - second[rows] if inverted else second[rows]
        distance = np.abs(first[rows].astype(np.int32) - other)
        largest, changed = max(largest, int(distance.max())), changed + int(np.count_nonzero(distance))
    return largest, changed


def _second(inspection: Inspection, samples: Samples) -> _Second:
    """Return the second decoder for a file."""
    name = inspection.format
    if name == formats.TIFF:
        return _for_tiff(inspection, samples)
    if inspection.page > 1:
        return _none("only the first page or frame is read by a second decoder")
    if name == formats.BMP:
        reason = _why_not_bmp(inspection.structure)
        return _none(reason) if reason else _Second("opencv", cv2.__version__, lambda data: (_by_opencv(data), True))
    if name == formats.GIF:
        version = f"{imagecodecs.__version__} ({imagecodecs.gif_version()})"
        return _Second("imagecodecs.gif", version, lambda data: (_by_giflib(data), True))
    if name == formats.PNG and inspection.bits == 16:
        return _Second("opencv", cv2.__version__, lambda data: (_by_opencv(_still(data, inspection)), True))
    if name == formats.PNG:
        return _Second("pillow", PIL.__version__, lambda data: (_by_pillow(_still(data, inspection)), True))
    if name == formats.WEBP and inspection.pages > 1:
        return _none("the second decoder puts the frames of an animation together before it hands them out")
    if samples.reader == "pillow":
        return _Second("opencv", cv2.__version__, lambda data: (_by_opencv(data), False))
    if name in _BY_PILLOW and inspection.bits <= 8:
        return _Second("pillow", PIL.__version__, lambda data: (_by_pillow(data), name in EXACT))
    return _none(f"no second decoder for {name} with samples of {inspection.bits} bits")


def _none(reason: str) -> _Second:
    def refuse(_data: Content) -> tuple[Pixels, bool]:
        raise _NotComparableError(reason)

    return _Second("none", "", refuse)


def _for_tiff(inspection: Inspection, samples: Samples) -> _Second:
    """Return libtiff, for what tifffile read, and tifffile for fax data; Pillow for CMYK, of which libtiff makes RGB."""
    if samples.kind == "cmyk":
        if inspection.bits != 8 or inspection.page > 1 or inspection.orientation not in (None, 1):
            return _none("no second decoder gives these CMYK samples as they are stored")
        return _Second("pillow", PIL.__version__, lambda data: (_by_pillow(data, "CMYK"), True))

    def decode(data: Content) -> tuple[Pixels, bool]:
        try:
            again, exact = decode_tiff_again(data, inspection)
        except UnsupportedError as error:
            raise _NotComparableError(f"no second decoder: it is {error}") from error
        except (RuntimeError, ValueError) as error:  # of codecs on damaged data
            raise _NotComparableError(f"the decoder refused the file: {str(error)[:200]}") from error
        return again.array, exact

    if samples.reader == "tifffile":
        return _Second("libtiff", libtiff.version(), decode)
    return _Second("tifffile", tifffile.__version__, decode)


def _why_not_bmp(header: bmp.BmpHeader) -> str:
    """Return why OpenCV cannot be asked for this layout, empty where it can: what it gives was seen to be something else."""
    if header.size < bmp.INFO_HEADER:
        return "the second decoder reads the headers of OS/2 wrongly"
    if header.compression in (bmp.RLE8, bmp.RLE4):
        return "the second decoder leaves pixels out of run-length codes"
    if header.bits == 16:
        return "the second decoder does not scale fields of 5 and 6 bits to the whole range"
    if header.bits == 2 or header.colours > 1 << min(header.bits, 16):
        return "the second decoder does not read this palette"
    if header.bits <= 8 and header.palette_at + header.entry * (header.colours or 1 << header.bits) > header.offset:
        return "the palette overlaps the pixels, and decoders differ in what they make of that"
    usual = (0xFF0000, 0xFF00, 0xFF)
    if header.masks is not None and (header.masks[:3] != usual or header.size < 56):
        return "the second decoder does not mind the bit fields"
    return ""


def _by_opencv(data: Content) -> Pixels:
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise _NotComparableError(f"the decoder refused the file: {error.err or 'no reason given'}") from error
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise _NotComparableError("the decoder refused the file")
    order = [2, 1, 0, *range(3, image.shape[2])] if image.ndim == 3 and image.shape[2] >= 3 else None
    return np.asarray(image if order is None else image[:, :, order], image.dtype.type)


def _by_giflib(data: Content) -> Pixels:
    """Decode the first frame, where it fills the picture and nothing shows through it."""
    with GifImagePlugin.GifImageFile(io.BytesIO(bytes(data))) as picture:
        if "transparency" in picture.info:
            raise _NotComparableError("the second decoder draws the transparent colour in a way of its own")
        if not picture.tile or picture.tile[0][1] != (0, 0, *picture.size):
            raise _NotComparableError("the frame does not fill the picture, and decoders differ in what is around it")
    try:
        return np.asarray(imagecodecs.gif_decode(bytes(data), index=0))
    except (RuntimeError, ValueError, MemoryError) as error:  # giflib unpacks all frames, whatever they claim
        raise _NotComparableError(f"the decoder refused the file: {str(error)[:200]}") from error


def _by_pillow(data: Content, only: str | None = None) -> Pixels:
    """Decode by Pillow; only: the mode that its picture must have, for its samples to be those stored."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the size was checked before; oddities are what the comparison is for
        try:
            with Image.open(io.BytesIO(bytes(data))) as picture:
                picture.load()
                modes = {"P": "RGB", "1": "L", "YCbCr": "RGB"}
                converted = picture.convert(modes[picture.mode]) if picture.mode in modes else picture
                pixels, mode, form = np.asarray(converted), picture.mode, picture.format
        except UnidentifiedImageError as error:
            raise _NotComparableError("the decoder does not know the file") from error
        except Exception as error:  # whatever a plug-in raises on odd data is the same answer
            raise _NotComparableError(f"the decoder refused the file: {str(error)[:200]}") from error
    if (only is not None and mode != only) or (form == "JPEG2000" and mode == "P"):
        raise _NotComparableError(f"the second decoder makes a picture of mode {mode} of it, not of its samples")
    return pixels


def _still(data: Content, inspection: Inspection) -> bytes:
    """Return a PNG without what makes it an animation: a decoder then gives the picture and not a frame on a canvas."""
    structure: png.PngStructure = inspection.structure
    whole = bytes(data)
    if inspection.pages < 2:
        return whole
    of_animation = (b"acTL", b"fcTL", b"fdAT")
    still = (whole[chunk.start - 8 : chunk.end + 4] for chunk in structure.chunks if chunk.type not in of_animation)
    return b"".join([whole[:8], *still])
