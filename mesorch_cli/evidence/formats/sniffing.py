"""What a file is, recognised by its first bytes and never by its name."""

from mesorch_cli.evidence.format import HEAD_BYTES, Format
from mesorch_cli.evidence.formats.registry import FORMATS
from mesorch_cli.evidence.inspection import UnsupportedError
from mesorch_cli.evidence.jpeg.format import JPEG_LS

# Kinds that people often have. The message names them instead of saying "not an image".
_KNOWN_UNREADABLE = (
    (b"8BPS", "Photoshop document"),
    (b"%PDF-", "PDF"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"DDS ", "DirectDraw surface"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"qoif", "QOI"),
    (b"\0\0\x01\0", "Windows icon"),
    (b"gimp xcf ", "GIMP project"),
    (b"\x1aE\xdf\xa3", "Matroska video"),
)


def sniff(head: bytes) -> Format | None:
    """Return the format of a file by its first HEAD_BYTES, or None if it is not an image.

    Raises UnsupportedError for kinds of images that are recognised but not read.
    """
    for format_ in FORMATS:
        if format_.recognises(head):
            return format_
    if head.startswith(JPEG_LS):
        raise UnsupportedError("a JPEG-LS image")
    if head[4:8] == b"ftyp":
        major = head[8:12].decode("latin-1")
        raise UnsupportedError(f"an ISO media file of brand {major!r}, such as a video")
    for start, name in _KNOWN_UNREADABLE:
        if head.startswith(start):
            raise UnsupportedError(f"a file of the kind {name}")
    if b"<svg" in head[:HEAD_BYTES].lower():
        raise UnsupportedError("a vector drawing (SVG)")
    return None
