"""Where a case keeps the results of a file: in a folder of its own below `photos`, which mirrors the evidence."""

import json
import os
import unicodedata
from pathlib import Path

from mesorch_cli.case.row import Row, places_of
from mesorch_cli.errors import OutputError
from mesorch_cli.examination.outputs import RECORD_NAME
from mesorch_cli.examination.record import text_of
from mesorch_cli.files.reading import opened_below, read_below
from mesorch_cli.files.writing import folds_names

LONGEST_PATH = 3900  # bytes; systems allow 4096, and file names in the folder need room


class Mirror:
    """The places of a case. Each file's path becomes a folder, so no two files of the evidence share one."""

    def __init__(self, case: Path) -> None:
        """Examine the case's file system. Raises OutputError if nothing can be written there."""
        self.case = case
        self._room = LONGEST_PATH - len(os.fsencode(case.absolute()))
        try:
            self._folds = folds_names(case)
        except OSError as error:
            raise OutputError(
                f"Cannot write to the case {str(case)!r}: {error.strerror}. Choose another -o."
            ) from error

    def place(self, path: str) -> str:
        """Return the folder of a path of the evidence, below the case."""
        return place_of(path, room=self._room, folds=self._folds)


def place_of(path: str, *, room: int, folds: bool) -> str:
    """Return the place of a path, another one for every path.

    room: bytes that a place may have. folds: whether the file system takes `A` and `a`, or two spellings of `ü`, for
    one name; then every path that is not plain itself gets a mark of its own.
    """
    plain, marked, by_hash = places_of(path)
    place = marked if folds and path != unicodedata.normalize("NFC", path).casefold() else plain
    if len(os.fsencode(place)) > room or any(len(os.fsencode(part)) > 255 for part in place.split("/")):
        return by_hash
    return place


def missing_outputs(case: Path, row: Row) -> list[str]:
    """Return what a row speaks of and is not there: pictures that are gone or empty, a record that is not the row's."""
    missing = []
    for artefact in artefacts_of(row):
        try:
            with opened_below(case, artefact) as picture:
                there = os.fstat(picture.fileno()).st_size > 0
        except OSError:
            there = False
        if not there:
            missing.append(artefact)
    record, expected = f"{row.place}/{RECORD_NAME}", text_of(row.record).encode("ascii")
    try:
        if read_below(case, record, len(expected)) != expected:
            missing.append(record)
    except OSError:
        missing.append(record)
    return missing


def artefacts_of(row: Row) -> dict[str, str]:
    """Return SHA-256 by path below the case of a row's pictures."""
    found = json.loads(row.record)["artefacts"]
    return {f"{row.place}/{artefact['path'].rpartition('/')[2]}": artefact["sha256"] for artefact in found}
