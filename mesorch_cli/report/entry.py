"""One file of a case as a report takes it: plain data, so that a report needs to know of no journal."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from mesorch_cli.errors import UsageError

PHOTOS = "photos"  # the folder of a case that mirrors the evidence
ANALYSED, NOT_ANALYSED, FAILED = "analysed", "not analysed", "failed"
PICTURES = ("preview", "preview_overlay", "thumbnail")

Record = dict[str, Any]  # mesorch.record/1, as parsed from JSON


@dataclass(frozen=True)
class Entry:
    """One file of a case.

    path: below the evidence folder, as the file system has it (bytes that are no UTF-8 as surrogates).
    copy_of: path of the file with the same bytes whose pictures stand for this one too.
    Raises UsageError for a path that leads out of the case.
    """

    path: str
    record: Record
    copy_of: str | None = None

    def __post_init__(self) -> None:
        for path in (self.path, self.copy_of):
            if path is not None and not stays_inside(path):
                raise UsageError(
                    f"The case names a file {path!r}; expected a path below the evidence folder. The journal is damaged or "
                    "was changed; check it with `mesorch verify`."
                )

    @property
    def status(self) -> str:
        """Return what became of the file: analysed, not analysed (a photo, but with a reason against it), or failed."""
        if self.record["result"]["reason"] is None:
            return ANALYSED
        return FAILED if self.record["decode"] is None else NOT_ANALYSED

    @property
    def folder(self) -> str:
        """Return the folder of its record and page, below the case."""
        return f"{PHOTOS}/{self.path}"

    @property
    def picture_folder(self) -> str:
        """Return the folder of its pictures, below the case."""
        return f"{PHOTOS}/{self.copy_of or self.path}"

    @cached_property
    def artefacts(self) -> dict[str, tuple[str, str]]:
        """Return (file name, SHA-256) of the files written about it, by role; they lie in `picture_folder`."""
        return {
            artefact["role"]: (PurePosixPath(artefact["path"]).name, artefact["sha256"])
            for artefact in self.record["artefacts"]
        }

    def picture(self, role: str) -> str | None:
        """Return the path of one of its pictures below the case, None where there is none."""
        found = self.artefacts.get(role)
        return None if found is None else f"{self.picture_folder}/{found[0]}"


def stays_inside(path: str) -> bool:
    """Say whether a path stays below the folder that it is joined to."""
    return bool(path) and "\0" not in path and all(part not in ("", ".", "..") for part in path.split("/"))
