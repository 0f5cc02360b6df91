"""Checks that a case is unchanged: evidence, results, tables and journal are compared with the recorded state."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.case.batch import hash_of
from mesorch_cli.case.case_file import CaseFile
from mesorch_cli.case.journal import BESIDE, FILE_NAME, Journal
from mesorch_cli.case.row import BY_HASH, PHOTOS, Row
from mesorch_cli.case.scan import Selection, overlap, scan
from mesorch_cli.case.seal import Fault, digest_holds, examined
from mesorch_cli.case.tables import SUMS, own_files, read_sums, results_of
from mesorch_cli.errors import UsageError, VerificationError
from mesorch_cli.files.folders import Kind, entries
from mesorch_cli.files.names import json_path
from mesorch_cli.files.writing import UNFINISHED
from mesorch_cli.signing import SUFFIX

MORE_FILES = 100_000  # more files than the case counted in its evidence folder; no further ones are examined


@dataclass(frozen=True)
class Change:
    """One thing that is not as recorded. what: evidence, output, journal or case. name: below its folder."""

    what: str
    name: str
    how: str


def changes(
    case: Path, case_file: CaseFile, journal: Journal, evidence: Path | None, on_file: Callable[[], None]
) -> Iterator[Change]:
    """Yield everything that is not as recorded. evidence: its folder, None to leave it out.

    If a case records evidence above itself, such as `/`, the folder is named but not searched: no run makes such a
    case, and a hostile one would have the whole machine read. An unusable row is named, and the others are still
    checked. on_file: called for every row.
    """
    yield from _journal_changes(case_file, journal)
    if evidence is not None and evidence == Path(case_file.evidence) and _around(evidence, case):
        how = "contains the case or is inside it, which no run makes. It was not searched: name another with --evidence"
        yield Change("evidence", json_path(str(evidence)), how)
        evidence = None
    try:
        sums = read_sums(case)
    except OSError as error:
        yield Change("case", SUMS, f"cannot be read: {error.strerror}")
        sums = {}
    known: set[str] = set()
    with suppress(OSError):  # a folder that cannot be listed is reported with the strangers
        for name in own_files(case):
            known.add(name)
            yield from _compared("case", name, sums.get(name), hash_of(case, name))
    try:
        for found in examined(journal):
            if isinstance(found, Fault):
                yield Change("journal", found.name, found.how)
            elif found.settings == case_file.settings_sha256:
                yield from _row_changes(case, found, sums, known)
                if evidence is not None:
                    yield from _evidence_changes(evidence, found)
                on_file()
    except VerificationError as error:  # the rest of the file is damaged
        yield Change("journal", FILE_NAME, str(error))
    for name in sorted(sums.keys() - known):
        yield from _compared("case", json_path(name), sums[name], hash_of(case, name))
    try:
        yield from _strangers(case, known | sums.keys())
    except OSError as error:
        yield _unlisted(case, error)
    if evidence is not None:
        yield from _newcomers(evidence, case_file, journal)


def _unlisted(case: Path, error: OSError) -> Change:
    """Return the change of a folder in a case that cannot be listed. Foreign files are not looked for beyond it."""
    how = f"cannot be listed: {error.strerror}. The search for files that do not belong to the case stopped there"
    return Change("case", json_path(os.path.relpath(error.filename or case, case)), how)


def _around(evidence: Path, case: Path) -> bool:
    try:
        return overlap(evidence, case)
    except (OSError, ValueError, RuntimeError):
        return False  # a loop of links or an impossible name, which cannot be searched either


def _journal_changes(case_file: CaseFile, journal: Journal) -> Iterator[Change]:
    for problem in journal.problems():
        yield Change("journal", FILE_NAME, problem)
    counts = case_file.counts
    try:
        whole = digest_holds(journal, case_file)
        if not whole:
            interrupted = journal.is_unfinished()
            how = "is unfinished: its last run was interrupted" if interrupted else "is another than case.json records"
            yield Change("journal", FILE_NAME, f"its content {how}")
        for name, value in journal.counts(case_file.settings_sha256).items():
            if value != getattr(counts, name):
                yield Change("journal", FILE_NAME, f"has {value} files {name}, case.json {getattr(counts, name)}")
    except (VerificationError, sqlite3.Error) as error:
        yield Change("journal", FILE_NAME, f"cannot be read: {error}")
    if counts.waiting:
        yield Change("case", "case.json", f"is unfinished: {counts.waiting} files wait for the same batch command")


def _row_changes(case: Path, row: Row, sums: dict[str, str], known: set[str]) -> Iterator[Change]:
    for name, sha256 in sorted(results_of(row).items()):
        known.add(name)
        yield from _compared("output", name, sha256, hash_of(case, name))
        if sums.get(name, sha256) != sha256:
            yield Change("case", SUMS, f"has another hash of {json_path(name)!r} than the journal")


def _evidence_changes(evidence: Path, row: Row) -> Iterator[Change]:
    now = hash_of(evidence, row.path)
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
    """Yield foreign things in a case: files that nothing mentions, and anything that is not a plain file or folder."""
    for name, kind in entries(case):
        shown, what = json_path(name), "output" if name.startswith((f"{PHOTOS}/", f"{BY_HASH}/")) else "case"
        if kind not in (Kind.FILE, Kind.FOLDER):
            yield Change(what, shown, f"is a {kind}; expected none in a case" if kind is Kind.LINK else f"is {kind}")
        elif kind is Kind.FILE and name not in known and not _belongs(name):
            how = (
                "is left from a run that was interrupted"
                if name.endswith(UNFINISHED)
                else "was not there when the case was made"
            )
            yield Change(what, shown, how)


def _belongs(name: str) -> bool:
    return name in (SUMS, SUMS + SUFFIX) or name in {FILE_NAME + end for end in BESIDE}


def _newcomers(evidence: Path, case_file: CaseFile, journal: Journal) -> Iterator[Change]:
    chosen = case_file.selection
    try:
        most = case_file.counts.found + sum(case_file.others.values()) + MORE_FILES
        found = scan(evidence, Selection(tuple(chosen.include), tuple(chosen.exclude), chosen.shard), most)
    except UsageError as error:
        yield Change("evidence", str(evidence), str(error))
        return
    try:
        paths = set(journal.paths(case_file.settings_sha256))
    except (sqlite3.Error, TypeError):
        return  # the journal cannot be read, which was reported before
    for path in found.paths:
        if path not in paths and not case_file.counts.waiting:
            yield Change("evidence", json_path(path), "was not there when the case was made")
