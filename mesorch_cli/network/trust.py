"""Files from others whose code may run: the user's list of SHA-256, each added by name and on purpose."""

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mesorch_cli.bounds import json_within
from mesorch_cli.errors import WeightsError
from mesorch_cli.files.writing import write_whole
from mesorch_cli.network.contents import read_ordinary
from mesorch_cli.network.rules import Sha256
from mesorch_cli.offline import data_folder
from mesorch_cli.validation import first_problem

SCHEMA: Literal["mesorch.trusted/1"] = "mesorch.trusted/1"
FILE_NAME = "trusted.json"
MOST_BYTES = 4 * 1024 * 1024


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrustedFile(_Part):
    """A trusted file: its hash, its name at the time, and when it was trusted (UTC, ISO 8601)."""

    sha256: Sha256
    name: Annotated[str, Field(max_length=1000)]
    date: Annotated[str, Field(max_length=40)]


class _List(_Part):
    schema_: Literal["mesorch.trusted/1"] = Field(default=SCHEMA, alias="schema")
    files: tuple[TrustedFile, ...] = ()


@dataclass(frozen=True)
class TrustedFiles:
    """The list in the tool's own folder or in another."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / FILE_NAME

    def read(self) -> tuple[TrustedFile, ...]:
        """Return all entries; empty without a list.

        Raises WeightsError for an unreadable list, as a lost entry must not look like one that never existed.
        """
        if not os.path.lexists(self.path):
            return ()
        self._require_own()
        try:
            return _List.model_validate(json_within(read_ordinary(self.path, MOST_BYTES))).files
        except ValidationError as error:
            problem = first_problem(error)
        except (ValueError, WeightsError) as error:
            problem = str(error)
        raise WeightsError(
            f"Cannot read the list of trusted files {self.path}: {problem} Expected a list written by `mesorch "
            "weights trust`. Restore it, or delete it and trust your files again."
        )

    def _require_own(self) -> None:
        """Raise WeightsError for a list that others wrote or could write, as its files run code with our rights."""
        if not hasattr(os, "getuid"):
            return
        folder, file = self.folder.stat(), self.path.stat()
        own = file.st_uid in (os.getuid(), 0)
        open_to_all = file.st_mode & stat.S_IWOTH or (folder.st_mode & (stat.S_IWOTH | stat.S_ISVTX)) == stat.S_IWOTH
        if not own or open_to_all:
            how = "can be written by anyone" if own else f"belongs to the user {file.st_uid}"
            raise WeightsError(
                f"The list of trusted files {self.path} {how}. Expected a list that only you can write, because its "
                "files run code. Check its entries, then remove the rights: chmod o-w on it and its folder."
            )

    def find(self, sha256: str) -> TrustedFile | None:
        """Return the entry of a hash, None without one. Raises WeightsError as `read` does."""
        return next((one for one in self.read() if one.sha256 == sha256), None)

    def add(self, sha256: str, name: str) -> TrustedFile:
        """Add a file to the list, unless it is there already. Raises OutputError if the list cannot be written."""
        if (known := self.find(sha256)) is not None:
            return known
        entry = TrustedFile(sha256=sha256, name=name[:1000], date=datetime.now(UTC).isoformat(timespec="seconds"))
        self._write((*self.read(), entry))
        return entry

    def remove(self, sha256: str) -> TrustedFile | None:
        """Remove a file from the list. Return its entry."""
        known = self.find(sha256)
        if known is not None:
            self._write(tuple(one for one in self.read() if one.sha256 != sha256))
        return known

    def _write(self, files: tuple[TrustedFile, ...]) -> None:
        text = _List(files=files).model_dump_json(by_alias=True, indent=1) + "\n"
        write_whole(self.path, text.encode("utf-8"))


def trusted_files() -> TrustedFiles:
    """Return the user's list, below $MESORCH_HOME."""
    return TrustedFiles(data_folder())
