"""JPEG 2000. Boxes and codestream markers are followed to their end. OpenJPEG decodes, Pillow compares."""

import imagecodecs
import numpy as np

from mesorch_cli.evidence.codecs import from_imagecodecs
from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.containers.boxes import check_boxes
from mesorch_cli.evidence.format import Format, decoding_whole, inspecting_whole, starting
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, Inspection, UnsupportedError, describe_trailer
from mesorch_cli.evidence.second_decoder import by_pillow_to_8_bits

NAME = "JPEG 2000"
SOC, SIZ, SOT, EOC = b"\xff\x4f", b"\xff\x51", b"\xff\x90", b"\xff\xd9"
MAX_TILE_PARTS = 1_000_000
_ICC_METHODS = (2, 3)  # of a colour box: restricted and full ICC profiles
_COLOUR_SPACES = {16: "sRGB", 17: "grey", 18: "sYCC"}
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF_UUID = b"JpgTiffExif->JP2"


def inspect_jpeg2000(data: bytes) -> Inspection:
    """Read size and depth from the codestream, colour and metadata from the boxes around it."""
    boxed = not data.startswith(SOC)
    findings = check_boxes(data) if boxed else Findings()
    boxes = _boxes(data, 0, len(data)) if boxed else [(b"jp2c", 0, len(data))]
    stream = next(((start, end) for kind, start, end in boxes if kind == b"jp2c"), None)
    if stream is None:
        raise BrokenHeaderError("it has no codestream")
    start, end = stream
    if data[start : start + 4] != SOC + SIZ or len(data) < start + 42:
        raise BrokenHeaderError("its codestream does not start with a size")
    right, bottom, left, top = (int.from_bytes(data[start + 8 + 4 * i : start + 12 + 4 * i], "big") for i in range(4))
    components = int.from_bytes(data[start + 40 : start + 42], "big")
    depths = data[start + 42 : start + 42 + 3 * components : 3]
    if right <= left or bottom <= top or not components or len(depths) < components:
        raise BrokenHeaderError(f"its header says {right - left} x {bottom - top} pixels of {components} components")
    if any(depth & 0x80 for depth in depths):
        raise UnsupportedError("a JPEG 2000 image with signed samples")
    inspection = Inspection(NAME, right - left, bottom - top, max(depths) + 1, findings=findings)
    inspection.facts["components"] = components
    _walk_codestream(data, start, end, boxed, findings)
    for kind, first, last in boxes:
        if kind == b"jp2h":
            for inner, inner_first, inner_last in _boxes(data, first, last):
                _take_header_box(inner, data[inner_first:inner_last], inspection)
        elif kind == b"uuid" and data[first : first + 16] == _XMP_UUID:
            inspection.xmp = data[first + 16 : last]
        elif kind == b"uuid" and data[first : first + 16] == _EXIF_UUID:
            inspection.exif = data[first + 16 : last].removeprefix(b"Exif\0\0")
    return inspection


def _boxes(data: bytes, at: int, end: int) -> list[tuple[bytes, int, int]]:
    """Return (kind, first and last offset of the content) for the boxes in data[at:end] that are intact."""
    found: list[tuple[bytes, int, int]] = []
    while at + 8 <= end and len(found) < 1000:
        size, kind, header = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if size == 1:
            size, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = end - at
        if size < header:
            break
        found.append((kind, at + header, min(at + size, end)))
        at += size
    return found


def _take_header_box(kind: bytes, content: bytes, inspection: Inspection) -> None:
    if kind != b"colr" or len(content) < 3:
        return
    if content[0] in _ICC_METHODS:
        inspection.icc = content[3:]
    elif content[0] == 1:
        space = int.from_bytes(content[3:7], "big")
        inspection.facts["colour_space"] = _COLOUR_SPACES.get(space, str(space))
        if space not in (16, 17):
            raise UnsupportedError(
                f"a JPEG 2000 image whose colours are {_COLOUR_SPACES.get(space, f'of space {space}')}"
            )


def _walk_codestream(data: bytes, start: int, end: int, boxed: bool, findings: Findings) -> None:
    """Follow the marker segments and tile parts by their lengths to the end-of-codestream marker."""
    at = start + 2
    for _ in range(MAX_TILE_PARTS):
        marker = data[at : at + 2]
        if marker == EOC:
            if not boxed and at + 2 < end:
                findings.add_note(describe_trailer(data[at + 2 : end]))
            return
        if marker[:1] != b"\xff" or len(marker) < 2:
            words = "the file ends without an end-of-codestream marker: it is cut short"
            findings.add_damage(words if at >= end else f"no marker where one was expected, at byte {at}")
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == SOT:
            part = int.from_bytes(data[at + 6 : at + 10], "big")
            if part == 0:  # this tile part extends to the end of the codestream
                if data[end - 2 : end] != EOC:
                    findings.add_damage("the file ends without an end-of-codestream marker: it is cut short")
                return
            at += max(part, 12)
        else:
            at += 2 + max(length, 2)


def decode_jpeg2000(data: bytes, inspection: Inspection) -> Samples:
    try:
        array = np.asarray(imagecodecs.jpeg2k_decode(data, numthreads=1))
    except imagecodecs.Jpeg2kError as error:
        if "not supported" in str(error):
            raise UnsupportedError(f"a JPEG 2000 image of a kind that its decoder does not read ({error})") from error
        raise
    grey = array.ndim == 2 or array.shape[2] < 3
    samples = from_imagecodecs("jpeg2k", array, "grey" if grey else "rgb", imagecodecs.jpeg2k_version())
    samples.bits = inspection.bits
    return samples


JPEG2000 = Format(
    name=NAME,
    suffixes=(".jp2",),
    recognises=starting(b"\0\0\0\x0cjP  \r\n\x87\n", SOC + SIZ),
    inspect=inspecting_whole(inspect_jpeg2000),
    decode=decoding_whole(decode_jpeg2000),
    second=by_pillow_to_8_bits,
    lossy=True,
)
