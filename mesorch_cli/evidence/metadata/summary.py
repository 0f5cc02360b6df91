"""What a file says about itself: EXIF, software, dates, profile, and how its JPEG was made. Statements, not proof."""

import functools
import re
from typing import Any

import numpy as np
import numpy.typing as npt

from mesorch_cli.evidence.containers import png
from mesorch_cli.evidence.inspection import Inspection
from mesorch_cli.evidence.jpeg import structure
from mesorch_cli.evidence.jpeg.structure import APP0, APP12, APP14, COM, DQT, JpegStructure, Segment, marker_name
from mesorch_cli.evidence.jpeg.writers import signature_of, writers_of
from mesorch_cli.evidence.metadata import declared
from mesorch_cli.evidence.metadata.consistency import consistency_notes
from mesorch_cli.evidence.metadata.samsung import read_samsung_trailer
from mesorch_cli.evidence.metadata.thumbnail import compare_thumbnail
from mesorch_cli.evidence.photo import Content, Pixels
from mesorch_cli.evidence.tags.exif import MAX_TEXT, read_exif
from mesorch_cli.evidence.tags.iptc import read_iptc
from mesorch_cli.evidence.tags.xmp import read_xmp
from mesorch_cli.files.hashing import sha256_bytes

MAX_MARKERS = 128
MAX_NOTES = 40
JFIF_BYTES, ADOBE_BYTES = 14, 12  # of the content of these segments, for libjpeg to see them
MAX_DEFINITIONS = 64  # segments of quantisation tables
DATE_TAGS = ("DateTimeOriginal", "DateTimeDigitized", "DateTime")
_CREATOR_TOOL = re.compile(rb"xmp:CreatorTool(?:=\"|>)([^\"<]{1,400})")

# The zigzag order in which a JPEG stores the 64 entries of a quantisation table.
_ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8)))
# ITU-T T.81, Annex K, tables K.1 and K.2, in rows: what "quality" scales in the IJG library and its many descendants.
_LUMINANCE = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_CHROMINANCE = (
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99, *(99,) * 32,
)  # fmt: skip


def read_metadata(data: Content, inspection: Inspection, pixels: Pixels) -> tuple[dict[str, Any], int]:
    """Return the metadata, bounded and ready for JSON, and the orientation (1..8) that it requests. Never raises.

    Keys: "exif" (directories of tags), "software" and "dates" (from EXIF, XMP and PNG texts), "icc" and "xmp" (size and
    SHA-256, and of XMP the properties), "iptc", "maker_note" and "thumbnail" if present, "samsung_trailer", "declared"
    (what the file says about AI), one key named after the format with its structure, and "notes" on everything
    malformed or cut and on contradictions.
    """
    exif = read_exif(inspection.exif)
    notes = exif.notes
    metadata: dict[str, Any] = {"exif": exif.tags}
    main, photo = exif.tags.get("main", {}), exif.tags.get("photo", {})
    texts = {key: _bounded(value, notes) for key, value in inspection.facts.get("text", {}).items()}
    metadata["software"] = main.get("Software") or _creator_tool(inspection.xmp) or texts.get("Software")
    metadata["dates"] = {tag: (photo.get(tag) or main.get(tag)) for tag in DATE_TAGS if photo.get(tag) or main.get(tag)}
    for name, block in (("icc", inspection.icc), ("xmp", inspection.xmp)):
        if block is not None:
            metadata[name] = {"bytes": len(block), "sha256": sha256_bytes(block)}
    if "xmp" in metadata:
        metadata["xmp"]["properties"] = read_xmp(inspection.xmp, notes)
    iptc = read_iptc(inspection.iptc, notes)
    if iptc:
        metadata["iptc"] = iptc
    if "MakerNote" in photo:
        metadata["maker_note"] = {"size": photo["MakerNote"], "interpreted": False}
    thumbnail = compare_thumbnail(inspection.exif, pixels, notes)
    if thumbnail is not None:
        metadata["thumbnail"] = thumbnail
    facts = {key: value for key, value in inspection.facts.items() if key != "text"}
    if texts:
        facts["text"] = texts
    if inspection.format == structure.NAME:
        facts |= describe_jpeg(bytes(data), inspection.structure, notes)
    elif inspection.format == png.NAME:
        facts["chunks"] = [chunk.type.decode("latin-1") for chunk in inspection.structure.chunks[:MAX_MARKERS]]
    if facts:
        metadata[inspection.format.lower()] = facts
    notes += consistency_notes(metadata, pixels.shape[1], pixels.shape[0])
    trailer = read_samsung_trailer(data)
    if trailer is not None:
        metadata["samsung_trailer"] = trailer
    metadata["notes"] = notes[:MAX_NOTES]
    metadata[declared.KEY] = declared.said_by_file(metadata, inspection.facts.get("text", {}), exif.texts)
    container = inspection.orientation
    return metadata, container if container is not None and 1 <= container <= 8 else exif.orientation


