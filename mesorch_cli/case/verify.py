"""Whether a case is what it was: evidence, results, tables and journal, each compared with what was recorded."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.case.batch import hash_of
from mesorch_cli.case.case_file import CaseFile
from mesorch_cli.case.journal import Journal, Row
from mesorch_cli.case.mirror import BY_HASH, PHOTOS
from mesorch_cli.case.record import json_path
from mesorch_cli.case.scan import Selection, scan
from mesorch_cli.case.tables import SUMS, own_files, read_sums, results_of
from mesorch_cli.errors import UsageError


@dataclass(frozen=True)
class Change:
    """One thing that is not as recorded. what: evidence, output, journal or case; name: below its folder."""

    what: str
    name: str
    how: str


def changes(
    case: Path, case_file: CaseFile, journal: Journal, evidence: Path | None, on_file: Callable[[], None]
) -> Iterator[Change]:
    """Yield everything that is not as it was recorded. evidence: where it lies, None to leave it out.

    on_file: called for every file of the evidence that was looked at.
    """
    yield from _journal_changes(case_file, journal)
    try:
        sums = read_sums(case)
    except OSError as error:
        yield Change("case", SUMS, f"cannot be read: {error.strerror}")
        sums = {}
    known: set[str] = set()
    for path in own_files(case):
        name = path.relative_to(case).as_posix()
        known.add(name)
        yield from _compared("case", name, sums.get(name), hash_of(path))
    for row in journal.rows(case_file.settings_sha256):
        yield from _row_changes(case, row, sums, known)
        if evidence is not None:
            yield from _evidence_changes(evidence, row)
        on_file()
    for name in sums.keys() - known:
        yield from _compared("case", name, sums[name], hash_of(case / name))
    yield from _strangers(case, known | sums.keys())
    if evidence is not None:
        yield from _newcomers(evidence, case_file, journal)


def _journal_changes(case_file: CaseFile, journal: Journal) -> Iterator[Change]:
    for problem in journal.problems():
        yield Change("journal", "journal.sqlite", problem)
    if journal.digest() != case_file.journal_sha256:
        yield Change("journal", "journal.sqlite", "its content is another than case.json records")
    counts, found = case_file.counts, journal.counts(case_file.settings_sha256)
    for name, value in found.items():
        if value != getattr(counts, name):
            yield Change("journal", "journal.sqlite", f"has {value} files {name}, case.json {getattr(counts, name)}")
    if counts.waiting:
        yield Change("case", "case.json", f"is unfinished: {counts.waiting} files wait for the same batch command")


def _row_changes(case: Path, row: Row, sums: dict[str, str], known: set[str]) -> Iterator[Change]:
    for name, sha256 in sorted(results_of(row).items()):
        known.add(name)
        yield from _compared("output", name, sha256, hash_of(case / name))
        if sums.get(name, sha256) != sha256:
            yield Change("case", SUMS, f"has another hash of {json_path(name)!r} than the journal")


def _evidence_changes(evidence: Path, row: Row) -> Iterator[Change]:
    now = hash_of(evidence / row.path)
    if now is not None or row.sha256 is not None:
        yield from _compared("evidence", row.path, row.sha256, now)


def _compared(what: str, name: str, before: str | None, now: str | None) -> Iterator[Change]:
    shown = json_path(name)
    if now is None:
        yield Change(what, shown, "is gone or cannot be read")
    elif before is None:
        yield Change(what, shown, "was not there, or could not be read, when the case was made")
    elif before != now:
        yield Change(what, shown, f"has the SHA-256 {now[:16]}..., recorded is {before[:16]}...")


def _strangers(case: Path, known: set[str]) -> Iterator[Change]:
    for top in (PHOTOS, BY_HASH):
        for folder, folders, files in os.walk(case / top):
            folders.sort()
            place = Path(folder).relative_to(case).as_posix()
            for name in sorted(files):
                if f"{place}/{name}" not in known:
                    yield Change("output", json_path(f"{place}/{name}"), "was not there when the case was made")


def _newcomers(evidence: Path, case_file: CaseFile, journal: Journal) -> Iterator[Change]:
    chosen = case_file.selection
    try:
        found = scan(evidence, Selection(tuple(chosen.include), tuple(chosen.exclude), chosen.shard))
    except UsageError as error:
        yield Change("evidence", str(evidence), str(error))
        return
    paths = set(journal.paths(case_file.settings_sha256))
    for path in found.paths:
        if path not in paths and not case_file.counts.waiting:
            yield Change("evidence", json_path(path), "was not there when the case was made")
