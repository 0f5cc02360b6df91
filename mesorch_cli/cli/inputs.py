"""The inputs that a command line names: paths, standard input, and lists in files."""

import os
from collections.abc import Iterator
from pathlib import Path

from mesorch_cli.cli.streams import read_input
from mesorch_cli.errors import UsageError
from mesorch_cli.texts import MOST_BYTES, decoded, marked

STDIN = "-"


def named_inputs(paths: list[str], files_from: str | None, null_separated: bool) -> Iterator[str]:
    """Yield the inputs in order: first the paths given, then those in the list. Raises UsageError if there is none.

    files_from: a file of paths, one per line (or separated by NUL), or `-` to read the list from standard input.
    """
    if not paths and files_from is None:
        raise UsageError(
            "No photo was given. Name one or more photos, `-` for standard input, or a list with --files-from."
        )
    if paths.count(STDIN) + (files_from == STDIN) > 1:
        raise UsageError("`-` is given more than once; standard input can be read only once.")
    yield from paths
    if files_from is not None:
        yield from listed(files_from, null_separated)


def listed(files_from: str, null_separated: bool) -> Iterator[str]:
    """Yield the paths in a list. Empty lines are skipped. A name may contain any byte except the separator.

    Without a byte-order mark, the bytes of a line are taken as the bytes of a name on the disk, whatever its encoding.
    Raises UsageError for a list that cannot be read, or whose encoding differs from that of the names.
    """
    try:
        data = read_input() if files_from == STDIN else _list_bytes(Path(files_from))
    except OSError as error:
        raise UsageError(f"Cannot read the list {files_from!r}: {error.strerror}. Expected a file of paths.") from error
    content, codec, _ = marked(data)
    if codec not in (None, "utf-8"):
        content = decoded(data, f"The list {files_from!r}").encode("utf-8")
    elif not null_separated and b"\0" in content:
        raise UsageError(
            f"The list {files_from!r} contains zero bytes. Either it is UTF-16 without a byte-order mark, or NUL "
            "separates its names. Save it as UTF-8, or give --null."
        )
    entries = content.split(b"\0" if null_separated else b"\n")
    names = [name for entry in entries if (name := entry if null_separated else entry.removesuffix(b"\r"))]
    _refuse_foreign(names, files_from)
    yield from map(os.fsdecode, names)


def _list_bytes(path: Path) -> bytes:
    """Return the bytes of a list, which may be a pipe. Raises OSError, and UsageError for a list that does not end."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise UsageError(
            f"The list {str(path)!r} has more than {MOST_BYTES} bytes. Expected paths: is it the right file?"
        )
    return data


def _refuse_foreign(names: list[bytes], files_from: str) -> None:
    """Raise UsageError if some names are not UTF-8 and none of those exists on the disk with these bytes."""
    foreign = [name for name in names if not _is_utf8(name)]
    if foreign and not any(os.path.lexists(name) for name in foreign):
        decoded(b"\n".join(names), f"The list {files_from!r}")


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
