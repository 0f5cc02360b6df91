"""Which inputs a command line names: paths, standard input, and lists in files."""

import os
from collections.abc import Iterator
from pathlib import Path

from mesorch_cli.cli.streams import read_input
from mesorch_cli.errors import UsageError

STDIN = "-"


def named_inputs(paths: list[str], files_from: str | None, null_separated: bool) -> Iterator[str]:
    """Yield the inputs in order: the paths given, then those of the list. Raises UsageError if there is none at all.

    files_from: a file of paths, one a line (or NUL-separated), or `-` to read that list from standard input.
    """
    if not paths and files_from is None:
        raise UsageError("No photo given. Name one or more, `-` for standard input, or a list with --files-from.")
    if paths.count(STDIN) + (files_from == STDIN) > 1:
        raise UsageError("`-` is given more than once; standard input can be read only once.")
    yield from paths
    if files_from is not None:
        yield from listed(files_from, null_separated)


def listed(files_from: str, null_separated: bool) -> Iterator[str]:
    """Yield the paths of a list; empty lines are skipped, any byte but the separator may stand in a name."""
    try:
        data = read_input() if files_from == STDIN else Path(files_from).read_bytes()
    except OSError as error:
        raise UsageError(f"Cannot read the list {files_from!r}: {error.strerror}. Expected a file of paths.") from error
    for entry in data.split(b"\0" if null_separated else b"\n"):
        name = entry if null_separated else entry.rstrip(b"\r")
        if name:
            yield os.fsdecode(name)
