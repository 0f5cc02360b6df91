"""The results of a case for programs: a line of JSON for every file, a table, and the hashes of everything written."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from mesorch_cli.case.journal import Journal, Row
from mesorch_cli.case.record import json_path
from mesorch_cli.errors import OutputError
from mesorch_cli.evidence.hashing import sha256_file

RECORDS, TABLE, SUMS = "results.jsonl", "results.csv", "SHA256SUMS"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run
UNSUMMED = (".part", "-wal", "-shm")  # endings of files that come and go
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
        raise OutputError(
            f"Cannot write {str(path)!r}: {error.strerror}. Make room and give the same command again."
        ) from error


def write_tables(case: Path, journal: Journal) -> None:
    """Write results.jsonl and results.csv from the journal, one row in memory at a time."""
    with written(case / RECORDS) as records, written(case / TABLE) as table:
        table.write(_line(COLUMNS))
        for row in journal.rows():
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
    return ["" if text is None else text if isinstance(text, str) else str(text) for text in map(_harmless, texts)]


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _line(values: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue().encode("utf-8")


def write_sums(case: Path, on_file: Callable[[], None] | None = None) -> None:
    """Write SHA256SUMS over every file of the case but the journal, in the form that `sha256sum -c` reads."""
    with written(case / SUMS) as sums:
        for path in summed_files(case):
            sums.write(
                sum_line(path.relative_to(case).as_posix(), sha256_file(path)).encode("utf-8", "surrogateescape")
            )
            if on_file is not None:
                on_file()


def summed_files(case: Path) -> Iterator[Path]:
    """Yield the files that SHA256SUMS speaks of, in order; the journal changes when it is opened and is checked otherwise."""
    for path in sorted(case.rglob("*")):
        own = path.parent == case and (path.name.startswith("journal.sqlite") or path.name == SUMS)
        if path.is_file() and not path.name.endswith(UNSUMMED) and not own:
            yield path


def sum_line(name: str, sha256: str) -> str:
    """Return one line as coreutils writes it: a name with a newline or backslash is escaped, and the line starts with one."""
    if "\\" in name or "\n" in name or "\r" in name:
        name = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        return f"\\{sha256}  {name}\n"
    return f"{sha256}  {name}\n"


def read_sums(case: Path) -> dict[str, str]:
    """Return SHA-256 by name from SHA256SUMS. Raises OSError where there is none."""
    found = {}
    for line in (case / SUMS).read_bytes().decode("utf-8", "surrogateescape").split("\n"):
        escaped = line.startswith("\\")
        sha256, _, name = line.removeprefix("\\").partition("  ")
        if name:
            if escaped:
                name = name.replace("\\\\", "\0").replace("\\n", "\n").replace("\\r", "\r").replace("\0", "\\")
            found[name] = sha256
    return found
