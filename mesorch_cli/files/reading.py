"""Opens files for reading. Only regular files are opened, as a pipe can block and a device can flood the program.

Below a folder that others may have prepared, no link is followed either.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from mesorch_cli.files.folders import opened_folder
from mesorch_cli.files.names import parts_of

NO_LINKS = getattr(os, "O_NOFOLLOW", 0)
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def opened(path: str | os.PathLike[str]) -> BufferedReader:
    """Open a file, or a link to one, that the user named. Raises OSError, also for anything but a regular file."""
    return _regular(os.open(path, _FLAGS), os.fspath(path))


def opened_below(root: Path, name: str) -> BufferedReader:
    """Open a file below a folder, following no link on the way.

    Raises OSError, also for a link or anything else but a regular file, and ValueError for a name that leads outside.
    """
    *folders, last = parts_of(name)
    with opened_folder(root, folders) as folder:
        return _regular(folder.open(last, _FLAGS | NO_LINKS), name)


def read_below(root: Path, name: str, limit_bytes: int) -> bytes:
    """Return a file's bytes. Raises as `opened_below`, and OSError for a file of more than `limit_bytes`."""
    with opened_below(root, name) as stream:
        return _limited(stream, name, limit_bytes)


def read(path: str | os.PathLike[str], limit_bytes: int) -> bytes:
    """Return the bytes of a file that the user named. Raises as `opened`, and OSError for more than `limit_bytes`."""
    with opened(path) as stream:
        return _limited(stream, os.fspath(path), limit_bytes)


def _regular(descriptor: int, name: str) -> BufferedReader:
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "is no regular file", name)
        _refuse_stream(descriptor, name)
        if hasattr(os, "set_blocking"):
            os.set_blocking(descriptor, True)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _refuse_stream(descriptor: int, name: str) -> None:
    """Refuse files that falsely claim to be empty: kernel files such as /proc/kmsg block like pipes."""
    if os.fstat(descriptor).st_size == 0:
        try:
            empty = not os.read(descriptor, 1)
        except BlockingIOError:
            empty = False
        if not empty and os.fstat(descriptor).st_size == 0:
            raise OSError(errno.EINVAL, "is no regular file", name)
        os.lseek(descriptor, 0, os.SEEK_SET)


def _limited(stream: BufferedReader, name: str, limit_bytes: int) -> bytes:
    data = stream.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise OSError(errno.EFBIG, f"is larger than {limit_bytes} bytes, the most that is read", name)
    return data
