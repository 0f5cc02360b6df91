"""Whether the strips or tiles of a TIFF page hold exactly the data that they should: no codec of the page is trusted.

The usual readers fill a strip that inflates to too little with black and say nothing.
"""

import zlib
from typing import Any

import imagecodecs

from mesorch_cli.evidence.entropy import check_entropy
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, UnsupportedError
from mesorch_cli.evidence.jpeg import walk

NONE, LZW, JPEG, DEFLATE, PACKBITS, LZMA, ZSTD = 1, 5, 7, 8, 32773, 34925, 50000
DEFLATES = (DEFLATE, 32946)
MAX_PIXELS = 2_000_000_000  # beyond this the check, a second decoding, is left out
TAG_JPEG_TABLES = 347
_SLACK = 64  # bytes past the expected length that a decoder may show, so that "too long" can be told
_DECOMPRESSORS = {LZW: "lzw_decode", PACKBITS: "packbits_decode", LZMA: "lzma_decode", ZSTD: "zstd_decode"}


def check_tiff_data(page: Any, findings: Findings) -> None:
    """Add what is wrong with the strips or tiles of an opened tifffile page to `findings`; one piece is held at a time.

    Uncompressed samples have no redundancy: of them only the length can be checked.
    """
    compression = int(page.compression)
    known = compression in (NONE, JPEG, *DEFLATES) or compression in _DECOMPRESSORS
    if not known:
        return
    if page.imagewidth * page.imagelength > MAX_PIXELS:
        findings.add_note("the compressed data was not checked piece by piece: the picture is too large")
        return
    kind = "tile" if page.is_tiled else "strip"
    tables = page.tags.get(TAG_JPEG_TABLES)
    header = bytes(tables.value) if tables is not None and isinstance(tables.value, bytes) else b""
    stream = page.parent.filehandle
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    for number, (offset, count) in enumerate(segments):
        if not offset or not count or offset + count > stream.size:
            continue  # told by the check of the directory
        least, most = _expected_bytes(page, number, len(segments))
        if compression == NONE:
            problem = f"holds {count} of {least} bytes" if count < least else ""
        else:
            stream.seek(offset)
            data = stream.read(count)
            if page.fillorder == 2 and compression != JPEG:
                data = imagecodecs.bitorder_decode(data)
            if compression == JPEG:
                problem = _jpeg_problem(data, header)
            elif compression in DEFLATES:
                problem = _deflate_problem(data, least)
            else:
                problem = _length_problem(data, getattr(imagecodecs, _DECOMPRESSORS[compression]), least, most)
        if problem:
            findings.add_damage(f"{kind} {number + 1} of {len(segments)} {problem}")


def _expected_bytes(page: Any, number: int, count: int) -> tuple[int, int]:
    """Return how many bytes a piece must and may hold: the last strip of a plane may be short, or as long as any other."""
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    samples = 1 if page.planarconfig == 2 else page.samplesperpixel
    width = page.tilewidth if page.is_tiled else page.imagewidth
    row = -(-width * samples * page.bitspersample // 8)
    if page.is_tiled:
        return row * page.tilelength, row * page.tilelength
    rows = min(page.rowsperstrip or page.imagelength, page.imagelength)
    per_plane = max(count // planes, 1)
    last = number % per_plane == per_plane - 1
    return row * (page.imagelength - rows * (per_plane - 1) if last else rows), row * rows


def _deflate_problem(data: bytes, least: int) -> str:
    inflater = zlib.decompressobj()
    length = 0
    try:
        while length <= least and not inflater.eof:
            piece = inflater.decompress(data, 1 << 20)
            if not piece and not inflater.unconsumed_tail:
                break
            length, data = length + len(piece), inflater.unconsumed_tail
    except zlib.error as error:
        return f"does not inflate ({error})"
    if length < least:
        return f"inflates to {length} of {least} bytes"
    return "" if inflater.eof or length > least else "ends without its closing checksum"


def _length_problem(data: bytes, decompress: Any, least: int, most: int) -> str:
    try:
        length = len(decompress(data, out=most + _SLACK))
    except (RuntimeError, ValueError) as error:
        return f"does not decode ({str(error)[:100]})"
    if length < least:
        return f"decodes to {length} of {least} bytes"
    return "decodes to more bytes than it should" if length > most else ""


def _jpeg_problem(data: bytes, tables: bytes) -> str:
    """Check one piece as the JPEG that it is, with the tables that all pieces share put before it."""
    if not data.startswith(b"\xff\xd8"):
        return "is no JPEG"
    whole = tables[: tables.rfind(b"\xff\xd9")] + data[2:] if tables.startswith(b"\xff\xd8") else data
    findings = Findings()
    try:
        structure = walk(whole, findings)
        if not structure.components or not structure.scans:
            return "has no JPEG data"
        if not findings.damage:
            check_entropy(whole, structure, imagecodecs.jpeg8_decode(whole), findings)
    except (BrokenHeaderError, UnsupportedError, imagecodecs.Jpeg8Error) as error:
        return f"does not decode ({str(error)[:100]})"
    return f"is damaged: {findings.damage[0]}" if findings.damage else ""
