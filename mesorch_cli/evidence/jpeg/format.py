"""JPEG as a format: decoded by libjpeg-turbo, its codes checked against the picture, compared with Pillow."""

import imagecodecs

from mesorch_cli.evidence.codecs import from_imagecodecs
from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.format import Format, decoding_whole, inspecting_whole
from mesorch_cli.evidence.inspection import Inspection, UnsupportedError
from mesorch_cli.evidence.jpeg.entropy import check_entropy
from mesorch_cli.evidence.jpeg.structure import APP14, NAME, JpegStructure, inspect_jpeg
from mesorch_cli.evidence.photo import Content
from mesorch_cli.evidence.second_decoder import by_pillow_to_8_bits

JPEG_LS = b"\xff\xd8\xff\xf7"
LOSSLESS_FRAME = 0xC3
# Kinds of frame that no decoder here knows. Another copy of the file would not help.
_FRAMES_NOT_READ = {
    **dict.fromkeys((0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF), "hierarchical"),
    0xCB: "lossless, arithmetically coded",
}


def decode_jpeg(data: bytes, inspection: Inspection) -> Samples:
    """Decode with libjpeg-turbo, which fills missing parts. CMYK is inverted if there is an Adobe segment."""
    structure: JpegStructure = inspection.structure
    kind_of_frame = _FRAMES_NOT_READ.get(structure.frame_marker)
    if kind_of_frame is not None:
        raise UnsupportedError(f"a JPEG of the {kind_of_frame} kind")
    try:
        array = imagecodecs.jpeg8_decode(data)
    except imagecodecs.Jpeg8Error as error:
        if structure.frame_marker == LOSSLESS_FRAME and "color conversion" in str(error):
            # By JFIF such a file is YCbCr, but most writers store RGB in it. Nothing in the file says which.
            raise UnsupportedError("a lossless JPEG in colour that does not say whether it is RGB or YCbCr") from error
        if not structure.foreign:
            raise
        mended = bytearray(data)
        for at in structure.foreign:
            mended[at + 1] = 0  # a stuffed 0xFF: the data is still wrong, but no longer a marker that stops the decoder
        array = imagecodecs.jpeg8_decode(bytes(mended))
    kind = {1: "grey", 3: "rgb", 4: "cmyk"}[len(structure.components)]
    samples = from_imagecodecs("jpeg8", array, kind, imagecodecs.jpeg8_version())
    samples.bits = structure.precision
    if kind == "cmyk":
        adobe = [s for s in structure.segments if s.marker == APP14 and data[s.payload : s.payload + 5] == b"Adobe"]
        if adobe:
            samples.kind = "cmyk inverted"
            if data[adobe[0].payload + 11 : adobe[0].payload + 12] == b"\2":
                samples.conversions.append("YCCK to CMYK")
    return samples


def _check(data: Content, inspection: Inspection, samples: Samples) -> None:
    check_entropy(bytes(data), inspection.structure, samples.array, inspection.findings)


JPEG = Format(
    name=NAME,
    suffixes=(".jpg", ".jpeg", ".jpe", ".jfif"),
    recognises=lambda head: head.startswith(b"\xff\xd8\xff") and not head.startswith(JPEG_LS),
    inspect=inspecting_whole(inspect_jpeg),
    decode=decoding_whole(decode_jpeg),
    check=_check,
    second=by_pillow_to_8_bits,
    lossy=True,
    media_type="image/jpeg",
)
