"""Checks that a JPEG's compressed data is exactly what its picture needs: no invalid code, nothing missing or extra.

The usual decoders silently fill missing parts with grey. This file asks three independent questions instead:

1. A strict parser (libjxl's lossless JPEG transcoder) reads the scans, without the file's other segments. It refuses
   invalid codes and data that ends early. It accepts sequential and progressive Huffman scans of 1 or 3 components.
2. For each scan, the picture is decoded again with different bytes after the last one. If pixels change, the decoder
   had run out of data. It is then decoded with the last byte inverted. If no pixel changes, the decoder had never
   reached that byte, so bytes are left over.
3. If the parser refuses a file, does not know its kind (CMYK) or has no memory for it, the codes are checked one by one.

A bit error after which the codes fall into step again with the right count is invisible to all three and to any
decoder.
"""

import imagecodecs
import numpy as np
import numpy.typing as npt

from mesorch_cli.evidence.inspection import Findings
from mesorch_cli.evidence.jpeg.huffman import ZERO_RUN, Walk, walk_codes, zero_runs
from mesorch_cli.evidence.jpeg.structure import APP14, CUT_SHORT, DHT, DQT, DRI, FRAME_MARKERS, SOS, JpegStructure

MAX_PIXELS = 200_000_000  # each question costs another decode; larger pictures are not checked
MAX_PARSED_PIXELS = 50_000_000  # the parser takes up to 55 bytes a pixel, and a process has 4 GiB by default
MAX_SCANS = 64
MAX_WALKED_BYTES = 8_000_000  # of compressed data; the check takes some seconds per megabyte
FILLERS = (b"\xaa" * 64, b"\x55" * 64)  # neither is the run of zeros that libjpeg inserts
_NEEDED = frozenset({DQT, DHT, DRI, SOS, APP14}) | FRAME_MARKERS
_PARSED_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # Huffman, sequential or progressive


def check_entropy(
    data: bytes, structure: JpegStructure, samples: npt.NDArray[np.unsignedinteger], findings: Findings
) -> None:
    """Add what is wrong with the compressed data to `findings`.

    `samples` is what `imagecodecs.jpeg8_decode(data)` returned. A file whose markers already show damage is not
    checked again.
    """
    if findings.damage:
        return
    if not structure.complete:
        _judge_missing_end(data, structure, samples, findings)
        return
    _look_for_zeros(data, structure, findings)
    if findings.damage:
        return
    if structure.width * structure.height > MAX_PIXELS or len(structure.scans) > MAX_SCANS:
        findings.add_note(
            "the compressed data was not checked for gaps: the picture is too large or has too many scans"
        )
        return
    if not _parser_takes(structure):
        for number in range(len(structure.scans)):
            _weigh_scan(data, structure, number, samples, findings)
        if not findings.damage and _walker_takes(structure):
            _walked(data, structure, findings)
    elif _parses(_stream(data, structure)):
        _check_leftover(data, structure, samples, findings)
    else:
        _walk_refused(data, structure, findings)


def _look_for_zeros(data: bytes, structure: JpegStructure, findings: Findings) -> None:
    if structure.frame_marker not in _PARSED_FRAMES:
        return
    try:
        runs = zero_runs(data, structure)
    except (IndexError, KeyError):
        return  # an invalid scan header or table, which the other questions find
    for at, impossible in runs:
        words = f"at least {ZERO_RUN} zero bytes in a row inside the compressed data at byte {at}"
        if impossible and _walker_takes(structure) and _surplus(data, structure):
            continue  # they follow the last block: nothing is missing
        if impossible:
            findings.add_damage(f"{words}, as a sector that could not be read leaves them")
        else:
            findings.add_note(f"{words}: an even area, or a sector that could not be read")


def _walk_refused(data: bytes, structure: JpegStructure, findings: Findings) -> None:
    """Find out why the parser refused: damage, or a peculiarity (measured: one intact progressive photo in 2,000)."""
    if sum(scan.end - scan.start for scan in structure.scans) > MAX_WALKED_BYTES:
        findings.add_damage("the compressed data holds codes that do not decode")
        return
    if not _walked(data, structure, findings):
        findings.add_note(
            "a strict parser refused the compressed data, in which every code and every block is in order"
        )


def _walked(data: bytes, structure: JpegStructure, findings: Findings) -> bool:
    """Check the codes one by one and add what is odd. Return whether anything is."""
    found = walk_codes(data, structure)
    if found.problem is not None:
        findings.add_damage(f"the compressed data is wrong: {found.problem}")
    elif found.surplus:
        findings.add_note(f"{found.surplus} bytes of the compressed data belong to no block; every block is there")
    return found.problem is not None or found.surplus > 0


def _surplus(data: bytes, structure: JpegStructure) -> bool:
    """Return whether every block is there and surplus bytes belong to none."""
    found = walk_codes(data, structure)
    return found.problem is None and found.surplus > 0


def _judge_missing_end(
    data: bytes, structure: JpegStructure, samples: npt.NDArray[np.unsignedinteger], findings: Findings
) -> None:
    """Add to the findings what a file without an end-of-image marker lacks besides."""
    whole = _all_scans_there(data, structure)
    if whole and _walker_takes(structure):
        whole = walk_codes(data, structure) == Walk(None)
    elif whole:
        number = len(structure.scans) - 1
        scan = structure.scans[number]
        content = data[scan.start : scan.end]
        whole = all(_decodes_alike(_stream(data, structure, {number: content + filler}), samples) for filler in FILLERS)
    if not whole:
        findings.add_damage(CUT_SHORT)
        return
    findings.add_note("there is no end-of-image marker, but every block of the picture")