def describe_jpeg(data: bytes, structure: JpegStructure, notes: list[str]) -> dict[str, Any]:
    """Return quantisation tables (rows of 8x8) and the number of each component's, what the components store, estimated
    quality, subsampling, kind, and the markers in order.
    """
    tables: dict[int, list[int]] = {}
    again = False
    defining = [segment for segment in structure.segments if segment.marker == DQT]
    if len(defining) > MAX_DEFINITIONS:
        notes.append(f"JPEG: {len(defining)} segments of quantisation tables; {MAX_DEFINITIONS} read")
    for segment in defining[:MAX_DEFINITIONS]:
        again |= _read_tables(data[segment.payload : segment.end], tables, notes)
    facts: dict[str, Any] = {
        "markers": [marker_name(s.marker) for s in structure.segments[:MAX_MARKERS]],
        "progressive": structure.progressive,
        "scans": len(structure.scans),
        "restart_interval": structure.restart_interval,
        "components": len(structure.components),
        "stores": stored_colours(data, structure),
        "tables": [component.table for component in structure.components],
        "subsampling": subsampling(structure),
        "quantisation": {str(number): table for number, table in sorted(tables.items())},
    }
    for number, table in sorted(tables.items()):
        if min(table) < 1:
            notes.append(f"JPEG: quantisation table {number} has a step of 0, which the standard forbids")
    used = list(dict.fromkeys(c.table for c in structure.components))
    if used and used[0] in tables:
        chroma = tables.get(used[1]) if len(used) > 1 else None
        facts["quality"], facts["standard_tables"] = estimate_quality(tables[used[0]], chroma)
    if again:
        facts["tables_defined_again"] = True
    writers = writers_of(signature_of(data, structure, facts))
    if writers:
        facts["known_writers"] = list(writers)
    ducky = [data[s.payload : s.end] for s in structure.segments if s.marker == APP12]
    if ducky and ducky[0].startswith(b"Ducky\0\1\0\4") and len(ducky[0]) >= 13:
        facts["save_for_web_quality"] = int.from_bytes(ducky[0][9:13], "big")
    comments = [data[s.payload : s.end] for s in structure.segments if s.marker == COM]
    if comments:
        facts["comment"] = _bounded(comments[0].rstrip(b"\0").decode("utf-8", "replace"), notes)
    return facts


def stored_colours(data: bytes, structure: JpegStructure) -> str:
    """Return what the components are: "grey", "YCbCr", "RGB", or "CMYK or YCCK".

    libjpeg decides (`default_decompress_parms`) by the segments before the first scan that are long enough to be of
    their kind.
    """
    if len(structure.components) == 1:
        return "grey"
    if len(structure.components) != 3:
        return "CMYK or YCCK"
    before = [s for s in structure.segments if not structure.scans or s.start < structure.scans[0].header.start]
    if any(s.marker == APP0 and _begins(data, s, b"JFIF\0", JFIF_BYTES) for s in before):
        return "YCbCr"
    if adobe := [s for s in before if s.marker == APP14 and _begins(data, s, b"Adobe", ADOBE_BYTES)]:
        return "YCbCr" if data[adobe[-1].payload + ADOBE_BYTES - 1] else "RGB"  # its last byte is the transform
    return "RGB" if bytes(component.id for component in structure.components) == b"RGB" else "YCbCr"


def _begins(data: bytes, segment: Segment, word: bytes, least: int) -> bool:
    return segment.end - segment.payload >= least and data[segment.payload : segment.payload + len(word)] == word


def subsampling(structure: JpegStructure) -> str:
    """Return a name such as "4:2:0" if the sampling factors have one, otherwise the factors themselves."""
    if len(structure.components) == 1:
        return "grey"
    first, *others = structure.components
    if all(c.h == others[0].h and c.v == others[0].v for c in others[:2]):
        ratio = (float(first.h / others[0].h), float(first.v / others[0].v))
        names: dict[tuple[float, float], str] = {
            (1, 1): "4:4:4",
            (2, 1): "4:2:2",
            (2, 2): "4:2:0",
            (1, 2): "4:4:0",
            (4, 1): "4:1:1",
            (4, 2): "4:1:0",
        }
        if ratio in names:
            return names[ratio]
    return ",".join(f"{c.h}x{c.v}" for c in structure.components)


def scaled_table(quality: int, *, chroma: bool = False) -> list[int]:
    """Return the standard table, in rows, at a quality of 1..100 as the IJG library scales it (for baseline files)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [min(max((value * scale + 50) // 100, 1), 255) for value in (_CHROMINANCE if chroma else _LUMINANCE)]


def estimate_quality(luma: list[int], chroma: list[int] | None = None) -> tuple[int, bool]:
    """Return the quality (1..100) with the nearest standard tables, and whether they equal the file's own."""
    distances = np.abs(_standard_tables() - np.array(luma)).mean(axis=1)
    quality = int(np.argmin(distances)) + 1
    exact = bool(distances[quality - 1] == 0) and (chroma is None or chroma == scaled_table(quality, chroma=True))
    return quality, exact


@functools.cache
def _standard_tables() -> npt.NDArray[np.int64]:
    """Return the standard tables of brightness at the qualities 1 to 100, (100, 64)."""
    return np.array([scaled_table(quality) for quality in range(1, 101)], np.int64)


def _read_tables(payload: bytes, tables: dict[int, list[int]], notes: list[str]) -> bool:
    """Take the tables of one segment. Return whether one of them was defined before."""
    at, again = 0, False
    while at < len(payload):
        wide, number = payload[at] >> 4, payload[at] & 15
        size = 128 if wide else 64
        content = payload[at + 1 : at + 1 + size]
        if wide > 1 or number > 3 or len(content) < size:
            notes.append("JPEG: a quantisation table is cut short or has an impossible number")
            return again
        values = np.frombuffer(content, ">u2" if wide else "u1")
        table = np.zeros(64, np.int64)
        table[_ZIGZAG] = values
        again |= number in tables
        tables[number] = table.tolist()
        at += 1 + size
    return again


def _creator_tool(xmp: bytes | None) -> str | None:
    found = _CREATOR_TOOL.search(xmp) if xmp else None
    return found.group(1).decode("utf-8", "replace") if found else None


def _bounded(text: str, notes: list[str]) -> str:
    if len(text) > MAX_TEXT:
        notes.append(f"a text of {len(text)} characters was cut at {MAX_TEXT}")
    return text[:MAX_TEXT]
