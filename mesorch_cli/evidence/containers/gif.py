"""GIF. Its blocks are parsed without decoding. Pillow decodes it, and giflib serves for comparison."""

import io
import struct

import imagecodecs
import numpy as np
from PIL import GifImagePlugin

from mesorch_cli.evidence.codecs import COMPOSED, from_pillow
from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.format import Format, decoding_whole, inspecting_whole, starting
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, Inspection, describe_trailer
from mesorch_cli.evidence.photo import Content, Pixels
from mesorch_cli.evidence.second_decoder import NotComparableError, SecondDecoder

NAME = "GIF"


def inspect_gif(data: bytes) -> Inspection:
    """Walk the blocks of a GIF to its trailer, counting frames."""
    findings = Findings()
    if len(data) < 13:
        raise BrokenHeaderError("its header is cut short")
    width, height, flags = struct.unpack("<HHB", data[6:11])
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    frames = 0
    while True:
        kind = data[at : at + 1]
        if kind == b";":
            if at + 1 < len(data):
                findings.add_note(describe_trailer(data[at + 1 :]))
            break
        if kind == b",":
            frames += 1
            packed = data[at + 9] if at + 9 < len(data) else 0
            at = _skip_sub_blocks(data, at + 11 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0))
        elif kind == b"!":
            at = _skip_sub_blocks(data, at + 2)
        else:
            findings.add_damage(
                f"no block where one was expected, at byte {at}" if kind else "the file ends without its trailer"
            )
            break
    if not frames or not width or not height:
        raise BrokenHeaderError("it has no image in it")
    return Inspection(NAME, width, height, 8, pages=frames, findings=findings)


def _skip_sub_blocks(data: bytes, at: int) -> int:
    """Return the offset after a chain of GIF sub-blocks, or past the end of a truncated file."""
    while at < len(data):
        size = data[at]
        at += 1 + size
        if size == 0:
            return at
    return len(data) + 1


def decode_gif(data: bytes, inspection: Inspection) -> Samples:
    image = GifImagePlugin.GifImageFile(io.BytesIO(data))
    if inspection.page > 1:
        image.seek(inspection.page - 1)
    samples = from_pillow(image)
    if inspection.page > 1:
        samples.conversions.append(COMPOSED)
    return samples


def _second(_inspection: Inspection, _samples: Samples) -> SecondDecoder:
    version = f"{imagecodecs.__version__} ({imagecodecs.gif_version()})"
    return SecondDecoder("imagecodecs.gif", version, lambda data: (_by_giflib(data), True))


def _by_giflib(data: Content) -> Pixels:
    """Decode the first frame, provided that it fills the picture and has no transparency."""
    with GifImagePlugin.GifImageFile(io.BytesIO(bytes(data))) as picture:
        if "transparency" in picture.info:
            raise NotComparableError("the second decoder draws the transparent colour in a way of its own")
        if not picture.tile or picture.tile[0][1] != (0, 0, *picture.size):
            raise NotComparableError("the frame does not fill the picture, and decoders differ in what is around it")
    try:
        return np.asarray(imagecodecs.gif_decode(bytes(data), index=0))
    except (RuntimeError, ValueError, MemoryError) as error:  # giflib unpacks all frames, whatever they claim
        raise NotComparableError(f"the decoder refused the file: {str(error)[:200]}") from error


GIF = Format(
    name=NAME,
    suffixes=(".gif",),
    recognises=starting(b"GIF87a", b"GIF89a"),
    inspect=inspecting_whole(inspect_gif),
    decode=decoding_whole(decode_gif),
    second=_second,
    media_type="image/gif",
)
