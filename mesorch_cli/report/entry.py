"""One file of a case for a report: plain data, so that a report does not depend on journals."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self

from mesorch_cli.errors import UsageError
from mesorch_cli.files.names import stays_inside
from mesorch_cli.report.alike import Likeness
from mesorch_cli.report.record_1 import current

ANALYSED, NOT_ANALYSED, FAILED = "analysed", "not analysed", "failed"

Record = dict[str, Any]  # mesorch.record/2, as parsed from JSON


class Finished(Protocol):
    """The parts of a journal row that a report reads. record: one line of JSON."""

    @property
    def path(self) -> str: ...
    @property
    def place(self) -> str: ...
    @property
    def copy_of(self) -> str | None: ...
    @property
    def record(self) -> str: ...


@dataclass(frozen=True)
class Entry:
    """One file of a case.

    path: below the evidence folder, as in the file system (bytes that are not UTF-8 as surrogates). place: the folder
    of its results, below the case. copy_of: of a duplicate, the path of the analysed file with the same bytes.
    copy_place: that file's place, if known. alike: the group of photos that look like it. Raises UsageError for a path
    that leads out of the case.
    """

    path: str
    place: str
    record: Record
    copy_of: str | None = None
    copy_place: str | None = None
    alike: Likeness | None = None

    def __post_init__(self) -> None:
        for path in (self.path, self.place, self.copy_place):
            if path is not None and not stays_inside(path):
                raise UsageError(
                    f"The case names a file {path!r}. Expected a path below the case. Its journal is damaged or was "
                    "changed: check it with `mesorch verify`."
                )

    @classmethod
    def of_row(cls, row: Finished) -> Self:
        """Return the entry of a journal row, for any version of its record."""
        return cls(row.path, row.place, current(json.loads(row.record)), row.copy_of)

    @property
    def status(self) -> str:
        """Return the file's status: analysed, not analysed (a photo, but with a reason against it), or failed."""
        if self.record["result"]["reason"] is None:
            return ANALYSED
        return FAILED if self.record["decode"] is None else NOT_ANALYSED

    @cached_property
    def artefacts(self) -> dict[str, tuple[str, str]]:
        """Return (file name, SHA-256) of the files written about it, by role; they lie in its place."""
        return {
            artefact["role"]: (artefact["path"].rpartition("/")[2], artefact["sha256"])
            for artefact in self.record["artefacts"]
        }

    def picture(self, role: str) -> str | None:
        """Return the path of one of its pictures below the case, None if there is none."""
        found = self.artefacts.get(role)
        return None if found is None else f"{self.place}/{found[0]}"


def fingerprint_of(record: Record) -> str | None:
    """Return the fingerprint of what the photo of a record shows, None where it has none."""
    return (record["decode"] or {}).get("fingerprint")
