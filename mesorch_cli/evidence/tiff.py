"""TIFF: the first full-size page of a file, whatever its depth or compression, and whether its strips are whole."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tifffile

from mesorch_cli.evidence.colour import Samples, spread, spread_words, to_fixed_range
from mesorch_cli.evidence.containers import padded
from mesorch_cli.evidence.content import as_stream
from mesorch_cli.evidence.formats import TIFF
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, Inspection, NoSuchPageError, UnsupportedError
from mesorch_cli.evidence.photo import Content
from mesorch_cli.evidence.storage import allocate
from mesorch_cli.evidence.tiff_data import check_tiff_data

PHOTOMETRIC_WHITE_IS_ZERO, PHOTOMETRIC_BLACK_IS_ZERO, PHOTOMETRIC_RGB = 0, 1, 2
PHOTOMETRIC_PALETTE, PHOTOMETRIC_SEPARATED, PHOTOMETRIC_YCBCR = 3, 5, 6
PHOTOMETRIC_RAW = (32803, 34892)  # colour filter array, linear raw
TAG_DNG_VERSION, TAG_ICC, TAG_XMP, TAG_ORIENTATION, TAG_IPTC = 50706, 34675, 700, 274, 33723
JPEG_COMPRESSIONS = (6, 7)
MAX_PAGES = 10_000
UNSIGNED = 1
_SAMPLE_KINDS = {1: "unsigned integer", 2: "signed integer", 3: "floating point", 4: "unsigned integer"}


class CameraRawError(Exception):
    """The file is a camera raw in the clothes of a TIFF; `findings` is what its directories told so far."""

    def __init__(self, findings: Findings) -> None:
        super().__init__("a camera raw file (DNG, NEF, ARW or the like)")
        self.findings = findings


def inspect_tiff(data: Content, wanted: int | None = None) -> Inspection:
    """Read the directories of a TIFF and choose the page to decode: `wanted` (from 1 on), or the first full-size one.

    Raises CameraRawError for camera raw files, UnsupportedError for complex samples, NoSuchPageError.
    """
    findings = Findings()
    with _logged_to(findings):
        try:
            pages = list(_pages(tifffile.TiffFile(as_stream(data))))
        except Exception as error:  # the parser raises whatever a broken directory leads it to
            raise BrokenHeaderError(f"its directories cannot be read ({_words(error)})") from error
    if not pages:
        raise BrokenHeaderError("it has no page")
    if any(_is_raw(page) for page in pages):
        for page in pages:
            _check_segments(page, len(data), findings)
        raise CameraRawError(findings)
    if wanted is not None and not 1 <= wanted <= len(pages):
        raise NoSuchPageError(f"has {len(pages)} pages or frames and no page {wanted}")
    full = [number for number, page in enumerate(pages) if not page.is_reduced and not page.is_mask]
    number = wanted - 1 if wanted is not None else full[0] if full else 0
    page = pages[number]
    if not page.imagewidth or not page.imagelength:
        raise BrokenHeaderError(f"its page {number + 1} has no size")
    if page.sampleformat not in _SAMPLE_KINDS:
        raise UnsupportedError(f"a TIFF with samples of format {page.sampleformat}, which are not real numbers")
    inspection = Inspection(TIFF, page.imagewidth, page.imagelength, page.bitspersample, findings=findings)
    inspection.pages, inspection.page = len(pages), number + 1
    inspection.structure = number
    inspection.exif = data
    orientation = _tag(page, TAG_ORIENTATION)
    inspection.orientation = orientation if isinstance(orientation, int) else None
    inspection.icc, inspection.xmp = (_as_bytes(_tag(page, tag)) for tag in (TAG_ICC, TAG_XMP))
    inspection.iptc = _as_bytes(_tag(page, TAG_IPTC))
    inspection.facts = {
        "compression": getattr(page.compression, "name", str(page.compression)),
        "photometric": getattr(page.photometric, "name", str(page.photometric)),
        "planar": bool(page.planarconfig == 2),
        "tiled": bool(page.is_tiled),
    }
    if page.sampleformat != UNSIGNED:
        inspection.facts["samples"] = _SAMPLE_KINDS[page.sampleformat]
    _check_segments(page, len(data), findings)
    return inspection


def decode_tiff(data: Content, inspection: Inspection) -> Samples:
    """Decode the chosen page. Raises whatever the codecs raise on data that does not decode."""
    with _logged_to(inspection.findings), tifffile.TiffFile(as_stream(data)) as file:
        page = list(_pages(file))[inspection.structure]
        if page.imagedepth != 1:
            raise UnsupportedError("a TIFF that holds a volume")
        check_tiff_data(page, inspection.findings)
        try:
            array = page.asarray(out=allocate(page.shape, page.dtype), maxworkers=1)
        except (RuntimeError, ValueError, OSError):  # of a codec, of tifffile, and of a file that ends too soon
            end = max(o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False))
            whole = bytes(data[:])
            if padded(whole, end) is whole:
                raise
            return decode_tiff(padded(whole, end), inspection)
        planes = array.reshape(page.shaped)  # (planes, depth, H, W, contiguous samples)
        array = planes[:, 0].transpose(1, 2, 0, 3).reshape(planes.shape[2], planes.shape[3], -1)
        samples = Samples(array, "rgb", "tifffile", tifffile.__version__)
        _interpret(page, samples, inspection.bits)
    if inspection.structure and not inspection.asked:
        samples.conversions.append(f"page {inspection.structure + 1} read: the pages before it are thumbnails or masks")
    return samples


def _interpret(page: Any, samples: Samples, bits: int) -> None:
    """Turn the page's samples into full-range grey, RGB or CMYK, by its photometric interpretation."""
    photometric = int(page.photometric)
    if photometric == PHOTOMETRIC_PALETTE:
        indices, colours = samples.array[..., 0], np.asarray(page.colormap, np.uint16)  # (3, 2**bits), 16-bit
        samples.conversions.append(f"palette of {colours.shape[1]} colours expanded")
        if np.array_equal(colours % 256 * 257, colours) or not (colours % 256).any():
            colours = (colours >> 8).astype(np.uint8)  # 8-bit colours, written the way TIFF asks
        samples.array = colours[:, np.minimum(indices, colours.shape[1] - 1)].transpose(1, 2, 0)
        return
    if samples.array.dtype == np.bool_:
        samples.array = samples.array.astype(np.uint8)
    if page.sampleformat != UNSIGNED or bits > 16:
        samples.array = to_fixed_range(samples.array, samples.conversions)
    elif bits not in (8, 16):
        samples.array = spread(samples.array, bits)
        samples.conversions.append(spread_words(bits))
    if photometric in (PHOTOMETRIC_WHITE_IS_ZERO, PHOTOMETRIC_BLACK_IS_ZERO):
        samples.kind = "grey"
        if photometric == PHOTOMETRIC_WHITE_IS_ZERO:
            samples.array = np.iinfo(samples.array.dtype).max - samples.array
            samples.conversions.append("grey inverted (white was stored as zero)")
    elif photometric == PHOTOMETRIC_SEPARATED:
        samples.kind = "cmyk"
    elif photometric == PHOTOMETRIC_YCBCR and int(page.compression) in JPEG_COMPRESSIONS:
        samples.conversions.append("YCbCr to RGB by the JPEG codec")
    elif photometric != PHOTOMETRIC_RGB:
        name = getattr(page.photometric, "name", photometric)
        raise UnsupportedError(f"a TIFF whose colours are stored as {name}")


