"""Rows on disk. Each is written as soon as its photo is done, so that a stopped run can continue."""

import os
from pathlib import Path

from mesorch_cli.errors import OutputError
from mesorch_cli.evaluation.outcome import Outcome
from mesorch_cli.files.folders import opened_folder
from mesorch_cli.files.reading import NO_LINKS, read_below

PATTERN = "rows-*.jsonl"
LARGEST_BYTES = 4 << 30


class RowFile:
    """The rows of earlier runs in a folder, from all processes, and a file for this process's new rows.

    A last line cut off by a kill is not a row and is computed again.
    """

    def __init__(self, folder: Path, process: int = 0) -> None:
        """Open a folder, making it if necessary. Raises OutputError if that is impossible."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self.known: dict[str, Outcome] = {}
            for path in sorted(folder.glob(PATTERN)):
                rows = read_below(folder, path.name, LARGEST_BYTES)
                for line in rows.decode("ascii", "replace").splitlines():
                    outcome = _row_or_none(line)
                    if outcome is not None:
                        self.known[outcome.key] = outcome
            name = f"rows-{process}.jsonl"
            self._path = folder / name
            # After a kill, the file may end within a line, to which the next row must not be appended.
            before = read_below(folder, name, LARGEST_BYTES) if os.path.lexists(folder / name) else b""
            with opened_folder(folder, ()) as here:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | NO_LINKS
                self._file = os.fdopen(here.open(name, flags), "a", encoding="ascii")
            if before and not before.endswith(b"\n"):
                self._file.write("\n")
        except OSError as error:
            raise OutputError(
                f"Cannot write to {str(folder)!r}: {error.strerror}. Choose another folder with -o."
            ) from error

    def add(self, outcome: Outcome) -> None:
        """Write a row to the disk before continuing."""
        try:
            self._file.write(outcome.to_line() + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise OutputError(
                f"Cannot write {str(self._path)!r}: {error.strerror}. Make room and start again."
            ) from error

    def close(self) -> None:
        self._file.close()


def _row_or_none(line: str) -> Outcome | None:
    try:
        outcome = Outcome.from_line(line)
    except ValueError:
        return None
    # Files that could not be read may be readable now.
    return outcome if outcome.key and outcome.status != "failed" else None