def _all_scans_there(data: bytes, structure: JpegStructure) -> bool:
    """Return whether the scans cover every component and, in a progressive file, every coefficient to its last bit."""
    wanted = {(component.id, place) for component in structure.components for place in range(64)}
    for scan in structure.scans:
        payload = data[scan.header.payload : scan.header.end]
        first, last, low = 0, 63, 0
        if structure.progressive:
            first, last, low = payload[-3], payload[-2], payload[-1] & 15
        if low == 0:
            wanted -= {(component, place) for component in scan.components for place in range(first, last + 1)}
    return not wanted


def _parser_takes(structure: JpegStructure) -> bool:
    """Return whether the strict parser knows this kind, and has memory for it.

    It knows no CMYK, 12 bits, 4:1:1, arithmetic coding or missing tables.

    Frames of motion JPEG lack Huffman tables. Decoders have the usual ones built in, the parser does not.
    """
    return (
        structure.frame_marker in _PARSED_FRAMES
        and structure.width * structure.height <= MAX_PARSED_PIXELS
        and structure.precision == 8
        and any(segment.marker == DHT for segment in structure.segments)
        and len(structure.components) in (1, 3)
        and all(c.h <= 2 and c.v <= 2 for c in structure.components)
    )


def _walker_takes(structure: JpegStructure) -> bool:
    """Return whether the slow check knows this kind of file and takes only some seconds."""
    return (
        structure.frame_marker in _PARSED_FRAMES
        and any(segment.marker == DHT for segment in structure.segments)
        and sum(scan.end - scan.start for scan in structure.scans) <= MAX_WALKED_BYTES
    )


def _parses(stream: bytes) -> bool:
    try:
        imagecodecs.jpegxl_encode_jpeg(stream, numthreads=1)
    except imagecodecs.JpegxlError:
        return False
    return True


def _stream(data: bytes, structure: JpegStructure, replaced: dict[int, bytes] | None = None) -> bytes:
    """Return the picture alone: tables, headers and scans, with the data of the scans in `replaced` (by number)."""
    scan_of = {scan.header.start: (number, scan) for number, scan in enumerate(structure.scans)}
    parts = [b"\xff\xd8"]
    for segment in structure.segments:
        if segment.marker in _NEEDED:
            parts.append(data[segment.start : segment.end])
        if segment.start in scan_of:
            number, scan = scan_of[segment.start]
            parts.append((replaced or {}).get(number, data[scan.start : scan.end]))
    return b"".join((*parts, b"\xff\xd9"))


def _decodes_alike(stream: bytes, samples: npt.NDArray[np.unsignedinteger]) -> bool:
    """Return whether `stream` decodes to exactly the same samples."""
    try:
        return np.array_equal(imagecodecs.jpeg8_decode(stream), samples)
    except imagecodecs.Jpeg8Error:
        return False


def _weigh_scan(
    data: bytes, structure: JpegStructure, number: int, samples: npt.NDArray[np.unsignedinteger], findings: Findings
) -> None:
    """Find out from the decoder's behaviour whether a scan lacks data or has data left over."""
    scan = structure.scans[number]
    content = data[scan.start : scan.end]
    where = "the compressed data" if len(structure.scans) == 1 else f"scan {number + 1} of {len(structure.scans)}"
    if not all(_decodes_alike(_stream(data, structure, {number: content + filler}), samples) for filler in FILLERS):
        findings.add_damage(f"{where} ends before the picture does: the rest was made up by the decoder")
    elif not _ends_in_marker(content) and all(
        _decodes_alike(_stream(data, structure, {number: changed}), samples) for changed in _without_end(content)
    ):
        findings.add_damage(f"{where} goes on after the picture is complete: data was lost or changed before")


def _check_leftover(
    data: bytes, structure: JpegStructure, samples: npt.NDArray[np.unsignedinteger], findings: Findings
) -> None:
    """Look for bytes that the last scan did not need, which the strict parser ignores."""
    number = len(structure.scans) - 1
    scan = structure.scans[number]
    content = data[scan.start : scan.end]
    if _ends_in_marker(content):
        return
    for changed in _without_end(content):
        if not _decodes_alike(_stream(data, structure, {number: changed}), samples):
            return
    # No pixel changed, but a change may be too faint to show: let the parser try without the last byte.
    if _parses(_stream(data, structure, {number: _shortened(content, 1)})):
        if _walker_takes(structure) and _surplus(data, structure):
            _walked(data, structure, findings)
            return
        findings.add_damage("compressed data goes on after the picture is complete: data was lost or changed before")


def _ends_in_marker(content: bytes) -> bool:
    """Return whether a scan is empty or ends in a restart marker, and so has no last byte to change."""
    return len(content) < 4 or (content[-2] == 0xFF and content[-1] != 0)


def _without_end(content: bytes) -> tuple[bytes, ...]:
    """Return three versions of a scan in which the last data byte, or the last three, differ."""
    last = content[-2] if content.endswith(b"\xff\0") else content[-1]
    inverted = bytes((last ^ 0xFF,))
    return (
        _shortened(content, 1) + inverted.replace(b"\xff", b"\xff\0"),
        _shortened(content, 3) + FILLERS[0],
        _shortened(content, 3) + FILLERS[1],
    )


def _shortened(content: bytes, count: int) -> bytes:
    """Remove `count` data bytes from the end. A stuffed 0xFF 0x00 counts as one, and no 0xFF is left alone."""
    for _ in range(count):
        content = content[:-2] if content.endswith(b"\xff\0") else content[:-1]
    return content
