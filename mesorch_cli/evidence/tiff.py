"""TIFF: the first full-size page of a file, whatever its depth or compression, and whether its strips are whole."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from mesorch_cli.evidence import libtiff, tiff_layout
from mesorch_cli.evidence.colour import Samples, spread, spread_words, to_fixed_range
from mesorch_cli.evidence.content import as_stream
from mesorch_cli.evidence.formats import TIFF
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, Inspection, NoSuchPageError, UnsupportedError
from mesorch_cli.evidence.photo import Content
from mesorch_cli.evidence.storage import zeros
from mesorch_cli.evidence.tiff_data import jpeg_tables, read_pieces
from mesorch_cli.evidence.tiff_layout import (
    LOSSY,
    OLD_JPEG,
    PALETTE,
    SEPARATED,
    UNPACKED_HERE,
    YCBCR,
    Layout,
    layout_of,
)
from mesorch_cli.evidence.tiff_words import listening, report, words_of

PHOTOMETRIC_RAW = (32803, 34892)  # colour filter array, linear raw
TAG_DNG_VERSION, TAG_ICC, TAG_XMP, TAG_ORIENTATION, TAG_IPTC = 50706, 34675, 700, 274, 33723
TAGS_OF_LENGTHS = (279, 325, 514)
MAX_PAGES = 10_000
UNSIGNED = (1, 4)
_SAMPLE_KINDS = {2: "signed integer", 3: "floating point"}


class CameraRawError(Exception):
    """The file is a camera raw in the clothes of a TIFF; `findings` is what its directories told so far."""

    def __init__(self, findings: Findings) -> None:
        super().__init__("a camera raw file (DNG, NEF, ARW or the like)")
        self.findings = findings


def inspect_tiff(data: Content, wanted: int | None = None) -> Inspection:
    """Read the directories of a TIFF and choose the page to decode: `wanted` (from 1 on), or the first full-size one.

    Raises CameraRawError for camera raw files, UnsupportedError for kinds that nothing here reads, NoSuchPageError.
    """
    findings = Findings()
    said: list[list[str]] = []
    with listening() as log:
        pages = _read_directories(data, log, said, findings)
        if any(_is_raw(page) for page in pages):
            for page in pages:
                _check_segments(page, len(data), findings)
            raise CameraRawError(findings)
    if wanted is not None and not 1 <= wanted <= len(pages):
        raise NoSuchPageError(f"has {len(pages)} pages or frames and no page {wanted}")
    full = [number for number, page in enumerate(pages) if not page.is_reduced and not page.is_mask]
    number = wanted - 1 if wanted is not None else full[0] if full else 0
    page = pages[number]
    for other, sentences in enumerate(said):
        report(sentences, findings, None if other == number else other + 1)
    if not page.imagewidth or not page.imagelength:
        raise BrokenHeaderError(f"its page {number + 1} has no size")
    layout = layout_of(page)
    if layout.guessed:
        findings.add_note(layout.guessed)
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
        "photometric": getattr(page.photometric, "name", str(page.photometric)) if not layout.guessed else "not stated",
        "planar": bool(page.planarconfig == 2),
        "tiled": bool(page.is_tiled),
    }
    if int(page.sampleformat) not in UNSIGNED:
        inspection.facts["samples"] = _SAMPLE_KINDS[int(page.sampleformat)]
    _check_segments(page, len(data), findings)
    return inspection


def decode_tiff(data: Content, inspection: Inspection) -> Samples:
    """Decode the chosen page. What of it does not decode is zero, and a finding.

    Raises UnsupportedError for kinds that nothing here reads, and what the codecs raise where no part decodes.
    """
    with _opened(data, inspection.structure) as (page, layout):
        if layout.by_libtiff:
            for _ in read_pieces(page, inspection.findings):
                pass  # for what it finds
            array = _channels_last(libtiff.decode_page(data, page, inspection.structure), page)
            samples = Samples(array, "rgb", "imagecodecs.tiff", libtiff.version())
        else:
            samples = Samples(_assembled(page, inspection.findings), "rgb", "tifffile", tifffile.__version__)
            if int(page.compression) in tiff_layout.FAX:
                _check_fax(samples.array, data, page, inspection)
        _interpret(page, samples, layout)
    if inspection.structure and not inspection.asked:
        samples.conversions.append(f"page {inspection.structure + 1} read: the pages before it are thumbnails or masks")
    return samples


def decode_tiff_again(data: Content, inspection: Inspection) -> tuple[Samples, bool]:
    """Decode the chosen page by libtiff alone, to the same samples, and say whether the standard leaves no choice of values.

    Raises UnsupportedError where libtiff was the first reader, or does not hand out the samples as they are stored.
    """
    with _opened(data, inspection.structure) as (page, layout):
        if layout.by_libtiff:
            raise UnsupportedError("a TIFF that libtiff alone reads")
        if layout.photometric == SEPARATED:
            raise UnsupportedError("a TIFF whose CMYK samples libtiff makes RGB of, by its own formula")
        array = _channels_last(libtiff.decode_page(data, page, inspection.structure), page)
        samples = Samples(array, "rgb", "libtiff", libtiff.version())
        _interpret(page, samples, layout)
        return samples, int(page.compression) not in LOSSY


def _assembled(page: Any, findings: Findings) -> npt.NDArray[Any]:
    """Put the pieces of a page together, as (H, W, samples)."""
    plain = int(page.compression) in UNPACKED_HERE
    decode = _plain(page).decode if plain else page.decode
    tables = None if plain else jpeg_tables(page) or None
    whole: npt.NDArray[Any] = zeros(page.shaped, page.dtype)
    decoded, last = 0, ValueError("no strip or tile has any data")
    for number, data in read_pieces(page, findings):
        if data is None:
            continue  # told by the check of the directory
        try:
            piece, (plane, depth, row, column, _), shape = decode(data, number, jpegtables=tables)
            piece = piece[: page.imagedepth - depth, : page.imagelength - row, : page.imagewidth - column]
            whole[plane, depth : depth + shape[0], row : row + shape[1], column : column + shape[2]] = piece
        except (RuntimeError, ValueError, OSError, IndexError) as error:  # of codecs, and of pieces that do not fit
            last = ValueError(words_of(error))
            findings.add_damage(f"strip or tile {number + 1} does not decode ({last})")
        else:
            decoded += 1
    if not decoded:
        raise last
    return whole[:, 0].transpose(1, 2, 0, 3).reshape(whole.shape[2], whole.shape[3], -1)


def _plain(page: Any) -> Any:
    """Return a page as it would be without its compression, for tifffile to place unpacked pieces in the picture."""
    twin = copy.copy(page)
    for name in ("hash", "decode"):
        vars(twin).pop(name, None)  # what tifffile worked out and kept
    twin.compression, twin.fillorder = tifffile.COMPRESSION.NONE, tifffile.FILLORDER.MSB2LSB
    return twin


def _check_fax(array: npt.NDArray[Any], data: Content, page: Any, inspection: Inspection) -> None:
    """Fax codes have no checksum, and readers mend what is wrong each in its own way: where two differ it is damaged."""
    try:
        other = _channels_last(libtiff.decode_page(data, page, inspection.structure), page)
    except (UnsupportedError, RuntimeError, ValueError) as error:
        inspection.findings.add_damage(f"the fax data does not decode as a whole ({words_of(error)})")
        return
    if other.shape != array.shape or not np.array_equal(other != 0, array != 0):
        inspection.findings.add_damage("the fax data is wrong: two decoders make different pictures of it")


def _interpret(page: Any, samples: Samples, layout: Layout) -> None:
    """Turn the page's samples into full-range grey, RGB or CMYK, by its photometric interpretation."""
    photometric, bits = layout.photometric, int(page.bitspersample)
    if photometric == YCBCR:
        if layout.by_libtiff:
            across, down = libtiff.subsampling(page)
            words = f", each chroma value for {across} x {down} pixels" if (across, down) != (1, 1) else ""
            samples.conversions.append(f"YCbCr to RGB by libtiff{words}")
        else:
            samples.conversions.append("YCbCr to RGB by the JPEG codec")
        if samples.array.dtype in (np.uint8, np.uint16):
            samples.bits = bits if bits not in (8, 16) else None
            return
    if photometric == PALETTE:
        indices, colours = samples.array[..., 0], np.asarray(page.colormap, np.uint16)  # (3, 2**bits), 16-bit
        samples.conversions.append(f"palette of {colours.shape[1]} colours expanded")
        if samples.array.shape[2] > 1:
            samples.conversions.append("samples beside the palette index dropped")
        if np.array_equal(colours % 256 * 257, colours) or not (colours % 256).any():
            colours = (colours >> 8).astype(np.uint8)  # 8-bit colours, written the way TIFF asks
        samples.array = colours[:, np.minimum(indices, colours.shape[1] - 1)].transpose(1, 2, 0)
        return
    if samples.array.dtype == np.bool_:
        samples.array = samples.array.astype(np.uint8)
    if int(page.sampleformat) not in UNSIGNED or bits > 16:
        samples.array = to_fixed_range(samples.array, samples.conversions, bits)
    elif bits not in (8, 16):
        samples.array = spread(samples.array, bits)
        samples.conversions.append(spread_words(bits))
    if photometric in (tiff_layout.WHITE_IS_ZERO, tiff_layout.BLACK_IS_ZERO):
        samples.kind = "grey"
        if photometric == tiff_layout.WHITE_IS_ZERO:
            samples.array = np.iinfo(samples.array.dtype).max - samples.array
            samples.conversions.append("grey inverted (white was stored as zero)")
    elif photometric == SEPARATED:
        samples.kind = "cmyk"


