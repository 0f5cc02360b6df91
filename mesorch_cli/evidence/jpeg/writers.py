"""Cameras and programs known to write such JPEGs, with the same quantisation tables, subsampling, order and segments.

Tables alone identify nobody, as phones, cameras and editing programs share them.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from mesorch_cli.evidence.jpeg.structure import APP0, APP12, APP13, APP14, JpegStructure

Table = tuple[int, ...]
# Segments that a writer adds itself. EXIF, XMP and profiles are carried over from file to file.
_SEGMENTS = {
    (APP0, b"JFIF\0"): "JFIF",
    (APP12, b"Ducky"): "Ducky",
    (APP13, b"Photoshop 3.0\0"): "Photoshop",
    (APP14, b"Adobe"): "Adobe",
}


class Signature(NamedTuple):
    """How a JPEG was written: both tables in rows, subsampling, order, and the writer's own segments by name."""

    luma: Table
    chroma: Table | None
    subsampling: str
    progressive: bool
    segments: tuple[str, ...]


def segments_of(data: bytes, structure: JpegStructure) -> tuple[str, ...]:
    """Return which of the segments JFIF, Ducky, Photoshop and Adobe a JPEG has, in alphabetical order."""
    found = {
        name
        for segment in structure.segments
        for (marker, start), name in _SEGMENTS.items()
        if segment.marker == marker and data[segment.payload : segment.payload + len(start)] == start
    }
    return tuple(sorted(found))


def signature_of(data: bytes, structure: JpegStructure, facts: dict[str, Any]) -> Signature | None:
    """Return the signature of a JPEG from the `facts` of `describe_jpeg`.

    None unless there is one table of 8 bits each for brightness and colour.
    """
    tables = facts.get("quantisation", {})
    used = [str(number) for number in dict.fromkeys(component.table for component in structure.components)]
    if not used or len(used) > 2 or any(number not in tables for number in used) or facts.get("tables_defined_again"):
        return None
    luma, chroma = tuple(tables[used[0]]), tuple(tables[used[1]]) if len(used) == 2 else None
    if max(luma + (chroma or ())) > 255:
        return None
    return Signature(luma, chroma, facts["subsampling"], structure.progressive, segments_of(data, structure))


@cache
def _collection() -> dict[Signature, tuple[str, ...]]:
    rows = json.loads(files("mesorch_cli.evidence.jpeg").joinpath("writers.json").read_text(encoding="ascii"))
    return {
        Signature(
            tuple(bytes.fromhex(row["luma"])),
            None if row["chroma"] is None else tuple(bytes.fromhex(row["chroma"])),
            row["subsampling"],
            row["progressive"],
            tuple(row["segments"]),
        ): tuple(row["writers"])
        for row in rows
    }


def writers_of(signature: Signature | None) -> tuple[str, ...]:
    """Return the cameras and programs, from a small collection, that are known to write exactly like this.

    Each is "NAME (camera)" or "NAME (program)". Others may write like this too: a name is a possibility, not proof.
    """
    return () if signature is None else _collection().get(signature, ())
