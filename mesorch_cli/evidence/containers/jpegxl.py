"""JPEG XL: size, depth and orientation from the first bits of the codestream, metadata from the boxes around it."""

import imagecodecs
import numpy as np

from mesorch_cli.evidence.codecs import from_imagecodecs
from mesorch_cli.evidence.colour import Samples, to_fixed_range
from mesorch_cli.evidence.containers.boxes import check_boxes
from mesorch_cli.evidence.format import Format, decoding_whole, inspecting_whole, starting
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, Inspection

NAME = "JPEG XL"
CODESTREAM = b"\xff\x0a"
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}


class _Bits:
    """Reads numbers of a few bits, lowest bit first, as the format stores them."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "little")
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise BrokenHeaderError("its header is cut short")
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return value

    def choice(self, *options: tuple[int, int]) -> int:
        """Return base + a number of that many bits. Two bits select one of four pairs (base, bits)."""
        base, count = options[self.take(2)]
        return base + self.take(count)


def inspect_jpegxl(data: bytes) -> Inspection:
    """Read the headers of a bare codestream or of a file of boxes."""
    findings, stream = Findings(), data[:256]
    exif = xmp = None
    if not data.startswith(CODESTREAM):
        findings = check_boxes(data)
        stream = b""
        at = 0
        while at + 8 <= len(data):
            size, kind, header = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
            if size == 1:
                size, header = int.from_bytes(data[at + 8 : at + 16], "big"), 16
            size = size or len(data) - at
            content = data[at + header : at + size]
            if kind in (b"jxlc", b"jxlp") and len(stream) < 256:
                stream += content[4 if kind == b"jxlp" else 0 :][:256]
            elif kind == b"Exif" and exif is None:
                exif = content[4:].removeprefix(b"Exif\0\0")
            elif kind == b"xml ":
                xmp = xmp or content
            if size < header:
                break
            at += size
    if not stream.startswith(CODESTREAM):
        raise BrokenHeaderError("it has no codestream")
    bits = _Bits(stream[2:])
    width, height = _size(bits)
    inspection = Inspection(NAME, width, height, 8, findings=findings, exif=exif, xmp=xmp)
    _image_header(bits, inspection)
    return inspection


def _size(bits: _Bits) -> tuple[int, int]:
    by_eight = bits.take(1)

    def side() -> int:
        return 8 * (1 + bits.take(5)) if by_eight else bits.choice((1, 9), (1, 13), (1, 18), (1, 30))

    height = side()
    ratio = bits.take(3)
    width = side() if ratio == 0 else height * _RATIOS[ratio][0] // _RATIOS[ratio][1]
    return width, height


def _preview_size(bits: _Bits) -> None:
    by_eight = bits.take(1)

    def side() -> int:
        if by_eight:
            return bits.choice((16, 0), (32, 0), (1, 5), (33, 9))
        return bits.choice((1, 6), (65, 8), (321, 10), (1345, 12))

    side()
    if bits.take(3) == 0:
        side()


def _image_header(bits: _Bits, inspection: Inspection) -> None:
    """Read orientation, animation and sample depth, all of them optional."""
    inspection.orientation = 1
    if bits.take(1):  # all fields have their defaults
        return
    if bits.take(1):
        inspection.orientation = 1 + bits.take(3)
        if bits.take(1):
            _size(bits)  # the intended display size
        if bits.take(1):
            _preview_size(bits)
        if bits.take(1):
            inspection.findings.add_note("an animation, of which only the first frame is read")
            bits.choice((100, 0), (1000, 0), (1, 10), (1, 30))
            bits.choice((1, 0), (1001, 0), (1, 8), (1, 10))
            bits.choice((0, 0), (0, 3), (0, 16), (0, 32))
            bits.take(1)
    if bits.take(1):
        inspection.bits = bits.choice((32, 0), (16, 0), (24, 0), (1, 6))
        inspection.facts["samples"] = "floating point"
    else:
        inspection.bits = bits.choice((8, 0), (10, 0), (12, 0), (1, 6))


def decode_jpegxl(data: bytes, inspection: Inspection) -> Samples:
    """Decode with libjxl, without turning the picture."""
    array = np.asarray(imagecodecs.jpegxl_decode(data, index=0, keeporientation=True, numthreads=1))
    conversions: list[str] = []
    array = to_fixed_range(array, conversions)
    grey = array.ndim == 2 or array.shape[2] < 3
    samples = from_imagecodecs("jpegxl", array, "grey" if grey else "rgb", imagecodecs.jpegxl_version())
    samples.conversions = conversions
    if 8 < inspection.bits < 16 and not conversions:
        samples.bits = inspection.bits
    return samples


JPEGXL = Format(
    name=NAME,
    suffixes=(".jxl",),
    recognises=starting(CODESTREAM, b"\0\0\0\x0cJXL \r\n\x87\n"),
    inspect=inspecting_whole(inspect_jpegxl),
    decode=decoding_whole(decode_jpegxl),
    lossy=True,
    media_type="image/jxl",
)
