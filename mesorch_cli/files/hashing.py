"""SHA-256 of bytes and of files, by which records, weights and cases identify their sources."""

import hashlib
import mmap
import os
from pathlib import Path
from typing import BinaryIO

from mesorch_cli.files.reading import opened, opened_below

CHUNK_BYTES = 1 << 20  # 1 MiB: large enough to keep the disk busy, small enough for any machine


def sha256_bytes(data: bytes | bytearray | memoryview | mmap.mmap) -> str:
    """Return the SHA-256 of `data` as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | os.PathLike[str], *, chunk_bytes: int = CHUNK_BYTES) -> str:
    """Return the SHA-256 of a file's content, read in chunks, as 64 lower-case hexadecimal digits.

    The file is opened read-only and never held in memory as a whole. Raises OSError if it cannot be read or is not a
    regular file (a pipe would block, a device would never end), and ValueError if `chunk_bytes` is not positive.
    """
    if chunk_bytes < 1:
        raise ValueError(f"chunk_bytes is {chunk_bytes}; expected at least 1")
    with opened(path) as stream:
        return sha256_stream(stream, chunk_bytes=chunk_bytes)


def sha256_below(root: Path, name: str) -> str:
    """Return the SHA-256 of a file below a folder, following no link. Raises OSError, and ValueError for a bad name."""
    with opened_below(root, name) as stream:
        return sha256_stream(stream)


def sha256_stream(stream: BinaryIO, *, chunk_bytes: int = CHUNK_BYTES) -> str:
    """Return the SHA-256 of the rest of a stream."""
    digest = hashlib.sha256()
    while chunk := stream.read(chunk_bytes):
        digest.update(chunk)
    return digest.hexdigest()
