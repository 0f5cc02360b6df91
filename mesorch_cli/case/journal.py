"""What is known of a case, and stays known whatever happens: one transaction for every finished file."""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.errors import OutputError, UsageError

FILE_NAME = "journal.sqlite"
SCHEMA = "mesorch.journal/1"
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    path BLOB PRIMARY KEY,      -- below the evidence folder, bytes as the file system has them
    sha256 TEXT,                -- of the file's bytes; null where they could not be read
    settings TEXT NOT NULL,     -- settings_sha256 of the record
    status TEXT NOT NULL,       -- analysed, not analysed, failed
    reason TEXT,
    verdict TEXT NOT NULL,
    score REAL,
    copy_of BLOB,               -- path of the file with the same bytes that was analysed
    record TEXT NOT NULL        -- one line of JSON
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_content ON files (sha256, settings);
"""


@dataclass(frozen=True)
class Row:
    """One finished file. status: analysed, not analysed, failed. record: its line of JSON."""

    path: str
    sha256: str | None
    settings: str
    status: str
    reason: str | None
    verdict: str
    score: float | None
    record: str
    copy_of: str | None = None


class Journal:
    """The journal of a case, open for writing by one process at a time."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        """Open or make the journal.

        Raises OutputError if that fails, UsageError if another process has it, or, to read, if there is none.
        """
        self.path = folder / FILE_NAME
        if read_only and not self.path.is_file():
            raise UsageError(f"{str(folder)!r} is no case: it has no {FILE_NAME}. Make one with `mesorch batch`.")
        try:
            if read_only:
                self._db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)
            else:
                folder.mkdir(parents=True, exist_ok=True)
                self._db = sqlite3.connect(self.path, timeout=0.5, isolation_level=None, check_same_thread=False)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")  # a row that was told to be finished survives a power cut
                self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
                self._db.executescript(_TABLES)
                self._db.execute("INSERT OR IGNORE INTO facts VALUES ('schema', ?)", (SCHEMA,))
            found = self.fact("schema")
        except (sqlite3.Error, OSError) as error:
            if "locked" in str(error):
                raise UsageError(
                    f"Another process works on the case {str(folder)!r}. Wait for it, or stop it."
                ) from error
            raise OutputError(f"Cannot open the journal {str(self.path)!r}: {error}. Choose another folder.") from error
        if found != SCHEMA:
            raise UsageError(
                f"The journal {str(self.path)!r} is {found!r}; expected {SCHEMA}. Use the version that made it."
            )

    def close(self) -> None:
        self._db.close()

    def fact(self, name: str) -> str | None:
        """Return a fact of the case, None if it was never set."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        self._do("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def add(self, row: Row) -> None:
        """Make a file finished. Raises OutputError where it cannot be written; then it is not finished."""
        self._do(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                os.fsencode(row.path),
                row.sha256,
                row.settings,
                row.status,
                row.reason,
                row.verdict,
                row.score,
                None if row.copy_of is None else os.fsencode(row.copy_of),
                row.record,
            ),
        )

    def get(self, path: str) -> Row | None:
        """Return the row of a path."""
        found = self._db.execute("SELECT * FROM files WHERE path = ?", (os.fsencode(path),)).fetchone()
        return None if found is None else _row(found)

    def rows(self) -> Iterator[Row]:
        """Yield all rows in the order of their paths; only one of them is in memory at a time."""
        for found in self._db.execute("SELECT * FROM files ORDER BY path"):
            yield _row(found)

    def forget(self, path: str) -> None:
        """Remove the row of a file that is no longer there."""
        self._do("DELETE FROM files WHERE path = ?", (os.fsencode(path),))

    def paths(self) -> Iterator[str]:
        """Yield the paths of all rows."""
        for (path,) in self._db.execute("SELECT path FROM files ORDER BY path"):
            yield os.fsdecode(path)

    def counts(self) -> dict[str, int]:
        """Return how many files are analysed, not analysed, failed; and of these findings and copies."""
        by_status = dict(self._db.execute("SELECT status, count(*) FROM files GROUP BY status").fetchall())
        findings = self._db.execute("SELECT count(*) FROM files WHERE verdict = 'evidence of manipulation'").fetchone()[
            0
        ]
        copies = self._db.execute("SELECT count(*) FROM files WHERE copy_of IS NOT NULL").fetchone()[0]
        return {
            "analysed": by_status.get("analysed", 0),
            "not_analysed": by_status.get("not analysed", 0),
            "failed": by_status.get("failed", 0),
            "findings": findings,
            "copies": copies,
        }

    def problems(self) -> list[str]:
        """Return what SQLite itself finds wrong with the file; empty if it is sound."""
        return [row[0] for row in self._db.execute("PRAGMA integrity_check") if row[0] != "ok"]

    def _do(self, command: str, values: tuple[object, ...]) -> None:
        try:
            self._db.execute(command, values)
        except sqlite3.Error as error:
            raise OutputError(
                f"Cannot write the journal {str(self.path)!r}: {error}. Make room and give the same command again; nothing "
                "that was finished is lost."
            ) from error


def _row(values: tuple[bytes, str | None, str, str, str | None, str, float | None, bytes | None, str]) -> Row:
    path, sha256, settings, status, reason, verdict, score, copy_of, record = values
    return Row(
        os.fsdecode(path),
        sha256,
        settings,
        status,
        reason,
        verdict,
        score,
        record,
        None if copy_of is None else os.fsdecode(copy_of),
    )
