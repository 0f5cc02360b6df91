"""The strips and tiles of a TIFF page, one after another, unpacked and checked for their exact content.

The usual readers silently pad a strip with black if it inflates to too little.
"""

import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import imagecodecs
import numpy as np

from mesorch_cli.evidence.codecs import MAX_PADDING
from mesorch_cli.evidence.inspection import BrokenHeaderError, Findings, UnsupportedError
from mesorch_cli.evidence.jpeg.entropy import check_entropy
from mesorch_cli.evidence.jpeg.structure import walk
from mesorch_cli.evidence.tiff import kinds
from mesorch_cli.evidence.tiff.kinds import DEFLATES, JPEG, LZW, NONE, OLD_JPEG, UNPACKED_HERE, YCBCR
from mesorch_cli.evidence.tiff.libtiff import subsampling, unpack_lzw

MAX_PIXELS = 2_000_000_000  # beyond this the codes of JPEG pieces, a second decoding, are not checked
TAG_JPEG_TABLES = 347
_SLACK = 64  # bytes past the expected length that a decoder may show, so that "too long" can be told
_SURPLUS = 1 << 16  # surplus bytes beyond twice the length of a deflated piece, after which it is given up
_DECOMPRESSORS = {kinds.PACKBITS: "packbits_decode", kinds.LZMA: "lzma_decode"} | dict.fromkeys(
    kinds.ZSTDS, "zstd_decode"
)


class Piece(NamedTuple):
    """One strip or tile. `data` is unpacked if plain bytes were compressed, otherwise as in the file.

    `number` counts from 0. `data` is None if the directory gives no place in the file.
    """

    number: int
    data: bytes | None


def read_pieces(page: Any, findings: Findings) -> Iterator[Piece]:
    """Yield the pieces of an opened tifffile page, one in memory at a time, and add their faults to `findings`.

    Unpacked pieces have their full length, with zeros for missing bytes. Uncompressed samples have no redundancy, so
    only their length can be checked. Raises ValueError at the end if no piece gave any byte.
    """
    compression = int(page.compression)
    kind = "tile" if page.is_tiled else "strip"
    tables = jpeg_tables(page)
    checked = page.imagewidth * page.imagelength <= MAX_PIXELS
    if compression == JPEG and not checked:
        findings.add_note("the compressed data was not checked piece by piece: the picture is too large")
    stream = page.parent.filehandle
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    given = 0
    last_problem = ""
    for number, (offset, count) in enumerate(segments):
        if not offset or not count:
            yield Piece(number, None)
            continue
        stream.seek(offset)
        data = stream.read(min(count, max(stream.size - offset, 0)))
        problem = ""
        if compression in UNPACKED_HERE:
            if page.fillorder == 2:
                data = bytes(imagecodecs.bitorder_decode(data))
            least, most = expected_bytes(page, number, len(segments))
            data, problem = _unpacked(compression, data, least, most)
            given += bool(data)
            data = data[:least].ljust(least, b"\0")
        else:
            given += bool(data)
            data = data.ljust(count if count <= len(data) + MAX_PADDING else len(data), b"\0")
            if checked and (compression == JPEG or (compression == OLD_JPEG and data.startswith(b"\xff\xd8"))):
                problem = _jpeg_problem(data, tables)
        if problem and offset + count <= stream.size:  # what lies past the end was told by the check of the directory
            findings.add_damage(f"{kind} {number + 1} of {len(segments)} {problem}")
        last_problem = problem or last_problem
        yield Piece(number, data)
    if not given:
        raise ValueError(f"no strip or tile holds any data{f': the last one {last_problem}' if last_problem else ''}")


def jpeg_tables(page: Any) -> bytes:
    """Return the tables that all JPEG pieces of a page share, empty without any."""
    tables = page.tags.get(TAG_JPEG_TABLES)
    return bytes(tables.value) if tables is not None and isinstance(tables.value, bytes) else b""


def expected_bytes(page: Any, number: int, count: int) -> tuple[int, int]:
    """Return how many bytes a piece must and may hold. The last strip of a plane may be short or of full length."""
    planes = page.samplesperpixel if page.planarconfig == 2 else 1
    if page.is_tiled:
        size = _bytes_of(page, page.tilewidth, page.tilelength)
        return size, size
    rows = min(page.rowsperstrip or page.imagelength, page.imagelength)
    per_plane = max(count // planes, 1)
    last = number % per_plane == per_plane - 1
    full = _bytes_of(page, page.imagewidth, rows)
    rest = page.imagelength - rows * (per_plane - 1)
    return (_bytes_of(page, page.imagewidth, max(min(rest, rows), 0)) if last else full), full


def _bytes_of(page: Any, width: int, rows: int) -> int:
    """Return the number of bytes in these rows. YCbCr comes in blocks, brightness before the two chroma values."""
    samples = 1 if page.planarconfig == 2 else page.samplesperpixel
    if int(page.photometric) == YCBCR and samples == 3:
        across, down = subsampling(page)
        return -(-width // across) * -(-rows // down) * (across * down + 2)
    return -(-width * samples * int(page.bitspersample) // 8) * rows


def _unpacked(compression: int, data: bytes, least: int, most: int) -> tuple[bytes, str]:
    if compression == NONE:
        return data, f"holds {len(data)} of {least} bytes" if len(data) < least else ""
    if compression == LZW:
        return unpack_lzw(data, least, most)
    if compression in DEFLATES:
        return _inflated(data, least)
    try:
        unpacked = bytes(getattr(imagecodecs, _DECOMPRESSORS[compression])(data, out=most + _SLACK))
    except (RuntimeError, ValueError) as error:
        return b"", f"does not decode ({str(error)[:100]})"
    if len(unpacked) < least:
        return unpacked, f"decodes to {len(unpacked)} of {least} bytes"
    return unpacked, "decodes to more bytes than it should" if len(unpacked) > most else ""


def _inflated(data: bytes, least: int) -> tuple[bytes, str]:
    """Inflate up to the closing checksum. Surplus bytes with a valid checksum are a habit of some writers."""
    inflater = zlib.decompressobj()
    parts, length, problem = [], 0, ""
    try:
        while length <= 2 * least + _SURPLUS and not inflater.eof:
            piece = inflater.decompress(data, 1 << 20)
            if not piece and not inflater.unconsumed_tail:
                break
            if length < least:
                parts.append(piece)
            length, data = length + len(piece), inflater.unconsumed_tail
    except zlib.error as error:
        problem = f"does not inflate ({error})"
    if not problem and length < least:
        problem = f"inflates to {length} of {least} bytes"
    elif not problem and not inflater.eof:
        problem = "ends without its closing checksum" if length <= least else "inflates to more bytes than it should"
    return b"".join(parts), problem


def _jpeg_problem(data: bytes, tables: bytes) -> str:
    """Check one piece as a JPEG, after the tables that all pieces share."""
    if not data.startswith(b"\xff\xd8"):
        return "is no JPEG"
    whole = tables[: tables.rfind(b"\xff\xd9")] + data[2:] if tables.startswith(b"\xff\xd8") else data
    findings = Findings()
    try:
        structure = walk(whole, findings)
        if not structure.components or not structure.scans:
            return "has no JPEG data"
        if not findings.damage:
            check_entropy(whole, structure, np.asarray(imagecodecs.jpeg8_decode(whole)), findings)
    except (BrokenHeaderError, UnsupportedError, imagecodecs.Jpeg8Error) as error:
        return f"does not decode ({str(error)[:100]})"
    return f"is damaged: {findings.damage[0]}" if findings.damage else ""
