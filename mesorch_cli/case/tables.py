"""The results of a case for programs: a line of JSON for every file, a table, and the hashes of everything written."""

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mesorch_cli.case.journal import FILE_NAME as JOURNAL
from mesorch_cli.case.journal import Journal, Row
from mesorch_cli.case.mirror import BY_HASH, PHOTOS, artefacts_of
from mesorch_cli.case.outputs import RECORD_NAME
from mesorch_cli.case.record import json_path, text_of
from mesorch_cli.errors import OutputError
from mesorch_cli.evidence.hashing import sha256_bytes, sha256_file
from mesorch_cli.report.names import harmless_cell

RECORDS, TABLE, SUMS = "results.jsonl", "results.csv", "SHA256SUMS"
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
    "format",
    "width",
    "height",
    "size",
    "sha256",
    "copy_of",
)


@contextmanager
def written(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes its name only when everything was written. Raises OutputError where that fails."""
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OutputError(
            f"Cannot write {str(path)!r}: {error.strerror}. Make room and give the same command again."
        ) from error


def write_tables(case: Path, journal: Journal, settings: str) -> None:
    """Write results.jsonl and results.csv from the rows of these settings, one row in memory at a time."""
    with written(case / RECORDS) as records, written(case / TABLE) as table:
        table.write(_line(COLUMNS))
        for row in journal.rows(settings):
            records.write(row.record.encode("ascii") + b"\n")
            table.write(_line(cells(row)))


def cells(row: Row) -> list[str]:
    """Return a row's cells in the order of COLUMNS; text that a spreadsheet would run gets an apostrophe."""
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
    """Write SHA256SUMS over every file of the case but the journal, as `sha256sum -c` reads it; return its own SHA-256."""
    digest = hashlib.sha256()
    with written(case / SUMS) as sums:
        for name, sha256 in expected_sums(case, journal, settings):
            line = sum_line(name, sha256).encode("utf-8", "surrogateescape")
            sums.write(line)
            digest.update(line)
    return digest.hexdigest()


def expected_sums(case: Path, journal: Journal, settings: str) -> Iterator[tuple[str, str]]:
    """Yield (path below the case, SHA-256): of the case's own files as they are, of results as they were when written.

    The journal itself changes when it is opened; `case.json` has the hash of its content.
    """
    for path in own_files(case):
        yield path.relative_to(case).as_posix(), sha256_file(path)
    for row in journal.rows(settings):
        known = results_of(row)
        others = {name: sha256_file(case / name) for name in files_in(case, row.place) if name not in known}
        yield from sorted((known | others).items())


def files_in(case: Path, place: str) -> Iterator[str]:
    """Yield the files that lie in a row's folder, below the case; what is half written has no part in it."""
    with suppress(FileNotFoundError), os.scandir(case / place) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False) and not entry.name.endswith(".part"):
                yield f"{place}/{entry.name}"


def results_of(row: Row) -> dict[str, str]:
    """Return SHA-256 by path below the case of everything that belongs to a row."""
    record = sha256_bytes(text_of(row.record).encode("ascii"))
    return artefacts_of(row) | {f"{row.place}/{RECORD_NAME}": record}


def own_files(case: Path) -> Iterator[Path]:
    """Yield the files of a case that belong to no photo, in order."""
    for path in sorted(case.iterdir()):
        if path.is_dir() and path.name not in (PHOTOS, BY_HASH):
            yield from sorted(found for found in path.rglob("*") if found.is_file())
        elif path.is_file() and path.name != SUMS and not path.name.startswith(JOURNAL) and path.suffix != ".part":
            yield path


def sum_line(name: str, sha256: str) -> str:
    """Return one line as coreutils writes it: a name with a newline or backslash is escaped, and the line starts with one."""
    if "\\" in name or "\n" in name or "\r" in name:
        name = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        return f"\\{sha256}  {name}\n"
    return f"{sha256}  {name}\n"


def read_sums(case: Path) -> dict[str, str]:
    """Return SHA-256 by name from SHA256SUMS. Raises OSError where there is none."""
    found: dict[str, str] = {}
    for line in (case / SUMS).read_bytes().decode("utf-8", "surrogateescape").split("\n"):
        escaped = line.startswith("\\")
        sha256, _, name = line.removeprefix("\\").partition("  ")
        if name:
            if escaped:
                name = name.replace("\\\\", "\0").replace("\\n", "\n").replace("\\r", "\r").replace("\0", "\\")
            found[name] = sha256
    return found
