"""The results of a case for programs: a line of JSON per file, a table, and the hashes of everything written."""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from mesorch_cli.case.journal import FILE_NAME as JOURNAL
from mesorch_cli.case.journal import Journal
from mesorch_cli.case.mirror import artefacts_of
from mesorch_cli.case.row import BY_HASH, PHOTOS, Row
from mesorch_cli.examination.outputs import RECORD_NAME
from mesorch_cli.examination.record import text_of
from mesorch_cli.files.folders import Kind, entries, listed
from mesorch_cli.files.hashing import sha256_below, sha256_bytes
from mesorch_cli.files.names import json_path
from mesorch_cli.files.reading import read_below
from mesorch_cli.files.writing import UNFINISHED, writing_below
from mesorch_cli.report import declared, domain
from mesorch_cli.report.alike import Likeness, groups_of
from mesorch_cli.report.entry import fingerprint_of
from mesorch_cli.report.names import harmless_cell
from mesorch_cli.report.notes import kinds_of
from mesorch_cli.signing import SUFFIX

RECORDS, TABLE, SUMS = "results.jsonl", "results.csv", "SHA256SUMS"
LARGEST_SUMS = 4 << 30  # bytes: about 30 million files
COLUMNS = (
    "path",
    "status",
    "reason",
    "verdict",
    "score",
    "probability",
    "likelihood_ratio",
    "regions",
    "largest_region_share",
    "flags",
    "declared",
    "domain",
    "notes",
    "alike",
    "format",
    "width",
    "height",
    "size",
    "sha256",
    "copy_of",
)


def write_tables(case: Path, journal: Journal, settings: str) -> None:
    """Write results.jsonl and results.csv from the rows of these settings, one row in memory at a time."""
    with writing_below(case, RECORDS) as records, writing_below(case, TABLE) as table:
        table.write(_line(COLUMNS))
        rows = journal.rows(settings)
        groups = groups_of((os.fsencode(row.path), fingerprint_of(json.loads(row.record))) for row in rows)
        for row in journal.rows(settings):
            records.write(row.record.encode("ascii") + b"\n")
            table.write(_line(cells(row, groups.get(os.fsencode(row.path)))))


def cells(row: Row, alike: Likeness | None) -> list[str]:
    """Return a row's cells in the order of COLUMNS. Text that a spreadsheet would execute gets an apostrophe.

    alike: the photos that look like this one.
    """
    record = json.loads(row.record)
    result, decode = record["result"], record["decode"] or {}
    ratio = result.get("likelihood_ratio") or {}
    regions = result["regions"]
    texts = [
        json_path(row.path),
        row.status,
        row.reason,
        row.verdict,
        result["score"],
        result["probability"],
        ratio.get("value"),
        len(regions),
        max((region["share"] for region in regions), default=None),
        "; ".join(result["flags"]),
        declared.short_of(record) or None,
        domain.short_of(result) or None,
        "; ".join(kinds_of(record)) or None,
        None if alike is None else alike.number,
        decode.get("format"),
        decode.get("width"),
        decode.get("height"),
        record["input"]["size"],
        row.sha256,
        None if row.copy_of is None else json_path(row.copy_of),
    ]
    return ["" if text is None else harmless_cell(text) if isinstance(text, str) else str(text) for text in texts]


def _line(values: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().encode("utf-8")


def write_sums(case: Path, journal: Journal, settings: str) -> str:
    """Write SHA256SUMS for `sha256sum -c`, over every file of the case except the journal. Return its own SHA-256."""
    digest = hashlib.sha256()
    with writing_below(case, SUMS) as sums:
        for name, sha256 in expected_sums(case, journal, settings):
            line = sum_line(name, sha256).encode("utf-8", "surrogateescape")
            sums.write(line)
            digest.update(line)
    return digest.hexdigest()


def expected_sums(case: Path, journal: Journal, settings: str) -> Iterator[tuple[str, str]]:
    """Yield (path below the case, SHA-256): the case's own files as they are now, results as they were when written.

    The journal file changes whenever it is opened, so `case.json` has the hash of its content instead.
    """
    for name in own_files(case):
        yield name, sha256_below(case, name)
    for row in journal.rows(settings):
        known = results_of(row)
        others = {name: sha256_below(case, name) for name in files_in(case, row.place) if name not in known}
        yield from sorted((known | others).items())


def files_in(case: Path, place: str) -> Iterator[str]:
    """Yield the files in a row's folder, below the case, except half-written ones."""
    with suppress(FileNotFoundError):
        for name, kind in listed(case, place):
            if kind is Kind.FILE and not name.endswith(UNFINISHED):
                yield f"{place}/{name}"


def results_of(row: Row) -> dict[str, str]:
    """Return the SHA-256, by path below the case, of everything that belongs to a row."""
    record = sha256_bytes(text_of(row.record).encode("ascii"))
    return artefacts_of(row) | {f"{row.place}/{RECORD_NAME}": record}


def own_files(case: Path) -> Iterator[str]:
    """Yield the files of a case that belong to no photo, as paths below it and in order. Links are left out."""
    for name, kind in entries(case, leave_out=(PHOTOS, BY_HASH)):
        ours = name not in (SUMS, SUMS + SUFFIX) and not name.startswith(JOURNAL) and not name.endswith(UNFINISHED)
        if kind is Kind.FILE and ours:
            yield name


def sum_line(name: str, sha256: str) -> str:
    """Return one line as coreutils writes it: it escapes newlines and backslashes, and then starts with a backslash."""
    if "\\" in name or "\n" in name or "\r" in name:
        name = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        return f"\\{sha256}  {name}\n"
    return f"{sha256}  {name}\n"


def read_sums(case: Path) -> dict[str, str]:
    """Return the SHA-256 by name from SHA256SUMS. Raises OSError if there is no such file."""
    found: dict[str, str] = {}
    for line in read_below(case, SUMS, LARGEST_SUMS).decode("utf-8", "surrogateescape").split("\n"):
        escaped = line.startswith("\\")
        sha256, _, name = line.removeprefix("\\").partition("  ")
        if name:
            if escaped:
                name = name.replace("\\\\", "\0").replace("\\n", "\n").replace("\\r", "\r").replace("\0", "\\")
            found[name] = sha256
    return found
