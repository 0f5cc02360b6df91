"""Where in a case the results of a file lie: a folder for each, below `photos` as the file lies in the evidence."""

import hashlib
import json
import os
import shutil
import unicodedata
from pathlib import Path

from mesorch_cli.case.journal import Row
from mesorch_cli.case.outputs import RECORD_NAME
from mesorch_cli.case.record import text_of
from mesorch_cli.errors import OutputError

PHOTOS = "photos"
BY_HASH = "photos-by-hash"  # for files whose paths are too long to be mirrored
LONGEST_PATH = 3900  # bytes; systems allow 4096, file names below the folder need room


class Mirror:
    """The places of a case. A file's path is a folder's here, so no two files of one evidence folder share one."""

    def __init__(self, case: Path) -> None:
        """Look at the case's file system. Raises OutputError if nothing can be written there."""
        self.case = case
        self._room = LONGEST_PATH - len(os.fsencode(case.absolute()))
        self._folds = folds_names(case)

    def place(self, path: str) -> str:
        """Return the folder of a path of the evidence, below the case."""
        return place_of(path, room=self._room, folds=self._folds)

    def made(self, place: str) -> Path:
        """Return a place as a folder that is there. Raises OutputError where it cannot be made."""
        folder = self.case / place
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"Cannot make {str(folder)!r}: {error.strerror}. Make room and give the same command again."
            ) from error
        return folder


def place_of(path: str, *, room: int, folds: bool) -> str:
    """Return the place of a path, another one for every path.

    room: bytes that a place may have. folds: whether the file system takes `A` and `a`, or two spellings of `ü`, for one
    name; then every path that is not plain itself gets a mark of its own.
    """
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()
    place = f"{PHOTOS}/{path}"
    if folds and path != unicodedata.normalize("NFC", path).casefold():
        place += f"~{digest[:12]}"
    if len(os.fsencode(place)) > room or any(len(os.fsencode(part)) > 255 for part in place.split("/")):
        return f"{BY_HASH}/{digest}"
    return place


def folds_names(case: Path) -> bool:
    """Say whether the file system of a case takes two spellings for one name."""
    probe = case / ".Mesorch-Probe.part"
    try:
        probe.write_bytes(b"")
        folds = probe.with_name(probe.name.lower()).exists()
        probe.unlink()
    except OSError as error:
        raise OutputError(f"Cannot write to the case {str(case)!r}: {error.strerror}. Choose another -o.") from error
    return folds


def missing_outputs(case: Path, row: Row) -> list[str]:
    """Return what a row speaks of and is not there: pictures that are gone or empty, a record that is not the row's."""
    missing = []
    for artefact in artefacts_of(row):
        try:
            there = (case / artefact).stat().st_size > 0
        except OSError:
            there = False
        if not there:
            missing.append(artefact)
    record = f"{row.place}/{RECORD_NAME}"
    try:
        if (case / record).read_bytes() != text_of(row.record).encode("ascii"):
            missing.append(record)
    except OSError:
        missing.append(record)
    return missing


def artefacts_of(row: Row) -> dict[str, str]:
    """Return SHA-256 by path below the case of a row's pictures."""
    found = json.loads(row.record)["artefacts"]
    return {f"{row.place}/{artefact['path'].rpartition('/')[2]}": artefact["sha256"] for artefact in found}


def duplicate(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it where the file system has no second names. Raises OutputError."""
    temporary = target.with_name(target.name + ".part")
    try:
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
        temporary.replace(target)
        temporary.unlink(missing_ok=True)  # renaming one name of a file to another of the same file does nothing
    except OSError as error:
        raise OutputError(
            f"Cannot write {str(target)!r}: {error.strerror}. Make room and give the same command again."
        ) from error
