"""The same file through a second, independent decoder: where the two disagree, one of them made something up."""

import io
import warnings
from typing import Any

import cv2
import numpy as np
import PIL
from PIL import Image

from mesorch_cli.evidence import formats
from mesorch_cli.evidence.colour import ROWS_AT_ONCE, Samples
from mesorch_cli.evidence.inspection import Inspection
from mesorch_cli.evidence.photo import Content, Pixels

# Formats whose standard fixes every sample, and those in which decoders may differ by rounding.
EXACT = (formats.PNG, formats.TIFF, formats.BMP, formats.GIF)
_BY_PILLOW = (formats.TIFF, formats.BMP, formats.GIF)  # read by Pillow only where the first reader is another library


def compare(data: Content, inspection: Inspection, samples: Samples) -> dict[str, Any]:
    """Decode `data` again and return how far the stored samples agree.

    Keys: "decoder" and "version" of the second one, "compared" (False with a "reason" where it does not read this file),
    "largest_difference" in steps of the samples' own type, "share_changed" of all samples, and "exact_expected": whether
    the format leaves decoders no choice. The comparison is of samples before any conversion to RGB.
    """
    name, version, second = _decode_again(data, inspection, samples.reader)
    result: dict[str, Any] = {"decoder": name, "version": version, "exact_expected": inspection.format in EXACT}
    if isinstance(second, str):
        return result | {"compared": False, "reason": second}
    first = samples.array if samples.array.ndim == 3 else samples.array[:, :, None]
    second = second if second.ndim == 3 else second[:, :, None]
    channels = min(first.shape[2], second.shape[2])
    if first.shape[:2] != second.shape[:2]:
        reason = f"sizes differ: {first.shape[1]} x {first.shape[0]} and {second.shape[1]} x {second.shape[0]} pixels"
        return result | {"compared": False, "reason": reason}
    if first.dtype != second.dtype:
        return result | {"compared": False, "reason": f"sample types differ: {first.dtype} and {second.dtype}"}
    largest, changed = _difference(first[:, :, :channels], second[:, :, :channels])
    total = first.shape[0] * first.shape[1] * channels
    return result | {"compared": True, "largest_difference": largest, "share_changed": round(changed / total, 9)}


def _difference(first: Pixels, second: Pixels) -> tuple[int, int]:
    """Return the largest difference of two samples and the number of samples that differ, band by band."""
    largest = changed = 0
    for start in range(0, len(first), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        distance = np.abs(first[rows].astype(np.int32) - second[rows])
        largest, changed = max(largest, int(distance.max())), changed + int(np.count_nonzero(distance))
    return largest, changed


def _decode_again(data: Content, inspection: Inspection, reader: str) -> tuple[str, str, Pixels | str]:
    """Return the second decoder's name and version, and its samples or why it has none."""
    if inspection.page > 1:
        return "none", "", "only the first page or frame is read by the second decoder"
    if reader == "pillow":
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is None:
            return "opencv", cv2.__version__, "the decoder refused the file"
        swapped = image if image.ndim == 2 else image[:, :, [2, 1, 0, *range(3, image.shape[2])]]
        return "opencv", cv2.__version__, np.asarray(swapped, image.dtype.type)
    version = PIL.__version__
    if inspection.bits > 8 and not (inspection.format == formats.PNG and inspection.bits == 16):
        return "pillow", version, f"{inspection.bits}-bit samples are not read in full by the second decoder"
    if inspection.bits == 16:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
        if image is None:
            return "opencv", cv2.__version__, "the decoder refused the file"
        swapped = image if image.ndim == 2 else image[:, :, [2, 1, 0, *range(3, image.shape[2])]]
        return "opencv", cv2.__version__, np.asarray(swapped, image.dtype.type)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the size was checked before; oddities are what the comparison is for
        try:
            with Image.open(io.BytesIO(bytes(data))) as picture:
                picture.load()
                modes = {"P": "RGB", "1": "L", "YCbCr": "RGB"}
                converted = picture.convert(modes[picture.mode]) if picture.mode in modes else picture
                return "pillow", version, np.asarray(converted)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            return "pillow", version, f"the decoder refused the file: {str(error)[:200]}"