def _channels_last(array: npt.NDArray[Any], page: Any) -> npt.NDArray[Any]:
    """Return what libtiff gave as (H, W, samples)."""
    if array.ndim == 2:
        return array[:, :, None]
    if page.planarconfig == 2 and array.shape[0] == page.samplesperpixel and array.shape[1:] == page.shaped[2:4]:
        return array.transpose(1, 2, 0)
    return array


@contextmanager
def _opened(data: Content, number: int) -> Iterator[tuple[Any, Layout]]:
    """Open page `number` (from 0 on) again, ready to be decoded; what tifffile says of it was told when it was inspected."""
    with listening(), tifffile.TiffFile(as_stream(data)) as file:
        page = next(islice(_pages(file), number, None))
        _complete(page, len(data))
        layout = layout_of(page)
        page.photometric = tifffile.PHOTOMETRIC(layout.photometric)
        yield page, layout


def _read_directories(data: Content, log: list[str], said: list[list[str]], findings: Findings) -> list[Any]:
    """Return the pages, and in `said`, for each, what tifffile had to say of it."""
    pages: list[Any] = []
    try:
        for page in _pages(tifffile.TiffFile(as_stream(data))):
            _complete(page, len(data))
            pages.append(page)
            said.append(log.copy())
            log.clear()
    except Exception as error:  # the parser raises whatever a broken directory leads it to
        if not pages:
            raise BrokenHeaderError(f"its directories cannot be read ({words_of(error)})") from error
        findings.add_damage(f"the directory after page {len(pages)} cannot be read ({words_of(error)})")
    if not pages:
        raise BrokenHeaderError("it has no page")
    if any("invalid page offset" in message for message in log):
        findings.add_damage(
            f"the list of pages goes on past the end of the file after page {len(pages)}: it is cut short"
        )
    return pages


