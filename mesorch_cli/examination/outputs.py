"""Writes results: complete files only, one folder per input, never over another input's results."""

import json
import os
import re
from pathlib import Path, PurePath

from mesorch_cli.errors import OutputError, UsageError
from mesorch_cli.files.folders import opened_folder
from mesorch_cli.files.names import json_path
from mesorch_cli.files.reading import read_below
from mesorch_cli.files.writing import remove_unfinished, require_writable

RECORD_NAME = "record.json"
LARGEST_RECORD = 256 << 20  # bytes; the metadata of a photo stand in its record
LONGEST_NAME = 120  # bytes of a folder's name; file systems allow 255, paths below it need room


def safe_name(source: str) -> str:
    """Return a folder name for an input: its file name without characters that trouble terminals or file systems."""
    name = "stdin" if source == "-" else PurePath(source).name or "input"
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    name = re.sub(r"[\x00-\x1f\x7f/\\:*?\"<>|\u0080-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffd]", "_", name)
    while len(name.encode()) > LONGEST_NAME:
        name = name[:-1]
    return "_" + name if name.startswith(".") else name


class OutputFolder:
    """The folder that a run writes to."""

    def __init__(self, root: Path) -> None:
        """Make the folder if it does not exist. Raises OutputError if nothing can be written to it."""
        self.root = root
        self._taken: set[str] = set()
        try:
            require_writable(root)
        except OSError as error:
            raise OutputError(
                f"Cannot write to the output folder {root}: {error.strerror}. Choose another one with -o."
            ) from error

    def refuse_beside(self, sources: list[str]) -> None:
        """Raise UsageError if an input is in this folder, as evidence folders are not written to."""
        here = self.root.resolve()
        for source in sources:
            try:
                folder = Path(source).resolve().parent
            except (OSError, ValueError, RuntimeError):
                continue  # a loop of links, or an impossible name, which reading will refuse
            if source != "-" and folder == here:
                raise UsageError(
                    f"The output folder {self.root} contains {source!r}. Evidence folders are not written "
                    "to. Choose another folder with -o, or allow this with --in-tree."
                )

    def folder_for(self, source: str, sha256: str | None, page: int | None = None) -> str:
        """Make one input's folder and return its name. A second input with the same name gets its hash in the name.

        page: of the input, if one was asked for. Each page has its own folder.
        """
        name = safe_name(source) + ("" if page is None else f"-page-{page}")
        short = (sha256 or "unread")[:8]
        candidates = [name, f"{name}-{short}", *(f"{name}-{short}-{number}" for number in range(2, 1000))]
        for candidate in candidates:
            if candidate not in self._taken and self._ours(candidate, source, sha256):
                self._taken.add(candidate)
                try:
                    with opened_folder(self.root, [candidate], make=True):
                        remove_unfinished(self.root, candidate)
                        return candidate
                except OSError as error:
                    raise OutputError(
                        f"Cannot make {self.root / candidate}: {error.strerror}. Choose another -o folder."
                    ) from error
        raise OutputError(f"{self.root} contains too many results for files named {name!r}. Choose another -o folder.")

    def _ours(self, name: str, source: str, sha256: str | None) -> bool:
        """Return whether a folder name is free, or its folder holds an earlier result of the same input."""
        if not os.path.lexists(self.root / name):
            return True
        try:
            found = json.loads(read_below(self.root, f"{name}/{RECORD_NAME}", LARGEST_RECORD))["input"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return False
        return bool(
            isinstance(found, dict) and found.get("path") == json_path(source) and found.get("sha256") == sha256
        )
