"""One file of a case as a report takes it: plain data, so that a report needs to know of no journal."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, Self

from mesorch_cli.errors import UsageError
from mesorch_cli.files.names import stays_inside
from mesorch_cli.report.record_1 import current

ANALYSED, NOT_ANALYSED, FAILED = "analysed", "not analysed", "failed"

Record = dict[str, Any]  # mesorch.record/2, as parsed from JSON


class Finished(Protocol):
    """A row of a journal, as far as a report reads it. record: one line of JSON."""

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

    path: below the evidence folder, as the file system has it (bytes that are no UTF-8 as surrogates).
    place: the folder of its results, below the case. copy_of: path of the file with the same bytes that was analysed;
    copy_place: that one's place, where it is known.
    Raises UsageError for a path that leads out of the case.
    """

    path: str
    place: str
    record: Record
    copy_of: str | None = None
    copy_place: str | None = None

    def __post_init__(self) -> None:
        for path in (self.path, self.place, self.copy_place):
            if path is not None and not stays_inside(path):
                raise UsageError(
                    f"The case names a file {path!r}; expected a path below the case. Its journal is damaged or was changed; "
                    "check it with `mesorch verify`."
                )

    @classmethod
    def of_row(cls, row: Finished) -> Self:
        """Return the entry of a journal's row, whichever version its record is of."""
        return cls(row.path, row.place, current(json.loads(row.record)), row.copy_of)

    @property
    def status(self) -> str:
        """Return what became of the file: analysed, not analysed (a photo, but with a reason against it), or failed."""
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
        """Return the path of one of its pictures below the case, None where there is none."""
        found = self.artefacts.get(role)
        return None if found is None else f"{self.place}/{found[0]}"
