"""A row of a journal, and the function that checks it before anything is done with it.

A journal may come from others or may have been changed. A row names folders to be written to and files to be opened,
and repeats parts of its record. Both are checked here.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from mesorch_cli.examination.record import Record
from mesorch_cli.files.names import LONGEST_NAME, json_path, stays_inside
from mesorch_cli.validation import first_problem

ANALYSED, NOT_ANALYSED, FAILED = "analysed", "not analysed", "failed"
PHOTOS = "photos"
BY_HASH = "photos-by-hash"  # for files with paths too long to be mirrored
MARK_DIGITS = 12  # of the mark in a place's name, where the file system ignores case
SUFFIXES = {
    "overlay": "png",
    "heatmap": "png",
    "mask": "png",
    "panel": "png",
    "explanation": "json",
    "high": "png",
    "low": "png",
    "scale": "png",
    "check": "png",
}  # of the files beside a record, by role up to its first "_"; the others are JPEG
BYTES, TEXT, NUMBER = bytes, str, float
LONGEST: dict[type, int] = {
    BYTES: LONGEST_NAME + 64,
    TEXT: 65536,
}  # of a value; a place is slightly longer than its path
LARGEST_RECORD = 256 << 20  # characters
_TYPES: dict[str, tuple[type, bool]] = {  # columns: type, and whether it may be null
    "path": (BYTES, False),
    "place": (BYTES, False),
    "sha256": (TEXT, True),
    "settings": (TEXT, False),
    "status": (TEXT, False),
    "reason": (TEXT, True),
    "verdict": (TEXT, False),
    "score": (NUMBER, True),
    "copy_of": (BYTES, True),
    "record": (TEXT, False),
}


@dataclass(frozen=True)
class Row:
    """One finished file, as in the table. record: its line of JSON.

    copy_of: of a duplicate, the path of the file with the same bytes that was analysed; the column keeps its old name.
    """

    path: str
    place: str
    sha256: str | None
    settings: str
    status: str
    reason: str | None
    verdict: str
    score: float | None
    copy_of: str | None
    record: str


class RowError(Exception):
    """A row that cannot be used: a column has another type, a path leads outside, or there is no record."""


def row_of(path: str, place: str, record: Record, first: str | None = None) -> Row:
    """Return the row of a record. first: path of the file with the same bytes that was analysed."""
    return Row(path=path, place=place, copy_of=first, record=record.to_line(), **_repeated(record))


def _repeated(record: Record) -> dict[str, Any]:
    """Return the columns that repeat parts of the record."""
    result = record.result
    not_analysed = FAILED if record.decode is None else NOT_ANALYSED
    return {
        "sha256": record.input.sha256,
        "settings": record.settings_sha256,
        "status": ANALYSED if result.reason is None else not_analysed,
        "reason": result.reason,
        "verdict": result.verdict.value,
        "score": result.score,
    }


def usable(values: Sequence[object]) -> Row:
    """Return the row with these values. Raises RowError for wrong types and for paths that lead outside."""
    if len(values) != len(_TYPES):  # a generated column would add one
        raise RowError(f"has {len(values)} columns, expected {len(_TYPES)}")
    for (name, (kind, may_miss)), value in zip(_TYPES.items(), values, strict=True):
        if not isinstance(value, kind) and not (value is None and may_miss):
            raise RowError(
                f"has {type(value).__name__} for {name}, expected {'text' if kind is TEXT else kind.__name__}"
            )
        most = LARGEST_RECORD if name == "record" else LONGEST.get(kind)
        if most is not None and isinstance(value, bytes | str) and len(value) > most:
            raise RowError(f"has {len(value)} bytes for {name}, expected at most {most}")
    named = [os.fsdecode(value) if isinstance(value, bytes) else value for value in values]
    row = Row(*named)  # type: ignore[arg-type]
    for name in ("path", "copy_of"):
        path = getattr(row, name)
        if path is not None and not stays_inside(path):
            raise RowError(f"has the {name} {json_path(path)!r}, which leads out of the evidence folder")
    if row.place not in places_of(row.path):
        raise RowError(f"has the place {json_path(row.place)!r}, which does not belong to its path")
    return row


def places_of(path: str) -> tuple[str, str, str]:
    """Return the folders below a case that may hold the results of a path: mirrored, marked, by hash."""
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()
    return f"{PHOTOS}/{path}", f"{PHOTOS}/{path}~{digest[:MARK_DIGITS]}", f"{BY_HASH}/{digest}"


def record_in(row: Row) -> Record:
    """Return the record of a row. Raises RowError if it is invalid."""
    try:
        return Record.model_validate_json(row.record)
    except ValidationError as error:
        raise RowError(f"has no record of this version, {first_problem(error)}") from error


def contradictions(row: Row, record: Record) -> Iterator[str]:
    """Yield the contradictions between a row and its record."""
    for name, told in _repeated(record).items():
        if getattr(row, name) != told:
            yield f"has the {name} {getattr(row, name)!r}, its record {told!r}"
    if record.input.path != json_path(row.path):
        yield f"has a record of {record.input.path!r}"
    for artefact in record.artefacts:
        expected = json_path(f"{row.place}/{artefact.role}.{SUFFIXES.get(artefact.role.partition('_')[0], 'jpg')}")
        if artefact.path != expected:
            yield f"has a record with a {artefact.role} at {artefact.path!r}, expected {expected!r}"
