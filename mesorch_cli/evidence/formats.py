"""What a file is, told by its first bytes and never by its name."""

from mesorch_cli.evidence.inspection import UnsupportedError

JPEG, PNG, TIFF, WEBP, BMP, GIF, HEIC, AVIF = "JPEG", "PNG", "TIFF", "WebP", "BMP", "GIF", "HEIC", "AVIF"
READABLE = (JPEG, PNG, TIFF, WEBP, BMP, GIF, HEIC, AVIF)

_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}

# Kinds that people do have, so that the message can name them instead of saying "not an image".
_KNOWN_UNREADABLE = (
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"8BPS", "Photoshop document"),
    (b"%PDF-", "PDF"),
    (b"FUJIFILMCCD-RAW", "camera raw (Fujifilm)"),
    (b"IIRO", "camera raw (Olympus)"),
    (b"IIRS", "camera raw (Olympus)"),
    (b"IIU\0", "camera raw (Panasonic)"),
    (b"FOVb", "camera raw (Sigma)"),
    (b"II\x1a\0\0\0HEAPCCDR", "camera raw (Canon)"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"DDS ", "DirectDraw surface"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"qoif", "QOI"),
    (b"\0\0\x01\0", "Windows icon"),
    (b"gimp xcf ", "GIMP project"),
    (b"\x1aE\xdf\xa3", "Matroska video"),
)


def sniff(data: bytes) -> str | None:
    """Return the format of `data` (one of READABLE), or None where it is no image that anyone would call one.

    Raises UnsupportedError for image kinds that are recognised and not read.
    """
    if data.startswith(b"\xff\xd8\xff\xf7"):
        raise UnsupportedError("a JPEG-LS image")
    if data.startswith(b"\xff\xd8\xff"):
        return JPEG
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if data.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if data.startswith(_TIFF_STARTS):
        if data[8:10] == b"CR":
            raise UnsupportedError("a camera raw file (Canon CR2)")
        return TIFF
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return BMP
    if data[4:8] == b"ftyp":
        return _sniff_iso(data)
    for start, name in _KNOWN_UNREADABLE:
        if data.startswith(start):
            raise UnsupportedError(f"a file of the kind {name}")
    if b"<svg" in data[:1024].lower():
        raise UnsupportedError("a vector drawing (SVG)")
    return None


def _sniff_iso(data: bytes) -> str:
    """Tell HEIC and AVIF from the other users of the ISO base media format by their brands."""
    size = min(max(int.from_bytes(data[:4], "big"), 16), 512)
    brands = {data[8:12]} | {data[at : at + 4] for at in range(16, size, 4)}
    if brands & _AVIF_BRANDS:
        return AVIF
    if data[8:12] == b"crx ":
        raise UnsupportedError("a camera raw file (Canon CR3)")
    if brands & _HEIC_BRANDS:
        return HEIC
    major = data[8:12].decode("latin-1")
    raise UnsupportedError(f"an ISO media file of brand {major!r}, such as a video")
