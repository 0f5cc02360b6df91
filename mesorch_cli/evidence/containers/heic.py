"""HEIC. libheif reads the boxes and decodes the pictures, turned as the boxes ask."""

import io

import numpy as np

from mesorch_cli.evidence.colour import Samples
from mesorch_cli.evidence.containers.boxes import AVIF_BRANDS, RAW_BRAND, brands, check_boxes, take_main_item
from mesorch_cli.evidence.format import Format, decoding_whole
from mesorch_cli.evidence.inspection import BrokenHeaderError, Inspection, NoSuchPageError, UnsupportedError
from mesorch_cli.evidence.photo import Content

NAME = "HEIC"
MAX_META = 1 << 20  # bytes at the start of a file that are searched for properties of its other pictures
_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}


def _recognises(head: bytes) -> bool:
    found = brands(head)
    return bool(found & _BRANDS) and not found & AVIF_BRANDS and head[8:12] != RAW_BRAND


def inspect_heic(content: Content, page: int | None = None) -> Inspection:
    """Let the HEIF parser read the boxes of a file. The main picture, or picture `page`, is not decoded yet."""
    try:
        import pi_heif
    except ImportError as error:
        raise UnsupportedError("a HEIC image, for which the package pi-heif is not installed") from error
    data = bytes(content)
    findings = check_boxes(data)
    try:
        file = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
        number = file.primary_index if page is None else page - 1
        if not 0 <= number < len(file):
            raise NoSuchPageError(f"has {len(file)} pages or frames and no page {page}")
        main = file[number]
    except (OSError, SyntaxError, ValueError, RuntimeError, EOFError, IndexError) as error:
        raise BrokenHeaderError(str(error) or "the HEIF parser refused it") from error
    inspection = Inspection(NAME, main.size[0], main.size[1], int(main.info.get("bit_depth", 8)), findings=findings)
    inspection.pages, inspection.page = len(file), number + 1
    inspection.structure = main
    inspection.icc, inspection.xmp = main.info.get("icc_profile"), main.info.get("xmp")
    if number == file.primary_index:
        take_main_item(data, inspection)
    else:
        _take_librarys_exif(main.info.get("exif"), inspection)
        inspection.facts["turned_or_mirrored"] = any(
            box in data[:MAX_META] for box in (b"\0\0\0\x09irot", b"\0\0\0\x09imir")
        )
    inspection.orientation = 1  # the decoder turns the picture as the boxes say; by the standard, EXIF does not count
    return inspection


def _take_librarys_exif(exif: object, inspection: Inspection) -> None:
    if isinstance(exif, bytes):
        inspection.exif = exif.removeprefix(b"Exif\0\0")


def decode_heic(_data: bytes, inspection: Inspection) -> Samples:
    """Decode with libheif, which always turns and mirrors as the container asks."""
    import pi_heif

    main = inspection.structure
    array = np.array(main)  # a copy, because the library frees its memory with its object
    kind = "grey" if array.ndim == 2 else "rgb"
    samples = Samples(array, kind, "pi_heif", f"{pi_heif.__version__} (libheif {pi_heif.libheif_version()})")
    if array.dtype == np.uint16 and inspection.bits < 16:
        samples.array = array >> np.uint16(16 - inspection.bits)  # undo the library's plain shift
        samples.bits = inspection.bits
    if _is_turned(inspection):
        samples.conversions.append("rotation or mirroring stated by the HEIF container applied by the decoder")
    return samples


def _is_turned(inspection: Inspection) -> bool:
    """Return whether the boxes turn or mirror the picture; for other than the main picture, whether any box does."""
    facts = inspection.facts
    turned = facts.get("turned_left_by_degrees", 0) or facts.get("mirrored", "no") != "no"
    return bool(turned or facts.get("turned_or_mirrored"))


HEIC = Format(
    name=NAME,
    suffixes=(".heic", ".heif"),
    recognises=_recognises,
    inspect=inspect_heic,
    decode=decoding_whole(decode_heic),
    lossy=True,
    media_type="image/heic",
)
