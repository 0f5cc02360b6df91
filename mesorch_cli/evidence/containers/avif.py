"""AVIF. Pillow reads the boxes. libavif decodes single images and Pillow decodes sequences; the other one compares."""

import io
import re

import imagecodecs
import numpy as np
from PIL import AvifImagePlugin

from mesorch_cli.evidence.codecs import NOT_IMPLEMENTED, from_imagecodecs, from_pillow
from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.containers.boxes import AVIF_BRANDS, brands, check_boxes, take_main_item
from mesorch_cli.evidence.format import Format, decoding_whole, inspecting_whole
from mesorch_cli.evidence.inspection import BrokenHeaderError, Inspection, UnsupportedError
from mesorch_cli.evidence.second_decoder import SecondDecoder, by_opencv, by_pillow_to_8_bits

NAME = "AVIF"
LIMITS = "as many as 16384 x 16384, and 32768 along a side"


def inspect_avif(data: bytes) -> Inspection:
    """Let the AVIF parser read the boxes of a file. Nothing is decoded yet."""
    findings = check_boxes(data)
    try:
        image = AvifImagePlugin.AvifImageFile(io.BytesIO(data))  # not Image.open: its pixel limit is a global
    except (OSError, SyntaxError, ValueError) as error:
        raise _refusal(data, str(error) or "the AVIF parser refused it") from error
    inspection = Inspection(NAME, image.width, image.height, 8, findings=findings)
    inspection.pages = int(getattr(image, "n_frames", 1))
    inspection.icc, inspection.xmp = image.info.get("icc_profile"), image.info.get("xmp")
    item = take_main_item(data, inspection)
    if item is not None:
        inspection.orientation = (
            item.orientation
        )  # not EXIF's: by the standard the boxes decide, and viewers follow them
    return inspection


def _refusal(data: bytes, words: str) -> BrokenHeaderError | UnsupportedError:
    """Return why a file was refused, as a reader that gives reasons puts it. A limit or a new feature is not damage."""
    try:
        imagecodecs.avif_decode(data, index=0, numthreads=1)
    except imagecodecs.AvifError as error:
        words = " ".join(str(error).split())[:200]
    found = re.search(r"dimensions are too large \[(\d+)x(\d+)\]", words)
    if found is not None:
        return UnsupportedError(
            f"an AVIF image too large for its decoder ({found.group(1)} x {found.group(2)} pixels; it takes {LIMITS})"
        )
    if any(sign in words.lower() for sign in NOT_IMPLEMENTED):
        return UnsupportedError(f"an AVIF image of a kind that its decoder does not read ({words})")
    return BrokenHeaderError(words)


def decode_avif(data: bytes, inspection: Inspection) -> Samples:
    if inspection.pages > 1:
        return _decode_frame(data, inspection)
    try:
        array = np.asarray(imagecodecs.avif_decode(data, index=0, numthreads=1))
    except imagecodecs.AvifError as error:
        if any(sign in str(error).lower() for sign in NOT_IMPLEMENTED):
            raise UnsupportedError(f"an AVIF image of a kind that its decoder does not read ({error})") from error
        raise
    grey = array.ndim == 2 or array.shape[2] < 3
    samples = from_imagecodecs("avif", array, "grey" if grey else "rgb", imagecodecs.avif_version())
    if array.dtype == np.uint16:
        inspection.bits = _bits(data)
        samples.bits = inspection.bits
    return samples


def _decode_frame(data: bytes, inspection: Inspection) -> Samples:
    """Decode one frame of a sequence by Pillow: imagecodecs' decoder overruns its memory on sequences (2026.3.6)."""
    image = AvifImagePlugin.AvifImageFile(io.BytesIO(data))
    image.seek(inspection.page - 1)
    try:
        samples = from_pillow(image)
    except OSError as error:
        if "Not implemented" in str(error):
            raise UnsupportedError(f"an AVIF image of a kind that its decoder does not read ({error})") from error
        raise
    inspection.bits = _bits(data)
    if inspection.bits > 8:
        samples.conversions.append(f"{inspection.bits}-bit samples cut to 8 bits by the decoder")
    return samples


def _bits(data: bytes) -> int:
    """Return the bit depth that the AV1 configuration box declares (8, 10 or 12)."""
    at = data.find(b"av1C")
    flags = data[at + 6] if 0 <= at < len(data) - 6 else 0
    return 8 if not flags & 0x40 else 12 if flags & 0x20 else 10


def _second(inspection: Inspection, samples: Samples) -> SecondDecoder | None:
    return by_opencv(exact=False) if samples.reader == "pillow" else by_pillow_to_8_bits(inspection, samples)


AVIF = Format(
    name=NAME,
    suffixes=(".avif",),
    recognises=lambda head: bool(brands(head) & AVIF_BRANDS),
    inspect=inspecting_whole(inspect_avif),
    decode=decoding_whole(decode_avif),
    second=_second,
    lossy=True,
    media_type="image/avif",
)