def _pages(file: tifffile.TiffFile) -> Iterator[Any]:
    """Yield the pages of the main chain, each with its own tags; a chain that comes back to a page ends there."""
    seen: set[int] = set()
    for page in file.pages:
        if len(seen) >= MAX_PAGES or page.offset in seen:
            return
        seen.add(page.offset)
        yield page if isinstance(page, tifffile.TiffPage) else page.aspage()


def _complete(page: Any, size: int) -> None:
    """Where no lengths are given, let each strip or tile go on to the next one, or to the end of the file, as libtiff does."""
    if any(tag in page.tags for tag in TAGS_OF_LENGTHS) or not page.dataoffsets or int(page.compression) == OLD_JPEG:
        return
    if int(page.compression) == tiff_layout.NONE and len(page.dataoffsets) == 1:
        return  # tifffile takes what the samples need
    starts = sorted({*page.dataoffsets, size})
    following = dict(zip(starts, starts[1:], strict=False))
    page.databytecounts = tuple(max(following.get(offset, size) - offset, 0) for offset in page.dataoffsets)


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
    """Check that every strip or tile of the page is listed, and lies inside the file."""
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    outside = sum(1 for offset, count in segments if offset + count > size)
    empty = sum(1 for offset, count in segments if offset == 0 or count == 0)
    if outside:
        findings.add_damage(
            f"{outside} of {len(segments)} strips or tiles lie past the end of the file: it is cut short"
        )
    if empty or not segments:
        findings.add_damage(f"{empty} of {len(segments)} strips or tiles have no data")
    needed = _needed_segments(page)
    if 0 < len(segments) < needed:
        findings.add_damage(f"only {len(segments)} of {needed} strips or tiles are listed")


def _needed_segments(page: Any) -> int:
    """Return how many strips or tiles make the page; 0 where its tags do not say, or JPEG data stands for itself."""
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    if int(page.compression) == OLD_JPEG:
        return 0
    if page.is_tiled:
        if not page.tilewidth or not page.tilelength:
            return 0
        return int(-(-page.imagewidth // page.tilewidth) * -(-page.imagelength // page.tilelength) * planes)
    return int(-(-page.imagelength // page.rowsperstrip) * planes) if page.rowsperstrip else 0
