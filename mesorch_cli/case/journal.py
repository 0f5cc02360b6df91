"""What is known about a case, safe whatever happens: one transaction per finished file."""

import hashlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple
from pathlib import Path
from typing import Any, Literal

from mesorch_cli.case.row import ANALYSED, FAILED, NOT_ANALYSED, Row
from mesorch_cli.errors import OutputError, UsageError, VerificationError

FILE_NAME = "journal.sqlite"
SCHEMA = "mesorch.journal/1"
FACTS = ("schema", "evidence", "shard", "settings")
LONGEST_FACT = 65536  # characters
UNFINISHED = "unfinished"  # the fact that a run writes first and removes last
BESIDE = ("", "-wal", "-shm", "-journal")  # endings of the files that SQLite opens for one journal
_OBJECTS = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    path BLOB PRIMARY KEY,      -- below the evidence folder, bytes as the file system has them
    place BLOB NOT NULL,        -- folder of its results, below the case
    sha256 TEXT,                -- of the file's bytes; null where they could not be read
    settings TEXT NOT NULL,     -- settings_sha256 of the record
    status TEXT NOT NULL,       -- analysed, not analysed, failed
    reason TEXT,                -- why not
    verdict TEXT NOT NULL,
    score REAL,
    copy_of BLOB,               -- path of the file with the same bytes that was analysed
    record TEXT NOT NULL        -- one line of JSON
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_content ON files (sha256, settings);
"""


class Journal:
    """The journal of a case, open for writing by one process at a time."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        """Open or make the journal.

        Raises OutputError if that fails; UsageError if another process has it open, or if there is none to read; and
        VerificationError for links in its place and, when writing, for foreign tables, triggers or views.
        """
        self.path = folder / FILE_NAME
        _refuse_links(folder)
        if read_only and not self.path.is_file():
            raise UsageError(f"{str(folder)!r} is not a case: it has no {FILE_NAME}. Make one with `mesorch batch`.")
        try:
            if read_only:
                self._db = self._opened_to_read()
                self._harden()
            else:
                folder.mkdir(parents=True, exist_ok=True)
                self._db = sqlite3.connect(self.path, timeout=0.5, isolation_level=None)
                self._harden()
                strange = self.strangers() if self._db.execute("SELECT 1 FROM sqlite_master").fetchone() else []
                if strange:
                    raise VerificationError(
                        f"The journal {str(self.path)!r} was changed: it {'; it '.join(strange)}. Expected the tables "
                        "that `mesorch batch` makes; take a copy of the case that was not changed."
                    )
                self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")  # a row reported as finished survives a power cut
                self._db.executescript(_TABLES)
                self._db.execute("INSERT OR IGNORE INTO facts VALUES ('schema', ?)", (SCHEMA,))
            found = self.fact("schema")
        except (sqlite3.Error, OSError) as error:
            if "locked" in str(error):
                raise UsageError(
                    f"Another process works on the case {str(folder)!r}. Wait for it, or stop it."
                ) from error
            raise OutputError(
                f"Cannot open the journal {str(self.path)!r}: {error}. Make room, or choose another folder."
            ) from error
        if found != SCHEMA:
            raise UsageError(
                f"The journal {str(self.path)!r} is {found!r}; expected {SCHEMA}. Use the version that made it."
            )

    def _opened_to_read(self) -> sqlite3.Connection:
        # A whole journal is opened without leaving a trace; one with a log beside it was left by a run that was killed.
        unfinished = self.path.with_name(FILE_NAME + "-wal").exists()
        mode = "mode=ro" if unfinished else "mode=ro&immutable=1"
        return sqlite3.connect(f"{self.path.absolute().as_uri()}?{mode}", uri=True, timeout=0.5)

    def _harden(self) -> None:
        # A database of strangers may bring views, triggers and damaged pages; none of its own expressions is trusted.
        self._db.execute("PRAGMA trusted_schema=OFF")
        self._db.execute("PRAGMA cell_size_check=ON")

    def close(self) -> None:
        """Close it; the log of the last transactions becomes part of the one file."""
        self._db.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fact(self, name: str) -> str | None:
        """Return a fact of the case, None if it was never set."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        """Set a fact of the case."""
        self._do("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def is_unfinished(self) -> bool:
        """Say whether a run began to change the journal and did not come to its end."""
        return self.fact(UNFINISHED) is not None

    def begin(self) -> None:
        """Mark the journal as one that is being changed."""
        self.set_fact(UNFINISHED, "a run is at work, or was interrupted")

    def end(self) -> None:
        """Take the mark away: `case.json` has the digest of what the journal holds now."""
        self._do("DELETE FROM facts WHERE name = ?", (UNFINISHED,))

    def add(self, row: Row) -> None:
        """Make a file finished. Raises OutputError where it cannot be written; then it is not finished."""
        values = list(astuple(row))
        for index in (0, 1, 8):
            values[index] = None if values[index] is None else os.fsencode(values[index])
        self._do("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", tuple(values))

    def forget(self, path: str) -> None:
        """Make a file unfinished, before its results are made again."""
        self._do("DELETE FROM files WHERE path = ?", (os.fsencode(path),))

    def get(self, path: str) -> Row | None:
        """Return the row of a path."""
        return self._one("SELECT * FROM files WHERE path = ?", (os.fsencode(path),))

    def with_content(self, sha256: str, settings: str) -> Row | None:
        """Return the row of the file of this content that was analysed itself, and had it afterwards as well.

        The first hash is what the decoding process says of the file, the second one is ours: a process that a file has
        taken over could else give its own result to any other photo, by its hash.
        """
        return self._one(
            "SELECT * FROM files WHERE sha256 = ? AND settings = ? AND copy_of IS NULL "
            "AND json_extract(record, '$.input.sha256_after') = sha256 ORDER BY path LIMIT 1",
            (sha256, settings),
        )

    def rows(self, settings: str | None = None) -> Iterator[Row]:
        """Yield all rows of these settings (None: the case's own) in the order of their paths, one at a time in memory."""
        settings = self.fact("settings") if settings is None else settings
        for found in self._db.execute("SELECT * FROM files WHERE settings = ? ORDER BY path", (settings,)):
            yield _row(found)

    def highest(self, settings: str, count: int) -> list[Row]:
        """Return the rows with the highest scores, highest first."""
        command = "SELECT * FROM files WHERE settings = ? AND score IS NOT NULL ORDER BY score DESC, path LIMIT ?"
        return [_row(found) for found in self._db.execute(command, (settings, count))]

    def paths(self, settings: str) -> Iterator[str]:
        """Yield the paths of all rows of these settings, in order."""
        for (path,) in self._db.execute("SELECT path FROM files WHERE settings = ? ORDER BY path", (settings,)):
            yield os.fsdecode(path)

    def lost_duplicates(self, settings: str) -> list[str]:
        """Return the paths of duplicates whose first file no longer has that content."""
        command = """
            SELECT path FROM files AS duplicate WHERE settings = ? AND copy_of IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM files AS first WHERE first.path = duplicate.copy_of AND first.copy_of IS NULL
                AND first.sha256 = duplicate.sha256 AND first.settings = duplicate.settings
            ) ORDER BY path"""
        return [os.fsdecode(path) for (path,) in self._db.execute(command, (settings,))]

    def counts(self, settings: str) -> dict[str, int]:
        """Count the files of these settings: analysed, not analysed, failed; and among them findings and duplicates."""
        by_status = dict(
            self._db.execute("SELECT status, count(*) FROM files WHERE settings = ? GROUP BY status", (settings,))
        )
        command = (
            "SELECT count(*) FILTER (WHERE verdict = 'evidence of manipulation'), count(copy_of) FROM files "
            "WHERE settings = ?"
        )
        findings, duplicates = self._db.execute(command, (settings,)).fetchone()
        return {
            "analysed": by_status.get(ANALYSED, 0),
            "not_analysed": by_status.get(NOT_ANALYSED, 0),
            "failed": by_status.get(FAILED, 0),
            "findings": findings,
            "duplicates": duplicates,
        }

    def digest(self, kind: Literal[1, 2] = 2) -> str:
        """Return the SHA-256 over tables, facts and rows: the same for the same content, however the file is laid out.

        kind: 1 for the digest of older cases, which knows of no tables. Raises VerificationError for a damaged file.
        """
        digest = hashlib.sha256()
        facts = (  # a longer fact is refused by itself, and would take minutes here
            f"SELECT substr(name, 1, {LONGEST_FACT}), substr(value, 1, {LONGEST_FACT + 1}) FROM facts "
            "WHERE name != 'unfinished' ORDER BY name"
        )
        for command in ((_OBJECTS,) if kind == 2 else ()) + (facts, "SELECT * FROM files ORDER BY path"):
            for values in self._all(command):
                digest.update(repr(values).encode("ascii", "backslashreplace") + b"\n")
        return digest.hexdigest()

    def raw(self) -> Iterator[tuple[object, ...]]:
        """Yield the values of every row as the file has them, of whatever type.

        Raises VerificationError for a damaged file.
        """
        yield from self._all("SELECT * FROM files ORDER BY path")

    def strangers(self) -> list[str]:
        """Return what the file holds beside the tables of a journal, or lacks of them, as the ends of sentences."""
        with closing(sqlite3.connect(":memory:")) as fresh:
            fresh.executescript(_TABLES)
            expected = set(fresh.execute(_OBJECTS))
        found = set(self._all(_OBJECTS))
        strange = [
            f"has the {kind} {name!r}, which is none of a journal"
            for kind, name, *_ in sorted(found - expected, key=repr)
        ] + [f"lacks the {kind} {name!r} of a journal" for kind, name, *_ in sorted(expected - found, key=repr)]
        return strange if strange else list(self._strange_facts())

    def _strange_facts(self) -> Iterator[str]:
        for name, length in self._all("SELECT substr(name, 1, 40), length(value) FROM facts"):
            if name not in (*FACTS, UNFINISHED):
                yield f"has the fact {name!r}, which is none of a journal"
            elif length > LONGEST_FACT:
                yield f"has a fact {name!r} of {length} characters, expected at most {LONGEST_FACT}"

    def problems(self) -> list[str]:
        """Return what SQLite itself finds wrong with the file; empty if it is intact."""
        try:
            return [str(row[0]) for row in self._db.execute("PRAGMA integrity_check") if row[0] != "ok"]
        except sqlite3.Error as error:
            return [str(error)]

    def _all(self, command: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._db.execute(command)
        except sqlite3.Error as error:
            raise VerificationError(
                f"The journal {str(self.path)!r} cannot be read: {error}. It is damaged or was changed. Use an "
                "unchanged copy of the case."
            ) from error

    def _one(self, command: str, values: tuple[object, ...]) -> Row | None:
        found = self._db.execute(command, values).fetchone()
        return None if found is None else _row(found)

    def _do(self, command: str, values: tuple[object, ...]) -> None:
        try:
            self._db.execute(command, values)
        except sqlite3.Error as error:
            raise OutputError(
                f"Cannot write the journal {str(self.path)!r}: {error}. Make room and give the same command again. No "
                "finished file is lost."
            ) from error


def _row(values: tuple[bytes, bytes, str | None, str, str, str | None, str, float | None, bytes | None, str]) -> Row:
    path, place, sha256, settings, status, reason, verdict, score, copy_of, record = values
    first = None if copy_of is None else os.fsdecode(copy_of)
    return Row(os.fsdecode(path), os.fsdecode(place), sha256, settings, status, reason, verdict, score, first, record)


def _refuse_links(folder: Path) -> None:
    """Raise VerificationError if a file that SQLite would open is a link, a pipe or a device."""
    for end in BESIDE:
        path = folder / (FILE_NAME + end)
        try:
            mode = path.lstat().st_mode
        except OSError:
            continue  # missing or unreachable: opening it will say why
        if not stat.S_ISREG(mode):
            kind = "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
            raise VerificationError(
                f"{str(path)!r} is {kind}. Expected the journal of a case. It was not opened: find out who put it "
                "there."
            )