def _pages(file: tifffile.TiffFile) -> Iterator[Any]:
    """Yield the pages of the main chain, each with its own tags; a chain that comes back to a page ends there."""
    seen: set[int] = set()
    for page in file.pages:
        if len(seen) >= MAX_PAGES or page.offset in seen:
            return
        seen.add(page.offset)
        yield page if isinstance(page, tifffile.TiffPage) else page.aspage()


def _is_raw(page: Any) -> bool:
    if TAG_DNG_VERSION in page.tags or _photometric(page) in PHOTOMETRIC_RAW:
        return True
    return any(_photometric(sub) in PHOTOMETRIC_RAW for sub in page.pages or ()) if page.subifds else False


def _photometric(page: Any) -> int:
    return int(getattr(page, "photometric", None) or 0)


def _tag(page: Any, code: int) -> Any:
    tag = page.tags.get(code)
    return None if tag is None else tag.value


def _as_bytes(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return bytes(value) if isinstance(value, (bytes, tuple, list)) and value else None


def _check_segments(page: Any, size: int, findings: Findings) -> None:
    """Check that every strip or tile of the page lies inside the file."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    outside = sum(1 for offset, count in segments if offset + count > size)
    empty = sum(1 for offset, count in segments if offset == 0 or count == 0)
    if outside:
        findings.add_damage(
            f"{outside} of {len(segments)} strips or tiles lie past the end of the file: it is cut short"
        )
    if empty or not segments:
        findings.add_damage(f"{empty} of {len(segments)} strips or tiles have no data")


@contextmanager
def _logged_to(findings: Findings) -> Iterator[None]:
    """Turn what the TIFF parser logs in this thread into findings: errors are damage, warnings are notes."""
    here = threading.get_ident()

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == here:
                add = findings.add_damage if record.levelno >= logging.ERROR else findings.add_note
                add(f"TIFF reader: {record.getMessage()[:200]}")

    logger = logging.getLogger("tifffile")
    collector = Collector(logging.WARNING)
    logger.addHandler(collector)
    try:
        yield
    finally:
        logger.removeHandler(collector)


def _words(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:200]
