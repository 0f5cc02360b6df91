"""Writes files atomically: under an unpredictable name, to the disk, and only then under their own name.

Nothing in the way is opened, emptied or followed. A link or pipe with the file's name is replaced, and one in place of
a folder is refused.
"""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from mesorch_cli.errors import OutputError
from mesorch_cli.files.folders import Folder, Kind, entries, listed, opened_folder
from mesorch_cli.files.names import parts_of
from mesorch_cli.files.reading import NO_LINKS, opened_below

UNFINISHED = ".part"  # ending of temporary names, by which leftovers of killed runs are recognised
_LEFT = re.compile(r"(\..+\.|Probe-)[0-9a-f]{16}\.part", re.DOTALL)
_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_LINKS | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def write_below(root: Path, name: str, data: bytes, *, same_stays: bool = False, durable: bool = True) -> None:
    """Write a file below a folder, creating the folders on the way.

    same_stays: leave a file that already has these bytes alone, with its time. durable: wait for the disk, so that the
    file survives a power cut; not needed for files that can be made again at any time. Raises OutputError if it cannot
    be written, and for a link in place of a folder. No half-written file remains.
    """
    if same_stays and _holds(root, name, data):
        return
    with writing_below(root, name, durable=durable) as file:
        file.write(data)


@contextmanager
def writing_below(root: Path, name: str, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Yield a file that gets its name below a folder once everything is written. Raises as `write_below` does."""
    *folders, last = _parts(root, name)
    with _told(root, name), opened_folder(root, folders, make=True) as folder:
        temporary = _temporary(last)
        try:
            with os.fdopen(folder.open(temporary, _NEW), "w+b") as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            folder.rename(temporary, last)
            if durable:
                folder.sync()
        except BaseException:
            with suppress(OSError):
                folder.remove(temporary)  # half a file would only waste scarce space
            raise


@contextmanager
def writing_folder(parent: Path, name: str) -> Iterator[str]:
    """Yield the name of a new folder below `parent` that gets the given name once everything in it is written.

    Leftovers of killed runs for the same folder are removed first, with any content, without following links. Raises
    OutputError if the folder cannot be made or named.
    """
    (last,) = _parts(parent, name)
    temporary = _temporary(last)
    with _told(parent, name), opened_folder(parent, (), make=True):
        for found, kind in listed(parent):
            if kind is Kind.FOLDER and _LEFT.fullmatch(found) and found.startswith(f".{last}."):
                shutil.rmtree(parent / found)
        (parent / temporary).mkdir()
        try:
            yield temporary
            (parent / temporary).rename(parent / last)
        except BaseException:
            shutil.rmtree(parent / temporary, ignore_errors=True)
            raise


def write_whole(path: Path, data: bytes) -> None:
    """Write a file at a path that the user named, as `write_below` does in its folder. Raises OutputError."""
    write_below(path.parent, path.name, data)


def take_whole(source: Path, path: Path) -> None:
    """Move a file that a library wrote into its place, once it is on the disk. Raises OutputError."""
    with _told(path.parent, path.name), opened_folder(path.parent, ()) as folder:
        with source.open("rb+") as file:
            os.fsync(file.fileno())
        source.replace(path)
        folder.sync()


def link_or_copy_below(source_root: Path, source: str, root: Path, name: str) -> None:
    """Link a file to a second name, or copy it if the file system has no hard links. No symbolic link is followed.

    Raises OutputError.
    """
    *source_folders, old = _parts(source_root, source)
    *folders, last = _parts(root, name)
    with (
        _told(root, name),
        opened_folder(source_root, source_folders) as there,
        opened_folder(root, folders, make=True) as here,
    ):
        temporary = _temporary(last)
        try:
            _taken(there, old, here, temporary, source_root, source)
            here.rename(temporary, last)
            here.sync()
        finally:
            # Renaming between two names of one file does nothing, so the first name is still there.
            with suppress(FileNotFoundError):
                here.remove(temporary)


def _taken(there: Folder, old: str, here: Folder, temporary: str, source_root: Path, source: str) -> None:
    with opened_below(
        source_root, source
    ) as original:  # raises for anything but a regular file, before it gets a name here
        try:
            here.second_name(there, old, temporary)
        except OSError:
            with os.fdopen(here.open(temporary, _NEW), "wb") as copy:
                shutil.copyfileobj(original, copy)
                copy.flush()
                os.fsync(copy.fileno())


def remove_unfinished(root: Path, below: str = "") -> None:
    """Remove only the temporary files that killed runs left below a folder, without following links.

    Raises OutputError if one cannot be removed.
    """
    for name, kind in entries(root, below=below):
        if kind is Kind.FILE and _LEFT.fullmatch(name.rpartition("/")[2]):
            *folders, last = parts_of(name)
            with _told(root, name), opened_folder(root, folders) as folder:
                folder.remove(last)


def require_writable(root: Path) -> None:
    """Make a folder and write to it, as a test before any work. Raises OSError."""
    with opened_folder(root, (), make=True) as folder:
        temporary = _temporary("probe")
        os.close(folder.open(temporary, _NEW))
        folder.remove(temporary)


def folds_names(root: Path) -> bool:
    """Return whether a folder's file system takes `A` and `a` for one name. Raises OSError if it cannot be written."""
    with opened_folder(root, ()) as folder:
        name = f"Probe-{secrets.token_hex(8)}{UNFINISHED}"
        os.close(folder.open(name, _NEW))
        try:
            return (root / name.lower()).exists()
        finally:
            folder.remove(name)


def _temporary(name: str) -> str:
    stem = os.fsdecode(os.fsencode(name)[:200])  # file systems allow 255 bytes
    return f".{stem}.{secrets.token_hex(8)}{UNFINISHED}"


def _holds(root: Path, name: str, data: bytes) -> bool:
    try:
        with opened_below(root, name) as file:
            return os.fstat(file.fileno()).st_size == len(data) and file.read() == data
    except OSError:
        return False


def _parts(root: Path, name: str) -> list[str]:
    try:
        return parts_of(name)
    except ValueError as error:
        raise OutputError(f"Cannot write below {str(root)!r}: {error}.") from error


@contextmanager
def _told(root: Path, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cure = "Make room, or choose another output, and give the same command again."
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            cure = "Expected plain folders on the way: find out who put something else there, or choose another output."
        raise OutputError(f"Cannot write {str(root / name)!r}: {error.strerror or error}. {cure}") from error
