"""A file of weights, read once. The hashed bytes are the loaded bytes, whatever happens to the file later."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from mesorch_cli.errors import WeightsError
from mesorch_cli.files.hashing import sha256_bytes

MOST_BYTES = 2 * 1024**3 - 1  # the largest network of the family has 0.35 GB; ONNX ends at 2 GiB by itself
PIECE = 1 << 24
KINDS = {stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device", stat.S_IFSOCK: "a socket"}


@dataclass(frozen=True)
class Contents:
    """The bytes of a file and their SHA-256."""

    path: Path
    data: bytes
    sha256: str


def read_contents(path: Path, *, most_bytes: int = MOST_BYTES) -> Contents:
    """Open a file once and read all of it.

    Raises WeightsError if it is missing, not an ordinary file, unreadable, or larger than `most_bytes`.
    """
    data = read_ordinary(path, most_bytes)
    return Contents(path, data, sha256_bytes(data))


def read_ordinary(path: Path, most_bytes: int, first_bytes: int | None = None) -> bytes:
    """Return the bytes of an ordinary file, or its first ones. Raises WeightsError as `read_contents` does."""
    try:
        # Without O_NONBLOCK, opening a FIFO waits for a writer that may never come.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError as error:
        raise WeightsError(
            f"No weights at {path}: {error.strerror}. Expected a file. `mesorch weights list` shows the installed ones."
        ) from error
    except OSError as error:
        raise WeightsError(f"Cannot read {path}: {error.strerror}. Expected a file of weights.") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "a folder")
        raise WeightsError(f"{path} is {kind}. Expected an ordinary file of weights.")
    with os.fdopen(descriptor, "rb") as file:
        if found.st_size > most_bytes:
            raise WeightsError(f"{path} has {found.st_size} bytes. Expected weights of at most {most_bytes}.")
        wanted = found.st_size if first_bytes is None else min(first_bytes, found.st_size)
        parts, left = [], wanted
        try:
            while left > 0 and (part := file.read(min(left, PIECE))):
                parts.append(part)
                left -= len(part)
        except OSError as error:
            raise WeightsError(f"Cannot read {path}: {error.strerror}. Expected a file of weights.") from error
    if left:
        raise WeightsError(f"{path} became shorter while it was read. Try again when no program writes to it.")
    return b"".join(parts)
