"""What a file is, told by its first bytes and never by its name."""

from mesorch_cli.evidence.inspection import UnsupportedError

JPEG, PNG, TIFF, WEBP, BMP, GIF, HEIC, AVIF = "JPEG", "PNG", "TIFF", "WebP", "BMP", "GIF", "HEIC", "AVIF"
JPEG2000, JPEGXL, RAW = "JPEG 2000", "JPEG XL", "camera raw"
READABLE = (JPEG, PNG, TIFF, WEBP, BMP, GIF, HEIC, AVIF, JPEG2000, JPEGXL, RAW)

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_AVIF_BRANDS = {b"avif", b"avis"}

_JPEG2000_STARTS = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")
_JPEGXL_STARTS = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
# Fujifilm, Olympus, Panasonic, Sigma and Canon; most other makers' files are TIFFs, which `is_raw` of the TIFF room tells.
_RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"II\x1a\0\0\0HEAPCCDR")

# Kinds that people do have, so that the message can name them instead of saying "not an image".
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
    if data.startswith(TIFF_STARTS):
        return RAW if data[8:10] == b"CR" else TIFF
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADER_SIZES:
        return BMP
    if data[4:8] == b"ftyp":
        return _sniff_iso(data)
    for starts, name in ((_JPEG2000_STARTS, JPEG2000), (_JPEGXL_STARTS, JPEGXL), (_RAW_STARTS, RAW)):
        if data.startswith(starts):
            return name
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
        return RAW
    if brands & _HEIC_BRANDS:
        return HEIC
    major = data[8:12].decode("latin-1")
    raise UnsupportedError(f"an ISO media file of brand {major!r}, such as a video")
