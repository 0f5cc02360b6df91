"""From a folder of photos to a case. Each file is analysed once, whatever interrupts the run, and saved at once."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from mesorch_cli.case.journal import Journal
from mesorch_cli.case.mirror import Mirror, artefacts_of, missing_outputs
from mesorch_cli.case.pipeline import Engine
from mesorch_cli.case.row import Row, row_of
from mesorch_cli.examination.examiner import FAULT
from mesorch_cli.examination.outputs import RECORD_NAME
from mesorch_cli.examination.record import Record, TimingPart
from mesorch_cli.examination.stages import CHANGED, Composed
from mesorch_cli.files.hashing import sha256_below
from mesorch_cli.files.names import json_path
from mesorch_cli.files.writing import link_or_copy_below, write_below

SAME_BYTES = "same bytes as "  # begins the flag of a duplicate; the path of the first file follows
# Reasons that may not hold next time: the file became readable, limits were raised, or a decoder was installed.
NOT_FINAL = (
    "unreadable",
    "missing",
    "too many pixels",
    "decoding took too long",
    "too little memory",
    "decoder crashed",
    "unsupported format",
)

OnFile = Callable[
    [Row, bool, str | None], None
]  # the row of a file, whether it was finished just now, and why it was not analysed


class Batch:
    """The work on one case, with one folder of evidence, one journal and one set of settings."""

    def __init__(
        self, mirror: Mirror, evidence: Path, journal: Journal, settings_sha256: str, on_file: OnFile | None = None
    ) -> None:
        self.case = mirror.case
        self.evidence = evidence
        self.journal = journal
        self.settings_sha256 = settings_sha256
        self._mirror = mirror
        self._on_file = on_file or (lambda _row, _new, _problem: None)
        self._in_hand: dict[str, str] = {}  # path by SHA-256, of files in the engine
        self._duplicates: dict[str, list[str]] = {}  # paths of files with the same bytes, by the path in the engine
        self._again: list[str] = []  # duplicates of a file whose content changed in between

    def run(self, engine: Engine, paths: Iterable[str], stop: Callable[[], bool] = lambda: False) -> None:
        """Give each path its row, unless it has one for the same bytes and settings with its results in place.

        stop: called before each file. Once it returns True, files in the engine are finished and the rest is left.
        Raises OutputError if a result cannot be written; all earlier rows are complete.
        """
        todo = list(paths)
        while todo:
            for path, composed in engine.results(self._wanted(todo, stop), stop):
                self._finish(path, composed)
            lost = [] if stop() else self.journal.lost_duplicates(self.settings_sha256)
            for path in lost:
                self.journal.forget(path)
            todo = [*self._again, *lost]
            self._in_hand, self._duplicates, self._again = {}, {}, []

    def _wanted(self, paths: Iterable[str], stop: Callable[[], bool]) -> Iterator[str]:
        """Yield the paths for the engine. Finished files and duplicates are dealt with here."""
        for path in paths:
            if stop():
                return
            sha256 = hash_of(self.evidence, path)
            row = self.journal.get(path)
            if row is not None:
                if self._is_finished(row, sha256):
                    self._on_file(row, False, None)
                    continue
                self.journal.forget(path)  # before any of its results are replaced
            if sha256 is not None and self._is_duplicate(path, sha256):
                continue
            yield path

    def _is_finished(self, row: Row, sha256: str | None) -> bool:
        return (
            row.settings == self.settings_sha256
            and sha256 is not None
            and row.sha256 == sha256
            and not is_passing(row.reason)
            and not missing_outputs(self.case, row)
        )

    def _is_duplicate(self, path: str, sha256: str) -> bool:
        """Return whether the engine or journal has the same bytes. The row is written now or with the first file's."""
        if sha256 in self._in_hand:
            self._duplicates.setdefault(self._in_hand[sha256], []).append(path)
            return True
        first = self.journal.with_content(sha256, self.settings_sha256)
        if first is not None and not is_passing(first.reason) and not missing_outputs(self.case, first):
            self._add_duplicate(path, first)
            return True
        self._in_hand[sha256] = path
        return False

    def _finish(self, path: str, composed: Composed) -> None:
        before = composed.record.input.sha256
        composed = composed.hashed_again(None if before is None else hash_of(self.evidence, path))
        place = self._mirror.place(path)
        composed.write(self.case, place)
        row = row_of(path, place, composed.record)
        self.journal.add(row)
        self._on_file(row, True, composed.problem)
        for sha256 in [sha256 for sha256, other in self._in_hand.items() if other == path]:
            del self._in_hand[sha256]
            for duplicate in self._duplicates.pop(path, ()):
                if sha256 == row.sha256:
                    self._add_duplicate(duplicate, row)
                else:  # the first file changed after it was hashed
                    self._again.append(duplicate)

    def _add_duplicate(self, path: str, first: Row) -> None:
        row = duplicate_of(first, path, self._mirror)
        self.journal.add(row)
        self._on_file(row, True, None)


def is_passing(reason: str | None) -> bool:
    """Return whether the next run tries a file again that was not analysed for this reason."""
    return reason is not None and (reason in NOT_FINAL or reason.startswith(FAULT))


def hash_of(root: Path, name: str) -> str | None:
    """Return the SHA-256 of a file below a folder, None if it cannot be read, is a link, or is not a file."""
    try:
        return sha256_below(root, name)
    except (OSError, ValueError):
        return None


def duplicate_of(first: Row, path: str, mirror: Mirror) -> Row:
    """Give a file the results of the first one with the same bytes, but its own name and pictures. Return its row."""
    place = mirror.place(path)
    for artefact in artefacts_of(first):
        link_or_copy_below(mirror.case, artefact, mirror.case, f"{place}/{artefact.rpartition('/')[2]}")
    record = placed_at(place, Record.model_validate_json(first.record))
    own = {flag for flag in record.result.flags if not flag.startswith(SAME_BYTES)}
    flags = sorted({*own, f"{SAME_BYTES}{json_path(first.path)}"} - {CHANGED})
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    changes = {
        "input": record.input.model_copy(update={"path": json_path(path), "sha256_after": record.input.sha256}),
        "result": record.result.model_copy(update={"flags": flags}),
        "timing": TimingPart(started_at=now, read_s=0.0, analyse_s=0.0),
    }
    record = record.model_copy(update=changes)
    write_below(mirror.case, f"{place}/{RECORD_NAME}", record.to_text().encode("ascii"))
    return row_of(path, place, record, first.path)


def placed_at(place: str, record: Record) -> Record:
    """Return the record with its pictures moved to another place."""
    pictures = [
        artefact.model_copy(update={"path": json_path(f"{place}/{artefact.path.rpartition('/')[2]}")})
        for artefact in record.artefacts
    ]
    return record.model_copy(update={"artefacts": pictures})
