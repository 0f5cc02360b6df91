"""The files of a case in the order in which people should look at them, kept on disk to save memory."""

import json
import os
import shutil
import sqlite3
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from mesorch_cli.errors import OutputError
from mesorch_cli.files.writing import UNFINISHED
from mesorch_cli.report.alike import Likeness, groups_of
from mesorch_cli.report.declared import short_of
from mesorch_cli.report.entry import ANALYSED, FAILED, NOT_ANALYSED, Entry, fingerprint_of
from mesorch_cli.report.names import visible
from mesorch_cli.report.notes import kinds_of

SCRATCH = ".report-"
LISTED = 50  # other files that look like one, on its page
SHOWN_DIGITS = 3  # of a score in a list
BINS = 20  # of the histogram of scores
RANKS = {ANALYSED: 0, NOT_ANALYSED: 1, FAILED: 2}
_TABLES = """
PRAGMA journal_mode=OFF;
PRAGMA synchronous=OFF;
CREATE TABLE entries (number INTEGER PRIMARY KEY, part INTEGER, shown REAL, notes INTEGER, low REAL, reason TEXT, path BLOB,
    place BLOB, copy_of BLOB, record BLOB, fingerprint TEXT, alike INTEGER, size INTEGER);
"""
_IN_ORDER = """
SELECT entry.path, entry.place, entry.record, entry.copy_of, first.place, entry.alike, entry.size
FROM entries AS entry LEFT JOIN entries AS first ON first.path = entry.copy_of
WHERE entry.part BETWEEN ? AND ? ORDER BY entry.part, entry.shown, entry.notes, entry.low, entry.reason, entry.path
"""


class Triage:
    """Entries by rank: analysed with the highest score first, then not analysed, then failed, both by reason and path.

    Among scores that look the same, with SHOWN_DIGITS, files with more notes come first.

    alike: how many groups of files look alike. by_status, by_verdict, by_reason: how many entries. bins: analysed entries by
    score, BINS equal steps from 0 to 1.
    first, last: when the first and the last analysis started (ISO 8601), None for an empty case.
    """

    def __init__(self, case: Path, entries: Iterable[Entry]) -> None:
        """Walk the entries once. Raises OutputError where the scratch file in the case cannot be written."""
        self._folder: Path | None = None
        self.by_status = Counter[str]()
        self.by_verdict = Counter[str]()
        self.by_reason = Counter[tuple[str, str]]()
        self.bins = [0] * BINS
        self.duplicates = 0
        self.first: str | None = None
        self.last: str | None = None
        try:
            for left in case.glob(f"{SCRATCH}*{UNFINISHED}"):  # by a run that was killed
                if not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
            # A folder that nobody else can enter, under a name that nobody can foresee: SQLite follows links.
            self._folder = Path(tempfile.mkdtemp(prefix=SCRATCH, suffix=UNFINISHED, dir=case))
            self._db = sqlite3.connect(self._folder / "entries.sqlite", isolation_level=None)
            with ExitStack() as undo:
                undo.callback(self._close)
                self._db.executescript(_TABLES)
                self._db.execute("BEGIN")
                for entry in entries:
                    self._add(entry)
                self._db.execute("COMMIT")
                self._db.execute("CREATE INDEX in_order ON entries (part, shown, notes, low, reason, path)")
                self._db.execute("CREATE UNIQUE INDEX by_path ON entries (path)")
                self._group()
                undo.pop_all()
        except (sqlite3.Error, OSError) as error:
            raise OutputError(
                f"Cannot write a scratch file in {str(case)!r}: {error}. Make room there and give the same "
                "command again."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        self._db.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __len__(self) -> int:
        return sum(self.by_status.values())

    def _add(self, entry: Entry) -> None:
        result, status = entry.record["result"], entry.status
        score, reason = result["score"], visible(result["reason"] or "")
        self.by_status[status] += 1
        self.by_verdict[result["verdict"]] += 1
        self.duplicates += entry.copy_of is not None
        if status != ANALYSED:
            self.by_reason[(status, reason)] += 1
        elif score is not None:
            self.bins[min(int(score * BINS), BINS - 1)] += 1
        started = entry.record["timing"]["started_at"]
        self.first = min(self.first or started, started)
        self.last = max(self.last or started, started)
        self._db.execute(
            "INSERT INTO entries (part, shown, notes, low, reason, path, place, copy_of, record, fingerprint) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                RANKS[status],
                0.0 if score is None else -round(score, SHOWN_DIGITS),
                -len(kinds_of(entry.record)) - bool(short_of(entry.record)),
                0.0 if score is None else -score,
                reason,
                os.fsencode(entry.path),
                os.fsencode(entry.place),
                None if entry.copy_of is None else os.fsencode(entry.copy_of),
                zlib.compress(json.dumps(entry.record).encode("ascii"), 1),
                fingerprint_of(entry.record),
            ),
        )

    def _group(self) -> None:
        """Find the photos that look alike."""
        groups = groups_of(self._db.execute("SELECT path, fingerprint FROM entries"))
        self.alike = max((group.number for group in groups.values()), default=0)
        rows = ((group.number, group.size, path) for path, group in groups.items())
        self._db.executemany("UPDATE entries SET alike = ?, size = ? WHERE path = ?", rows)
        self._db.execute("CREATE INDEX by_group ON entries (alike, path)")

    def like(self, entry: Entry, most: int = LISTED) -> tuple[tuple[str, str], ...]:
        """Return (path, place) of other files that look like an entry, at most so many, by path."""
        if entry.alike is None:
            return ()
        found = self._db.execute(
            "SELECT path, place FROM entries WHERE alike = ? AND path != ? ORDER BY path LIMIT ?",
            (entry.alike.number, os.fsencode(entry.path), most),
        )
        return tuple((os.fsdecode(path), os.fsdecode(place)) for path, place in found)

    def analysed(self) -> Iterator[Entry]:
        """Yield what was analysed, highest score first, one entry in memory at a time."""
        return self._entries(0, 0)

    def others(self) -> Iterator[Entry]:
        """Yield what was not analysed, and then what failed."""
        return self._entries(1, 2)

    def __iter__(self) -> Iterator[Entry]:
        return self._entries(0, 2)

    def _entries(self, first: int, last: int) -> Iterator[Entry]:
        for path, place, record, copy_of, copy_place, number, size in self._db.execute(_IN_ORDER, (first, last)):
            yield Entry(
                os.fsdecode(path),
                os.fsdecode(place),
                json.loads(zlib.decompress(record)),
                None if copy_of is None else os.fsdecode(copy_of),
                None if copy_place is None else os.fsdecode(copy_place),
                None if number is None else Likeness(number, size),
            )
