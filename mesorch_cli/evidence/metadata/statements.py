"""What C2PA's library and ExifTool say about a file. They run after the pixels were read and cannot harm them."""

from dataclasses import dataclass, replace
from typing import Any

from mesorch_cli.evidence.metadata import exiftool, provenance
from mesorch_cli.evidence.photo import Content, Photo, ReadOptions

BYTES_PER_SECOND = 20_000_000  # a large file gets more time
GRACE_S = 10.0  # for the process that runs both, beyond the time of each


@dataclass(frozen=True)
class Statements:
    """The answers: `provenance` from `read_provenance`, `exiftool` from `read_exiftool`, and notes on failures."""

    provenance: dict[str, Any]
    exiftool: dict[str, Any] | None = None
    notes: tuple[str, ...] = ()


def wanted(options: ReadOptions) -> bool:
    """Return whether any of these programs should run."""
    return options.provenance or options.exiftool


def read_statements(data: Content, format_name: str, options: ReadOptions) -> Statements:
    """Run the programs that `options` name, each within its own time. Never raises because of the file."""
    notes: list[str] = []
    more = len(data) / BYTES_PER_SECOND
    claims: dict[str, Any] = {}
    if options.provenance:
        claims = provenance.read_provenance(data, format_name, options.trust_list, provenance.SECONDS + more)
    tags = exiftool.read_exiftool(data, notes, exiftool.SECONDS + more) if options.exiftool else None
    return Statements(claims, tags, tuple(notes))


def longest_s(size_bytes: int, options: ReadOptions) -> float:
    """Return the seconds after which a process that runs them on a file of this size counts as stuck."""
    count = options.provenance + options.exiftool
    return GRACE_S + count * (max(provenance.SECONDS, exiftool.SECONDS) + size_bytes / BYTES_PER_SECOND)


def unanswered(options: ReadOptions, reason: str) -> Statements:
    """Return the entries in a record if the process that ran them was lost. reason: how."""
    asked = " and ".join(["C2PA"] * options.provenance + ["ExifTool"] * options.exiftool)
    claims = provenance.unexamined(f"the process that asked {asked} {reason}") if options.provenance else {}
    return Statements(claims, None, (f"{asked}: no answer, since the process that asked {reason}",))


def with_statements(photo: Photo, statements: Statements) -> Photo:
    """Return the photo with the answers in its metadata and provenance."""
    metadata = dict(photo.metadata)
    if statements.exiftool is not None:
        metadata["exiftool"] = statements.exiftool
    metadata["notes"] = [*metadata.get("notes", ()), *statements.notes]
    return replace(photo, metadata=metadata, provenance=statements.provenance)
