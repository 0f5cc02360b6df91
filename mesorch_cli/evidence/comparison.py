"""The same file through a second, independent decoder: where the two disagree, one of them made something up."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import PIL
from PIL import Image, UnidentifiedImageError

from mesorch_cli.evidence import formats
from mesorch_cli.evidence.colour import ROWS_AT_ONCE, Samples
from mesorch_cli.evidence.inspection import Inspection
from mesorch_cli.evidence.photo import Content, Pixels

# Formats whose standard fixes every sample, and those in which decoders may differ by rounding.
EXACT = (formats.PNG, formats.TIFF, formats.BMP, formats.GIF)
_BY_PILLOW = (formats.JPEG, formats.PNG, formats.TIFF, formats.WEBP, formats.AVIF, formats.JPEG2000)
_BY_OPENCV = (formats.PNG, formats.TIFF)  # of 16 bits, which Pillow cuts to 8
_OWN_CHANNELS = {"grey": 1, "rgb": 3}


class _NoSecondError(Exception):
    """No second decoder reads this file; the message says why."""


def compare(data: Content, inspection: Inspection, samples: Samples) -> dict[str, Any]:
    """Decode `data` again and return how far the stored samples agree.

    Keys: "decoder" and "version" of the second one, "compared" (False with a "reason" where it does not read this file),
    "largest_difference" in steps of the samples' own type, "share_changed" of all samples, and "exact_expected": whether
    the format leaves decoders no choice. The comparison is of samples before any conversion to RGB, without alpha.
    """
    name, version, decoder = _second(inspection, samples)
    result: dict[str, Any] = {"decoder": name, "version": version, "exact_expected": inspection.format in EXACT}
    try:
        second = decoder(data)
        first = samples.array if samples.array.ndim == 3 else samples.array[:, :, None]
        second = second if second.ndim == 3 else second[:, :, None]
        if first.shape[:2] != second.shape[:2]:
            (height, width), (other_height, other_width) = first.shape[:2], second.shape[:2]
            raise _NoSecondError(f"sizes differ: {width} x {height} and {other_width} x {other_height} pixels")
        if first.dtype != second.dtype:
            raise _NoSecondError(f"sample types differ: {first.dtype} and {second.dtype}")
    except _NoSecondError as error:
        return result | {"compared": False, "reason": str(error)}
    channels = min(_OWN_CHANNELS.get(samples.kind, 4), first.shape[2], second.shape[2])
    inverted = samples.kind == "cmyk inverted"  # Pillow turns these round while it loads them
    largest, changed = _difference(first[:, :, :channels], second[:, :, :channels], inverted=inverted)
    total = first.shape[0] * first.shape[1] * channels
    return result | {"compared": True, "largest_difference": largest, "share_changed": round(changed / total, 9)}


def _difference(first: Pixels, second: Pixels, *, inverted: bool) -> tuple[int, int]:
    """Return the largest difference of two samples and the number of samples that differ, band by band."""
    largest = changed = 0
    for start in range(0, len(first), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        other = 255 - second[rows] if inverted else second[rows]
        distance = np.abs(first[rows].astype(np.int32) - other)
        largest, changed = max(largest, int(distance.max())), changed + int(np.count_nonzero(distance))
    return largest, changed


def _second(inspection: Inspection, samples: Samples) -> tuple[str, str, Callable[[Content], Pixels]]:
    """Return the second decoder for a file: its name, its version, and the function that decodes."""
    if inspection.page > 1:
        return "none", "", _none("only the first page or frame is read by a second decoder")
    if samples.reader == "pillow" or (inspection.bits == 16 and inspection.format in _BY_OPENCV):
        return "opencv", cv2.__version__, _by_opencv
    if inspection.format in _BY_PILLOW and inspection.bits <= 8:
        return "pillow", PIL.__version__, _by_pillow
    return "none", "", _none(f"no second decoder for {inspection.format} with samples of {inspection.bits} bits")


def _none(reason: str) -> Callable[[Content], Pixels]:
    def refuse(_data: Content) -> Pixels:
        raise _NoSecondError(reason)

    return refuse


def _by_opencv(data: Content) -> Pixels:
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise _NoSecondError(f"the decoder refused the file: {error.err or 'no reason given'}") from error
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise _NoSecondError("the decoder refused the file")
    order = [2, 1, 0, *range(3, image.shape[2])] if image.ndim == 3 and image.shape[2] >= 3 else None
    return np.asarray(image if order is None else image[:, :, order], image.dtype.type)


def _by_pillow(data: Content) -> Pixels:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the size was checked before; oddities are what the comparison is for
        try:
            with Image.open(io.BytesIO(bytes(data))) as picture:
                picture.load()
                modes = {"P": "RGB", "1": "L", "YCbCr": "RGB"}
                converted = picture.convert(modes[picture.mode]) if picture.mode in modes else picture
                return np.asarray(converted)
        except UnidentifiedImageError as error:
            raise _NoSecondError("the decoder does not know the file") from error
        except Exception as error:  # whatever a plug-in raises on odd data is the same answer
            raise _NoSecondError(f"the decoder refused the file: {str(error)[:200]}") from error
