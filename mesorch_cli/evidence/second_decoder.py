"""A second, independent decoder of a file, and libraries that serve as one for several formats."""

import io
import warnings
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
import PIL
from PIL import Image, UnidentifiedImageError

from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.inspection import Inspection
from mesorch_cli.evidence.photo import Content, Pixels


class NotComparableError(Exception):
    """The second decoder does not read this file, or does not return its samples. The message says why."""


class SecondDecoder(NamedTuple):
    """A second decoder. `decode` returns samples to compare, and whether they must be equal."""

    name: str
    version: str
    decode: Callable[[Content], tuple[Pixels, bool]]


def by_opencv(*, exact: bool, prepared: Callable[[Content], Content] = lambda data: data) -> SecondDecoder:
    """Return OpenCV. exact: its samples must equal the first decoder's. prepared: the part of the file that it gets."""
    return SecondDecoder("opencv", cv2.__version__, lambda data: (opencv_samples(prepared(data)), exact))


def by_pillow(
    *, exact: bool, prepared: Callable[[Content], Content] = lambda data: data, only: str | None = None
) -> SecondDecoder:
    """Return Pillow. only: the mode of a picture whose samples are the stored ones."""
    return SecondDecoder("pillow", PIL.__version__, lambda data: (pillow_samples(prepared(data), only), exact))


def by_pillow_to_8_bits(inspection: Inspection, _samples: Samples) -> SecondDecoder | None:
    """Return Pillow, for lossy files of at most 8 bits, where decoders may differ by rounding."""
    return by_pillow(exact=False) if inspection.bits <= 8 else None


def none_because(reason: str) -> SecondDecoder:
    """Return a placeholder for a missing second decoder, with the reason."""

    def refuse(_data: Content) -> tuple[Pixels, bool]:
        raise NotComparableError(reason)

    return SecondDecoder("none", "", refuse)


def opencv_samples(data: Content) -> Pixels:
    """Decode with OpenCV, which must return the samples as stored: not turned, not scaled, alpha kept."""
    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise NotComparableError(f"the decoder refused the file: {error.err or 'no reason given'}") from error
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise NotComparableError("the decoder refused the file")
    order = [2, 1, 0, *range(3, image.shape[2])] if image.ndim == 3 and image.shape[2] >= 3 else None
    return np.asarray(image if order is None else image[:, :, order], image.dtype.type)


def pillow_samples(data: Content, only: str | None = None) -> Pixels:
    """Decode with Pillow. only: the mode of a picture whose samples are the stored ones."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the size was checked before, and oddities are what the comparison is for
        try:
            with Image.open(io.BytesIO(bytes(data))) as picture:
                picture.load()
                modes = {"P": "RGB", "1": "L", "YCbCr": "RGB"}
                converted = picture.convert(modes[picture.mode]) if picture.mode in modes else picture
                pixels, mode, form = np.asarray(converted), picture.mode, picture.format
        except UnidentifiedImageError as error:
            raise NotComparableError("the decoder does not know the file") from error
        except Exception as error:  # whatever a plug-in raises on odd data means the same
            raise NotComparableError(f"the decoder refused the file: {str(error)[:200]}") from error
    if (only is not None and mode != only) or (form == "JPEG2000" and mode == "P"):
        raise NotComparableError(f"the second decoder makes a picture of mode {mode} of it, not of its samples")
    return pixels
