"""TIFF: the directories of a file, the first full-size page, and whether all of its strips are there."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice, pairwise
from typing import Any

import tifffile

from mesorch_cli.evidence.content import as_stream
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, Inspection, NoSuchPageError
from mesorch_cli.evidence.photo import Content
from mesorch_cli.evidence.tiff import kinds
from mesorch_cli.evidence.tiff.kinds import OLD_JPEG, UNSIGNED, Layout, layout_of
from mesorch_cli.evidence.tiff.words import listening, report, words_of

NAME = "TIFF"
PHOTOMETRIC_RAW = (32803, 34892)  # colour filter array, linear raw
TAG_DNG_VERSION, TAG_ICC, TAG_XMP, TAG_ORIENTATION, TAG_IPTC = 50706, 34675, 700, 274, 33723
TAGS_OF_LENGTHS = (279, 325, 514)
MAX_PAGES = 10_000
_SAMPLE_KINDS = {2: "signed integer", 3: "floating point"}


class CameraRawError(Exception):
    """The file is a camera raw file in TIFF form. `findings` come from its directories so far."""

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
    inspection = Inspection(NAME, page.imagewidth, page.imagelength, page.bitspersample, findings=findings)
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


@contextmanager
def opened(data: Content, number: int) -> Iterator[tuple[Any, Layout]]:
    """Open page `number`, counted from 0, for decoding. tifffile's messages about it were recorded at inspection."""
    with listening(), tifffile.TiffFile(as_stream(data)) as file:
        page = next(islice(_pages(file), number, None))
        _complete(page, len(data))
        layout = layout_of(page)
        page.photometric = tifffile.PHOTOMETRIC(layout.photometric)
        yield page, layout


def _read_directories(data: Content, log: list[str], said: list[list[str]], findings: Findings) -> list[Any]:
    """Return the pages, and in `said` tifffile's messages about each."""
    pages: list[Any] = []
    try:
        for page in _pages(tifffile.TiffFile(as_stream(data))):
            _complete(page, len(data))
            pages.append(page)
            said.append(log.copy())
            log.clear()
    except Exception as error:  # the parser raises all kinds of errors on a broken directory
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
    """Yield the pages of the main chain, each with its own tags. A chain that returns to a page ends there."""
    seen: set[int] = set()
    for page in file.pages:
        if len(seen) >= MAX_PAGES or page.offset in seen:
            return
        seen.add(page.offset)
        yield page if isinstance(page, tifffile.TiffPage) else page.aspage()


def _complete(page: Any, size: int) -> None:
    """Extend each strip or tile without a length to the next one or to the end of the file, as libtiff does."""
    given = any(tag in page.tags for tag in TAGS_OF_LENGTHS)
    if given or not page.dataoffsets or int(page.compression) == OLD_JPEG:
        return
    if int(page.compression) == kinds.NONE and len(page.dataoffsets) == 1:
        return  # tifffile takes what the samples need
    starts = sorted({*page.dataoffsets, size})
    following = dict(pairwise(starts))
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
    """Return the number of strips or tiles in the page; 0 if its tags do not say, or for self-contained JPEG data."""
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    if int(page.compression) == OLD_JPEG:
        return 0
    if page.is_tiled:
        if not page.tilewidth or not page.tilelength:
            return 0
        return int(-(-page.imagewidth // page.tilewidth) * -(-page.imagelength // page.tilelength) * planes)
    return int(-(-page.imagelength // page.rowsperstrip) * planes) if page.rowsperstrip else 0
