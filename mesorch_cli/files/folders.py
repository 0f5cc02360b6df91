"""Folders, opened part by part without following links, and their content."""

import errno
import os
import stat
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mesorch_cli.files.names import parts_of

HAS_DESCRIPTORS = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")  # not on Windows
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)


class Kind(StrEnum):
    """The kind of an entry in a folder."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "symbolic link"
    OTHER = "no regular file"


@dataclass(frozen=True)
class Folder:
    """A folder, held open if the system can do that, so that changes to its path do not matter.

    descriptor: of the folder; None if the system does not support it, so that `path` is used instead.
    """

    path: Path
    descriptor: int | None

    def open(self, name: str, flags: int, mode: int = 0o666) -> int:
        """Open an entry of this folder and return the descriptor. Raises OSError."""
        if self.descriptor is not None:
            return os.open(name, flags, mode, dir_fd=self.descriptor)
        _refuse_link(self.path / name)
        return os.open(self.path / name, flags, mode)

    def rename(self, old: str, new: str) -> None:
        """Rename a file of this folder, replacing whatever has the new name. Raises OSError."""
        if self.descriptor is not None:
            os.replace(old, new, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        else:
            (self.path / old).replace(self.path / new)

    def remove(self, name: str) -> None:
        """Remove a file of this folder. Raises OSError."""
        if self.descriptor is not None:
            os.unlink(name, dir_fd=self.descriptor)
        else:
            (self.path / name).unlink()

    def second_name(self, source: "Folder", old: str, new: str) -> None:
        """Link a file of another folder into this one. Raises OSError if the file system has no hard links."""
        if self.descriptor is not None and source.descriptor is not None:
            os.link(old, new, src_dir_fd=source.descriptor, dst_dir_fd=self.descriptor, follow_symlinks=False)
        else:
            _refuse_link(source.path / old)
            os.link(source.path / old, self.path / new)

    def sync(self) -> None:
        """Make the names in this folder survive a power cut, if the system can promise that."""
        if self.descriptor is not None:
            os.fsync(self.descriptor)


@contextmanager
def opened_folder(root: Path, parts: Sequence[str], *, make: bool = False) -> Iterator[Folder]:
    """Hold a folder below `root` open. The root may be a link, as the user named it, but no part below it may.

    make: create missing folders, including the root. Raises OSError, also if a part is a link or not a folder.
    """
    if make:
        root.mkdir(parents=True, exist_ok=True)
    if not HAS_DESCRIPTORS:
        yield Folder(_by_path(root, parts, make), None)
        return
    descriptor = os.open(root, _FOLDER)
    try:
        for part in parts:
            inner = _step(descriptor, part, make)
            os.close(descriptor)
            descriptor = inner
        yield Folder(root.joinpath(*parts), descriptor)
    finally:
        os.close(descriptor)


def _step(outer: int, part: str, make: bool) -> int:
    if make:
        with suppress(FileExistsError):  # opening it shows whether it is a folder
            os.mkdir(part, dir_fd=outer)
            os.fsync(outer)  # a lost folder name loses everything in the folder
    try:
        return os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=outer)
    except NotADirectoryError as error:  # Linux reports links this way, too
        if stat.S_ISLNK(os.stat(part, dir_fd=outer, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, "is a symbolic link, which is not followed here", part) from error
        raise


def _by_path(root: Path, parts: Sequence[str], make: bool) -> Path:
    path = root
    for part in parts:
        path /= part
        _refuse_link(path)
        if make:
            path.mkdir(exist_ok=True)
    return path


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise OSError(errno.ELOOP, "is a symbolic link, which is not followed here", str(path))


def listed(root: Path, name: str = "") -> list[tuple[str, Kind]]:
    """Return (name, kind) of the entries of a folder, in byte order. No link is followed on the way to it.

    Raises OSError if it cannot be listed, ValueError for a name that leads outside.
    """
    with (
        opened_folder(root, parts_of(name) if name else ()) as folder,
        os.scandir(folder.path if folder.descriptor is None else folder.descriptor) as found,
    ):
        return sorted(((entry.name, _kind(entry)) for entry in found), key=lambda item: os.fsencode(item[0]))


def entries(root: Path, *, below: str = "", leave_out: Collection[str] = ()) -> Iterator[tuple[str, Kind]]:
    """Yield (name below the root, kind) of everything in a folder, in byte order within each. No link is followed.

    below: the folder of the root to list. leave_out: folders to skip. Raises OSError if a folder cannot be listed.
    """
    waiting = [below]
    while waiting:
        folder = waiting.pop()
        try:
            inside = listed(root, folder)
        except OSError as error:  # with the whole name, not only its last part
            raise OSError(error.errno, error.strerror, str(root / folder)) from error
        found = [(f"{folder}/{name}" if folder else name, kind) for name, kind in inside]
        yield from found
        waiting += [name for name, kind in reversed(found) if kind is Kind.FOLDER and name not in leave_out]


def _kind(entry: "os.DirEntry[str]") -> Kind:
    if entry.is_symlink():
        return Kind.LINK
    if entry.is_dir(follow_symlinks=False):
        return Kind.FOLDER
    return Kind.FILE if entry.is_file(follow_symlinks=False) else Kind.OTHER
